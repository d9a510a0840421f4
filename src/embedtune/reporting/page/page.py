"""The page: everything on it is in it, and every text is escaped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from embedtune.records import PROMPTS, Settings
from embedtune.reporting.page.figures.plots import Plot
from embedtune.reporting.page.findings.advice import give_advice
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.templates import page_templates
from embedtune.reporting.page.trial_table import trial_table
from embedtune.reporting.page.verdict import give_verdict

TEMPLATE = "report.html.jinja"


def render_page(inputs: ReportInputs, plots: Sequence[Plot], made: float | None = None) -> str:
    """The report as one HTML page that loads nothing.

    Args:
        inputs: The study.
        plots: Drawn from it.
        made: Seconds since the epoch; None is now.
    """
    return (
        page_templates()
        .get_template(TEMPLATE)
        .render(
            study=inputs.definition.name,
            verdict=give_verdict(inputs),
            advice=give_advice(inputs),
            ranking=trial_table(inputs),
            plots=plots,
            space=inputs.definition.search.space,
            definition=definition_facts(inputs),
            command=inputs.command,
            made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(made)),
        )
    )


def definition_facts(inputs: ReportInputs) -> list[tuple[str, str]]:
    """Names and texts of what defines the study and of what it ran on, as far as known."""
    definition, search = inputs.definition, inputs.definition.search
    record = inputs.best or inputs.baseline
    facts = record.facts if record is not None else {}
    model = {key: value for key, value in definition.model.items() if value and not isinstance(value, Mapping)}
    prompts = facts.get(PROMPTS) or {}
    texts = {
        "Objective": _objective(inputs),
        "Budget": f"{inputs.n_trials} trials in total" if inputs.is_sweep else "one configuration after another",
        "Conditions": "; ".join(f"{key} if {text}" for key, text in search.conditions.items()),
        "Constraints": "; ".join(search.constraints),
        "Sampler": _constructed(search.sampler),
        "Pruner": _constructed(search.pruner) or ("none" if inputs.is_sweep else ""),
        "Model": ", ".join(f"{key}={value}" if key != "name" else str(value) for key, value in model.items()),
        "Prompts": ", ".join(f"{role} {prompt!r}" for role, prompt in prompts.items() if prompt),
        "Data": f"{definition.data.name}, from {definition.data.source}",
        "Warnings about the data": " ".join(definition.data.warnings),
        **{f"sha256 of {split}": digest for split, digest in definition.data.digests.items()},
        "Queries": str(inputs.queries) if inputs.queries else "",
        "Recipe": _recipe(definition.recipe, set(inputs.keys)),
        "Mined negatives": (record.negatives or "") if record is not None else "",
        "Device and precision": ", ".join(str(facts[key]) for key in ("device", "precision") if facts.get(key)),
        "Git revision": definition.git_revision or "",
        "Versions": ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items()),
    }
    return [(name, text) for name, text in texts.items() if text]


def _objective(inputs: ReportInputs) -> str:
    second = inputs.second
    if second is not None and second.is_size:
        return f"{inputs.metric} on the validation split, larger is better, against the dimension, smaller is better"
    dims = f"{inputs.dim}" if second is None else f"{inputs.dim} and at {second.dim}"
    judge = f"in {inputs.folds} folds of the training queries" if inputs.folds else "on the validation split"
    return f"{inputs.metric} at {dims} dimensions {judge}, larger is better"


def _recipe(recipe: Mapping[str, Settings], searched: set[str]) -> str:
    """The settings that all trials share."""
    fixed = {
        f"{group}.{key}": value
        for group, values in recipe.items()
        for key, value in values.items()
        if f"{group}.{key}" not in searched and not isinstance(value, Mapping)
    }
    return ", ".join(f"{key}={value}" for key, value in fixed.items())


def _constructed(values: Settings) -> str:
    """``{_target_: a.b.Name, seed: 1}``, as Hydra writes an object, becomes ``Name(seed=1)``."""
    if not values:
        return ""
    arguments = ", ".join(f"{key}={value}" for key, value in values.items() if key != "_target_")
    return f"{str(values.get('_target_', '')).rpartition('.')[2]}({arguments})"
