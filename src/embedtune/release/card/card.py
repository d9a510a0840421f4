"""Render the model card of a release."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from embedtune.release.card import search, tables, verdict
from embedtune.release.card.citations import citations
from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import clean, clip, code, fenced, inline
from embedtune.release.card.metadata import front_matter

TEMPLATE = "model_card.md.jinja"

SIMILARITIES = {
    "cosine": "Cosine Similarity",
    "dot": "Dot Product",
    "euclidean": "Euclidean Distance",
    "manhattan": "Manhattan Distance",
}
VERSIONS = {
    "python": "Python",
    "sentence-transformers": "Sentence Transformers",
    "transformers": "Transformers",
    "torch": "PyTorch",
    "accelerate": "Accelerate",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
    "embedtune": "embedtune",
    "optuna": "Optuna",
    "hydra-core": "Hydra",
    "mlflow": "MLflow",
}
_NOT_FOR_OTHERS = frozenset({"output_dir", "logging_dir", "run_name", "hub_token", "push_to_hub_token"})
"""Training arguments that are about one machine or one account."""


def render_card(inputs: CardInputs) -> str:
    """The card as Markdown with YAML metadata, in the order of sentence-transformers' own cards.

    It says nothing that is not in ``inputs``, and stays valid whatever the texts contain.
    """
    environment = Environment(
        loader=PackageLoader("embedtune.release.card", ""),
        autoescape=False,  # the target is Markdown and Python: each place has its own filter
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "code": code,
        "inline": inline,
        "fenced": fenced,
        "literal": _literal,
        "json": _json,
        "either": _either,
    }
    return environment.get_template(TEMPLATE).render(
        card=inputs,
        facts=inputs.facts,
        front_matter=front_matter(inputs),
        similarity=SIMILARITIES.get(inputs.facts.similarity, inputs.facts.similarity),
        hyperparameters={k: v for k, v in inputs.facts.hyperparameters.items() if k not in _NOT_FOR_OTHERS},
        versions=_versions(inputs),
        citations=citations(inputs.facts),
        tables=tables,
        search=search,
        verdict=verdict,
    )


def _versions(inputs: CardInputs) -> dict[str, str]:
    known = inputs.facts.versions
    return {title: known[name] for name, title in VERSIONS.items() if name in known}


def _literal(text: str) -> str:
    """A Python string literal on one line, whatever the text is."""
    return repr(clip(clean(text)))


def _json(value: object) -> str:
    return json.dumps(value, indent=4, ensure_ascii=False)


def _either(values: Sequence[object]) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} or {last}" if others else last
