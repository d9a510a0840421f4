"""A pruner that compares a trial with the best one query by query, by the Wilcoxon signed-rank test.

Optuna keeps one value for each step of a trial. Here the steps of evaluation ``k`` are ``k * STRIDE + instance``, and
the mean over queries stands at the last of them, where samplers look for the value of a pruned trial. Of many queries
several share an instance: each report is a write to the study's storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from scipy.stats import wilcoxon

STRIDE = 1_000
"""Steps that belong to one evaluation."""
INSTANCES = 100
"""The most values of one evaluation that are reported."""


class QueryPruner(BasePruner):
    """Prunes a trial that is worse than the best at the same evaluation, over the same queries.

    The test is the signed-rank test for paired values (Wilcoxon, Individual comparisons by ranking methods, 1945),
    one-sided, with zeros split between both signs. ``optuna.pruners.WilcoxonPruner`` has the same idea, but takes every
    report of a trial for one more instance; a trial that learns while it reports must be compared with the best at the
    same moment.

    Args:
        p_threshold: Prune below this. Testing at every evaluation makes an error likelier than at a single one.
        n_startup_trials: Trials that must be complete before any is pruned.
        n_warmup_steps: Evaluations in which nothing is pruned.
    """

    def __init__(self, p_threshold: float = 0.05, n_startup_trials: int = 1, n_warmup_steps: int = 0) -> None:
        if not 0 < p_threshold < 1:
            raise ValueError(f"p_threshold must be between 0 and 1, but got {p_threshold}")
        self._p_threshold = p_threshold
        self._n_startup_trials = n_startup_trials
        self._n_warmup_steps = n_warmup_steps

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is worse than the best one that is complete."""
        reported = _evaluations(trial)
        last = max(reported, default=0)
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        complete = [own for own in trials if _evaluations(own)]
        feasible = (own for own in complete if all(amount <= 0 for amount in own.constraints.values()))
        best = max(feasible, key=lambda own: own.values[0], default=None)
        if best is None or last <= self._n_warmup_steps or len(complete) < self._n_startup_trials:
            return False
        others = _evaluations(best)
        # A trial that is longer than the best was is compared with what that one came to.
        mine, theirs = reported[last], others.get(min(last, max(others)), {})
        pairs = [(mine[instance], theirs[instance]) for instance in mine if instance in theirs]
        differences = np.array([own - other for own, other in pairs])
        if len(differences) < 2 or not differences.any():
            return False
        return bool(wilcoxon(differences, alternative="less", zero_method="zsplit").pvalue < self._p_threshold)


def report_queries(trial: Trial, ordinal: int, values: NDArray[np.float64]) -> None:
    """Report one evaluation for :class:`QueryPruner`.

    Args:
        trial: That runs.
        ordinal: Of the evaluation, 1-based.
        values: The objective of each query, of shape (queries,), in the same order in every trial.
    """
    for instance, part in enumerate(_parts(values)):
        trial.report(float(part.mean()), ordinal * STRIDE + instance)


def repeat_queries(trial: Trial, done: int, earlier: Mapping[int, float]) -> None:
    """Report again, for a trial that goes on, the queries of its first evaluations.

    Args:
        trial: That goes on.
        done: So many evaluations.
        earlier: Step -> what the interrupted trial had reported.
    """
    for step, value in earlier.items():
        ordinal, instance = divmod(step, STRIDE)
        if 1 <= ordinal <= done and instance != STRIDE - 1:
            trial.report(value, step)


def mean_step(ordinal: int) -> int:
    """The step at which the mean of an evaluation is reported, after its queries."""
    return (ordinal + 1) * STRIDE - 1


def _parts(values: NDArray[np.float64]) -> Iterable[NDArray[np.float64]]:
    return np.array_split(values, min(len(values), INSTANCES))


def _evaluations(trial: FrozenTrial) -> dict[int, dict[int, float]]:
    """Evaluation -> instance -> value, without the means."""
    found: dict[int, dict[int, float]] = {}
    for step, value in trial.intermediate_values.items():
        ordinal, instance = divmod(step, STRIDE)
        if ordinal and instance != STRIDE - 1:
            found.setdefault(ordinal, {})[instance] = value
    return found
