"""The metadata of a card: the YAML that a model hub reads.

Fields as in the hub's model card specification, https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import clean, clip
from embedtune.typed import Document


def front_matter(inputs: CardInputs) -> str:
    """The YAML between the card's first two lines of dashes; any text in it is quoted as it needs."""
    return yaml.safe_dump(metadata(inputs), sort_keys=False, allow_unicode=True)


def metadata(inputs: CardInputs) -> Document:
    """The card's metadata as plain values.

    ``base_model`` is left out for one that is not on the hub, where the field would point to another model.
    """
    languages = list(inputs.languages)
    return {
        **({"language": languages[0] if len(languages) == 1 else languages} if languages else {}),
        **({"license": inputs.license} if inputs.license else {}),
        **({"base_model": inputs.hub_id} if inputs.hub_id else {}),
        "library_name": "sentence-transformers",
        "metrics": inputs.metrics,
        "pipeline_tag": "sentence-similarity",
        "tags": [
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "generated_from_trainer",
            f"dataset_size:{inputs.rows}",
            *(f"loss:{name}" for name in inputs.facts.losses),
        ],
        "widget": [
            {"source_sentence": _text(query), "sentences": [_text(passage) for passage in passages]}
            for query, passages in inputs.examples
        ],
        "model-index": [{"name": inputs.title, "results": _results(inputs)}],
    }


def _results(inputs: CardInputs) -> list[Document]:
    data = inputs.search.definition.data.name
    return [
        {
            "task": {"type": "information-retrieval", "name": "Information Retrieval"},
            # Readers merge results whose type, config and split agree: a dimension is a config of its own.
            "dataset": {
                "name": f"{data} {split}, {dim} dimensions",
                "type": re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-") or "unknown",
                "config": f"dim_{dim}",
                "split": split,
            },
            "metrics": _metrics(metrics[str(dim)]),
        }
        for split, metrics in inputs.scores.items()
        for dim in sorted(map(int, metrics), reverse=True)
    ]


def _metrics(values: Mapping[str, float]) -> list[Document]:
    return [{"type": name, "value": float(own), "name": name.replace("_", " ").title()} for name, own in values.items()]


def _text(text: str) -> str:
    # PyYAML does not read U+0085 and U+2028 back as it writes them; as line breaks they survive.
    return "\n".join(clip(clean(text)).splitlines())
