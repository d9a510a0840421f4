"""A pruner that compares trials at equal shares of their schedules.

The learning rate falls over the whole of a training, so that after its first epoch a training of five has most of its
gain before it, while one of a single epoch is done. Here a step of Optuna's is the share of the schedule that is behind
a trial, and a trial is compared with what the others were at that share, between two of their evaluations on the line.
"""

from __future__ import annotations

import numpy as np
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

WHOLE = 10_000
"""The step of the end of a schedule."""


class SchedulePruner(BasePruner):
    """Prunes a trial whose best value so far is below a percentile of the others at the same share of their schedules.

    A trial that was not evaluated by that share, such as one of a single epoch, is no yardstick.

    Args:
        percentile: The share of trials that goes on, in percent; 50 is the median.
        n_startup_trials: Complete trials with a value at that share, without which none is pruned.
        warmup_share: The share of its schedule within which a trial is not pruned.
    """

    def __init__(self, percentile: float = 50.0, n_startup_trials: int = 2, warmup_share: float = 0.4) -> None:
        if not 0 <= percentile <= 100:
            raise ValueError(f"percentile must be between 0 and 100, but got {percentile}")
        if n_startup_trials < 1:
            raise ValueError(f"n_startup_trials must be at least 1, but got {n_startup_trials}")
        if not 0 <= warmup_share <= 1:
            raise ValueError(f"warmup_share must be between 0 and 1, but got {warmup_share}")
        self._percentile = percentile
        self._n_startup_trials = n_startup_trials
        self._warmup = warmup_share * WHOLE

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is below the percentile at its last report."""
        step = trial.last_step
        if step is None or step < self._warmup or step >= WHOLE:  # what is at its end has nothing to save
            return False
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = [value for other in complete if (value := _value_at(other, step)) is not None]
        if len(others) < self._n_startup_trials:
            return False
        best = max(trial.intermediate_values.values())
        return bool(best < np.percentile(others, 100 - self._percentile))


def share_step(share: float) -> int:
    """The step at which what is measured at a share of the schedule is reported.

    Args:
        share: From 0 to 1; the mean weights, which count as one step after the last, are at the end.
    """
    return min(WHOLE, round(share * WHOLE))


def _value_at(trial: FrozenTrial, step: int) -> float | None:
    """A trial's value at a step, on the line between its evaluations; None before its first."""
    steps = sorted(trial.intermediate_values)
    if not steps or step < steps[0]:
        return None
    return float(np.interp(step, steps, [trial.intermediate_values[own] for own in steps]))
