"""What each pruner saves and what it loses, replayed on full curves that were recorded once.

    python benchmarks/pruning.py                                   # replay on every file of benchmarks/curves
    python benchmarks/pruning.py record STUDY benchmarks/curves/NAME.json   # curves of a study, to be replayed

A study that is recorded never prunes but reports each query: `sampler=random pruner=wilcoxon
hydra.sweeper.pruner.p_threshold=1e-300`. The replay runs studies of some of its trials in random orders, the default
recipe first as in a real study, with the pruner itself asked after every evaluation. A trial that is stopped keeps the
best value it reached. The winner is the trial that ranks first; its regret is by how much the best full curve of the
study is above the winner's value, as it was reached. Saved is the share of the study's rows that were not trained on.
"""

from __future__ import annotations

import argparse
import json
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.trial import FrozenTrial, TrialState

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.study.opening import load_study
from embedtune.sweep.strategies.query_pruner import STRIDE, QueryPruner, mean_step, report_queries
from embedtune.sweep.strategies.schedule_pruner import SchedulePruner, share_step

CURVES = Path(__file__).parent / "curves"
EPOCHS = "train.epochs"
KEPT = (EPOCHS, "train.batch_size", "train.learning_rate", "train.warmup_ratio", "train.batch_sampler")


class SameEpochs(BasePruner):
    """Another pruner, shown only the trials with as many epochs as the one it judges."""

    def __init__(self, pruner: BasePruner) -> None:
        self._pruner = pruner

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is stopped."""
        others = [
            own
            for own in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if own.params[EPOCHS] == trial.params[EPOCHS]
        ]
        alike = optuna.create_study(direction="maximize")
        alike.add_trials(others)
        return self._pruner.prune(alike, trial)


@dataclass(frozen=True)
class Pruner:
    """A pruner and what the steps are by which it is told.

    Attributes:
        make: A new one, for one study.
        by: ``ordinal``, ``share`` of the schedule, or ``queries``.
    """

    make: Callable[[], BasePruner]
    by: str = "ordinal"


PRUNERS: dict[str, Pruner] = {
    "none": Pruner(NopPruner),
    "median, at equal epochs (Optuna's)": Pruner(lambda: MedianPruner(n_startup_trials=2, n_warmup_steps=1)),
    "median, among trials of as many epochs": Pruner(lambda: SameEpochs(MedianPruner(2, n_warmup_steps=1))),
    "median, at equal shares": Pruner(lambda: SchedulePruner(warmup_share=0.0), "share"),
    "median, at equal shares from 0.3 on": Pruner(lambda: SchedulePruner(warmup_share=0.3), "share"),
    "median, at equal shares from 0.4 on (the default)": Pruner(SchedulePruner, "share"),
    "median, at equal shares from 0.5 on": Pruner(lambda: SchedulePruner(warmup_share=0.5), "share"),
    "best quarter, at equal shares": Pruner(lambda: SchedulePruner(25.0, 4, 0.0), "share"),
    "best three quarters, at equal shares": Pruner(lambda: SchedulePruner(75.0, 3, 0.0), "share"),
    "best quarter, at equal epochs (Optuna's)": Pruner(lambda: PercentilePruner(25.0, 4, 1)),
    "successive halving": Pruner(lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)),
    "Hyperband": Pruner(lambda: HyperbandPruner(1, 5, 3)),
    "query by query (wilcoxon)": Pruner(lambda: QueryPruner(p_threshold=0.05), "queries"),
}


def record(study: StudyPaths) -> list[dict[str, Any]]:
    """The complete trials of a study with all their evaluations."""
    opened = load_study(study)
    assert opened is not None
    found = []
    for trial in archive.read_records(study):
        reported = opened.trial(trial.number).intermediate_values
        evaluations = archive.read_evaluations(study.trial(trial.number))
        if trial.state != "complete" or not evaluations:
            continue
        last, rows = evaluations[-1].step, trial.facts["rows_seen"]
        curve = [
            {
                "step": own.step,
                "share": round(own.step / last, 4),
                "rows": round(rows * own.step / last),
                "value": round(own.value, 5),
                "queries": [
                    round(value, 3)
                    for step, value in sorted(reported.items())
                    if step // STRIDE == ordinal and step != mean_step(ordinal)
                ],
            }
            for ordinal, own in enumerate(evaluations, start=1)
        ]
        params = {key: value for key, value in trial.params.items() if key in KEPT}
        found.append({"number": trial.number, "params": params, "curve": curve})
    return found


@dataclass(frozen=True)
class Outcome:
    """One replayed study.

    Attributes:
        regret: By how much the best full curve is above the winner's value.
        saved: Share of the rows that were not trained on.
        stopped: Share of the trials that were stopped before their end.
    """

    regret: float
    saved: float
    stopped: float


def replay(trials: Sequence[Mapping[str, Any]], pruner: Pruner) -> Outcome:
    """Run one study of these trials, one after the other."""
    study = optuna.create_study(direction="maximize", pruner=pruner.make())
    spent = asked = stopped = 0
    reached: list[float] = []
    for recorded in trials:
        curve = recorded["curve"]
        study.enqueue_trial({EPOCHS: float(recorded["params"][EPOCHS])})
        trial = study.ask({EPOCHS: FloatDistribution(0, 1_000)})
        done, pruned = 0, False
        while done < len(curve) and not pruned:
            done += 1
            _report(trial, pruner.by, done, curve[done - 1])
            pruned = trial.should_prune()
        best = max(point["value"] for point in curve[:done])
        study.tell(trial, None if pruned else best, TrialState.PRUNED if pruned else TrialState.COMPLETE)
        reached.append(best)
        stopped += done < len(curve)
        spent, asked = spent + curve[done - 1]["rows"], asked + curve[-1]["rows"]
    whole = max(point["value"] for recorded in trials for point in recorded["curve"])
    return Outcome(whole - max(reached), 1 - spent / asked, stopped / len(trials))


def _report(trial: optuna.Trial, by: str, ordinal: int, point: Mapping[str, Any]) -> None:
    """Report one evaluation as a worker does."""
    if by == "queries":
        report_queries(trial, ordinal, np.array(point["queries"]))
    step = {"share": share_step(point["share"]), "queries": mean_step(ordinal)}.get(by, ordinal)
    trial.report(point["value"], step)


def studies(recorded: Sequence[Mapping[str, Any]], trials: int, orders: int) -> Iterator[list[Mapping[str, Any]]]:
    """Studies of some of the recorded trials, the default recipe first and the others drawn."""
    draw = random.Random(0)
    for _ in range(orders):
        yield [recorded[0], *draw.sample(recorded[1:], min(trials, len(recorded)) - 1)]


def main() -> None:
    """Record, or replay and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=200, help="random studies for each pruner")
    parser.add_argument("--trials", type=int, nargs="+", default=[6, 20, 40], help="trials of a study")
    parser.add_argument("what", nargs="*", metavar="record STUDY FILE")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    if options.what:
        _, study, file = options.what
        found = record(StudyPaths(Path(study)))
        Path(file).write_text(json.dumps(found, separators=(",", ":")).replace('{"number"', '\n{"number"') + "\n")
        print(f"{len(found)} curves")
        return
    for file in sorted(CURVES.glob("*.json")):
        recorded = json.loads(file.read_text())
        for trials in options.trials:
            print(f"\n{file.stem}: {options.orders} studies of {min(trials, len(recorded))} trials\n")
            print("| pruner | saved | stopped | mean regret | 95th percentile | winner lost |")
            print("|---|---|---|---|---|---|")
            for name, pruner in PRUNERS.items():
                found = [replay(own, pruner) for own in studies(recorded, trials, options.orders)]
                regrets = np.array([own.regret for own in found])
                saved, stopped = (float(np.mean([getattr(own, key) for own in found])) for key in ("saved", "stopped"))
                print(
                    f"| {name} | {saved:.0%} | {stopped:.0%} | {regrets.mean():.4f} "
                    f"| {np.percentile(regrets, 95):.4f} | {(regrets > 0).mean():.0%} |"
                )


if __name__ == "__main__":
    main()
