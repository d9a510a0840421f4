"""How much of the differences between trials each parameter explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

from embedtune.records import TrialRecord
from embedtune.reporting.page.axes import axis_of
from embedtune.reporting.page.inputs import Absent, ReportInputs, value_of
from embedtune.reporting.tables import short_key
from embedtune.units import count

ENOUGH = 10
"""Complete trials below which the estimate is mostly chance."""


@dataclass(frozen=True)
class ImportanceInfo:
    """Findings on the importances.

    Attributes:
        shares: Key -> share of the variance it explains alone, largest first; interactions are what lacks to 1.
        trials: How many complete trials it was estimated from.
    """

    shares: Mapping[str, float]
    trials: int

    @property
    def first(self) -> tuple[str, float]:
        """The parameter that matters most."""
        return next(iter(self.shares.items()))

    @property
    def finding(self) -> str:
        """The finding in words."""
        key, share = self.first
        rest = 1 - sum(self.shares.values())
        together = f" {rest:.0%} comes from parameters acting together." if rest >= 0.01 else ""
        alone = f"{short_key(key)} alone explains {share:.0%} of the variance"
        return f"{alone} between {self.trials} complete trials.{together}"


def importance_info(inputs: ReportInputs) -> ImportanceInfo | Absent:
    """Importances of the searched parameters by functional ANOVA over a random forest.

    The method is that of Hutter, Hoos and Leyton-Brown, ICML 2014, as Optuna implements it. Pruned trials are left
    out: their values are of less training.
    """
    complete = [record for record in inputs.complete if set(record.params) == set(inputs.distributions)]
    if not inputs.distributions:
        return Absent("Nothing was searched: configurations were run one by one.")
    if len(complete) < ENOUGH:
        return Absent(f"{count(len(complete), 'complete trial')}: importance is mostly chance below {ENOUGH}.")
    if len({value_of(record) for record in complete}) == 1:
        return Absent("All complete trials have the same score: there is nothing to explain.")
    try:
        shares = FanovaImportanceEvaluator(seed=0).evaluate(_rescaled(inputs, complete))
    except RuntimeError:  # no tree of the forest could be split
        return Absent("The complete trials differ in their scores, but hardly in their parameters.")
    return ImportanceInfo(dict(sorted(shares.items(), key=lambda item: -item[1])), len(complete))


def _rescaled(inputs: ReportInputs, records: Sequence[TrialRecord]) -> optuna.Study:
    """The trials with every number at its place on the scale it was searched on; Optuna's forest knows no logarithm."""
    distributions: dict[str, BaseDistribution] = {
        key: distribution if isinstance(distribution, CategoricalDistribution) else FloatDistribution(0, 1)
        for key, distribution in inputs.distributions.items()
    }
    axes = {key: axis_of(key, distribution, []) for key, distribution in inputs.distributions.items()}
    study = optuna.create_study(direction="maximize")
    for record in records:
        params = {
            key: value if axes[key].kind == "choice" else min(max(axes[key].place(value), 0.0), 1.0)
            for key, value in record.params.items()
        }
        study.add_trial(create_trial(params=params, distributions=distributions, value=value_of(record)))
    return study
