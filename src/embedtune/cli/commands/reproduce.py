"""``reproduce``: run a recorded trial again and compare."""

from __future__ import annotations

import math

from embedtune.cli.commands.answer import Answer, Part
from embedtune.cli.commands.evaluate import find_run
from embedtune.cli.output import quiet_libraries
from embedtune.cli.overrides import typed_keys
from embedtune.cli.recorded import recorded_recipe, typed_data
from embedtune.config import Config
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths, TrialPaths, write_json
from embedtune.reporting.live import View
from embedtune.reporting.tables import make_table
from embedtune.reproduction.comparison import Comparison
from embedtune.reproduction.run import reproduce as run_again
from embedtune.study.own import require_own_folders
from embedtune.typed import Document

SHOWN = 5
"""Dimensions in the table; JSON has all."""


def reproduce(config: Config) -> Answer:
    """Run the trial ``run`` again; exit status 1 if a score or a weight deviates by more than ``reproduce.tolerance``.

    Raises:
        ConfigError: There is no such trial, or it has no scores.
        TrialError: It fails now.
    """
    quiet_libraries()
    if config.run is None:
        raise ConfigError("run must be given, but got None. Name an MLflow run id or a trial's folder: run=RUN.")
    study, number = find_run(config)
    require_own_folders(study)
    recipe = _recipe(config, study, number)
    with View() as view:
        trial, comparison = run_again(study, number, recipe, view, same_data=typed_data())
    document = _document(config, study, number, trial, comparison)
    write_json(trial.root / "reproduction.json", document)
    passed = comparison.max_deviation <= config.reproduce.tolerance
    return Answer(document, _parts(document, comparison, passed), status=0 if passed else 1)


def _recipe(config: Config, study: StudyPaths, number: int) -> Config:
    """The recorded configuration; the device may be typed, because a machine may lack the recorded one."""
    recipe = recorded_recipe(config, study, number)
    recipe.paths = config.paths
    if "train.device" in typed_keys():
        recipe.train.device = config.train.device
    return recipe


def _document(config: Config, study: StudyPaths, number: int, trial: TrialPaths, comparison: Comparison) -> Document:
    return {
        "run": config.run,
        "study": study.name,
        "trial": number,
        "folder": str(trial.root),
        "differences": [vars(difference) for difference in comparison.differences],
        "deviations": {dim: {k: _finite(v) for k, v in found.items()} for dim, found in comparison.deviations.items()},
        "unmatched_steps": list(comparison.unmatched),
        "weights": _finite(comparison.weights),
        "max_deviation": _finite(comparison.max_deviation),
        "tolerance": config.reproduce.tolerance,
        "equal": comparison.is_equal,
    }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity; what cannot be compared is null."""
    return value if value is not None and math.isfinite(value) else None


def _parts(document: Document, comparison: Comparison, passed: bool) -> tuple[Part, ...]:
    dims = sorted(comparison.deviations, key=int, reverse=True)[:SHOWN]
    metrics = list(comparison.deviations[dims[0]]) if dims else []
    rows = [[metric, *(_cell(comparison.deviations[dim].get(metric, math.inf)) for dim in dims)] for metric in metrics]
    title = f"Trial {document['trial']} of {document['study']}, run again: deviation of each score, by dimension"
    changed = [str(difference) for difference in comparison.differences]
    lines = ["Changed since:", *(f"  {line}" for line in changed)] if changed else ["Nothing it ran on has changed."]
    if comparison.unmatched:
        lines.append(f"Evaluated only once at the steps {', '.join(map(str, comparison.unmatched))}.")
    lines.append(f"Weights:  {_weights(comparison.weights)}")
    verdict = "equal to the last bit" if comparison.is_equal else f"largest deviation {comparison.max_deviation:.3g}"
    judged = "" if passed else f", above reproduce.tolerance {document['tolerance']:g}"
    return (make_table(["metric", *dims], rows, title), *lines, f"Result:   {verdict}{judged}", document["folder"])


def _weights(weights: float | None) -> str:
    if weights is None:
        return "not compared, the trial does not keep them"
    return "equal to the last bit" if weights == 0 else f"largest deviation {weights:.3g}"


def _cell(value: float) -> str:
    return "0" if value == 0 else f"{value:+.2g}"
