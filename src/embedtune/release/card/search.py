"""The card's section about the search: what was tried, what was chosen and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import ABSENT, code, inline, number, short, table
from embedtune.units import duration


def search_facts(inputs: CardInputs) -> list[tuple[str, str]]:
    """Names and Markdown of the facts that are known."""
    study, record = inputs.study, inputs.record
    data = study.get("data") or {}
    texts: dict[str, str | None] = {
        "Study": _code(study.get("name")),
        "Budget": f"{study['n_trials']} trials in total" if study.get("n_trials") is not None else None,
        "Trials": ", ".join(
            f"{count} {inline(state)}" for state, count in (study.get("states") or {}).items() if count
        ),
        "Sampler": _code(_constructed(study.get("sampler"))),
        "Pruner": _code(_constructed(study.get("pruner"))) or "none",
        "Objective": f"<code>{inputs.objective}</code> at {inputs.objective_dim} dimensions, larger is better",
        "Second objective": _second(study.get("second")),
        "Chosen trial": _chosen(inputs),
        "Data": _code(data.get("name")),
        "Data source": _code(_public(data["source"])) if data.get("source") else None,
        **{f"sha256 of {inline(split)}": _code(digest) for split, digest in (data.get("digests") or {}).items()},
        "Code revision": _code(record.facts.get("git_revision")),
        "Device and precision": f"{inline(inputs.facts.device)}, {inline(inputs.facts.precision)}",
        "Time of this trial": duration(record.seconds),
        "Time of the whole search": duration(study["seconds"]) if study.get("seconds") is not None else None,
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
    space, params = inputs.study.get("space") or {}, inputs.record.params
    rows = [
        [code(key), _code(space.get(key)) or ABSENT, code(short(params[key])) if key in params else ABSENT]
        for key in dict.fromkeys((*space, *params))
    ]
    return table(["Key", "Searched", "Chosen"], rows, "l")


def _second(second: int | str | None) -> str | None:
    if second == "dimension":
        return "the size of the embedding, smaller is better"
    return None if second is None else f"the same at {second} dimensions"


def _chosen(inputs: CardInputs) -> str:
    record = inputs.record
    if inputs.parts:
        numbers = ", ".join(f"{part:04d}" for part in inputs.parts)
        return f"none alone: the uniform average of the weights of {numbers}, measured at {record.value:.4f}"
    text = f"{inline(record.name)}, the weights of its best step"
    if record.best_step is not None and record.best_epoch is not None:
        text += f" {record.best_step} (epoch {record.best_epoch:.4g})"
    return text + (f", recorded at {record.value:.4f}" if record.value is not None else "")


def _constructed(value: Any) -> Any:
    """``{_target_: a.b.Name, seed: 1}``, as Hydra writes an object, becomes ``Name(seed=1)``; an empty one, None."""
    if not isinstance(value, Mapping) or "_target_" not in value:
        return value or None
    arguments = ", ".join(f"{key}={argument}" for key, argument in value.items() if key != "_target_")
    return f"{str(value['_target_']).rpartition('.')[2]}({arguments})"


def _public(source: str) -> str:
    """Of an absolute path only the last part: the rest says where somebody's files are, not what they are."""
    path = PurePath(source)
    return path.name if path.is_absolute() else source


def _code(value: Any) -> str | None:
    return None if value is None else code(value)
