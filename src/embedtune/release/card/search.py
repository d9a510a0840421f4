"""The card's section about the search: what was tried, what was chosen and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from embedtune.records import PASSAGES_PER_SECOND, SYNTHETIC, SecondObjective, Settings, Synthetic
from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import ABSENT, code, inline, number, short, table
from embedtune.units import amount, duration


def search_facts(inputs: CardInputs) -> list[tuple[str, str]]:
    """Names and Markdown of the facts that are known."""
    study, record, summary = inputs.search.definition, inputs.record, inputs.search
    states = ", ".join(f"{count} {inline(state)}" for state, count in summary.states.items() if count)
    second = study.objective.second
    texts: dict[str, str | None] = {
        "Study": code(study.name),
        "Budget": None if study.n_trials is None else f"{study.n_trials} trials in total",
        "Trials": states,
        "Sampler": _constructed(study.search.sampler),
        "Pruner": _constructed(study.search.pruner) or "none",
        "Objective": f"<code>{inputs.objective}</code> at {inputs.objective_dim} dimensions, larger is better",
        "Second objective": None if second is None else _second(second),
        "Chosen trial": _chosen(inputs),
        "Data": code(study.data.name),
        "Data source": code(_public(study.data.source)) if study.data.source else None,
        **{f"sha256 of {inline(split)}": code(digest) for split, digest in study.data.digests.items()},
        "Synthetic queries": _synthetic(record.facts.get(SYNTHETIC)),
        "Code revision": _code(record.facts.get("git_revision")),
        "Device and precision": f"{inline(inputs.facts.device)}, {inline(inputs.facts.precision)}",
        "Embedding speed": _speed(record.facts.get(PASSAGES_PER_SECOND)),
        "Time of this trial": duration(record.seconds),
        "Time of the whole search": duration(summary.seconds),
    }
    return [(name, text) for name, text in texts.items() if text]


def split_table(inputs: CardInputs) -> str:
    """The objective of the release and of the untuned base model on each split."""
    dim, rows = inputs.shown_dim, []
    for split in inputs.scores:
        tuned = inputs.tuned(split, dim, inputs.objective)
        untuned = inputs.untuned(split, dim, inputs.objective)
        gain = ABSENT if tuned is None or untuned is None else f"{tuned - untuned:+.4f}"
        rows.append([inline(split), number(tuned), number(untuned), gain])
    return table(["Split", "This model", "Untuned", "Difference"], rows, "lr")


def parameter_table(inputs: CardInputs) -> str:
    """Each searched key, where it was searched and what the chosen trial took."""
    space, params = inputs.search.definition.search.space, inputs.record.params
    rows = [
        [code(key), _code(space.get(key)) or ABSENT, code(short(params[key])) if key in params else ABSENT]
        for key in dict.fromkeys((*space, *params))
    ]
    return table(["Key", "Searched", "Chosen"], rows, "l")


def _second(second: SecondObjective) -> str:
    return "the size of the embedding, smaller is better" if second.is_size else f"the same at {second.dim} dimensions"


def _chosen(inputs: CardInputs) -> str:
    record = inputs.record
    if inputs.parts:
        numbers = ", ".join(f"{part:04d}" for part in inputs.parts)
        return f"none alone: the uniform average of the weights of {numbers}, measured at {record.value:.4f}"
    text = f"{inline(record.name)}, the weights of its best step"
    if record.best_step is not None and record.best_epoch is not None:
        text += f" {record.best_step} (epoch {record.best_epoch:.4g})"
    return text + (f", recorded at {record.value:.4f}" if record.value is not None else "")


def _constructed(values: Settings) -> str | None:
    """``{_target_: a.b.Name, seed: 1}``, as Hydra writes an object, becomes ``Name(seed=1)``."""
    if "_target_" not in values:
        return None
    arguments = ", ".join(f"{key}={argument}" for key, argument in values.items() if key != "_target_")
    return code(f"{str(values['_target_']).rpartition('.')[2]}({arguments})")


def _synthetic(fact: Mapping[str, Any] | None) -> str | None:
    if fact is None:
        return None
    return f"**{inline(Synthetic(fact['method'], fact['model'], tuple(fact['splits'])).sentence)}**"


def _speed(rate: float | None) -> str | None:
    return None if rate is None else f"{amount(rate)} passages of the validation data a second, on this device in fp32"


def _public(source: str) -> str:
    """Of an absolute path only the last part: the rest says where somebody's files are, not what they are."""
    path = PurePath(source)
    return path.name if path.is_absolute() else source


def _code(value: object) -> str | None:
    return None if value is None else code(value)
