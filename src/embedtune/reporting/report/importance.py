"""How much of the differences between trials each parameter explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import optuna
from optuna.importance import FanovaImportanceEvaluator

from embedtune.reporting.report.inputs import Absent, ReportInputs, value_of
from embedtune.reporting.report.words import count
from embedtune.reporting.tables import short_key

ENOUGH = 10
"""Complete trials below which the estimate is mostly chance."""


@dataclass(frozen=True)
class ImportanceInfo:
    """What the importances show.

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
        """What it shows, in words."""
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
    study = optuna.study.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    for record in complete:
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(record.params), distributions=dict(inputs.distributions), value=value_of(record)
            )
        )
    shares = FanovaImportanceEvaluator(seed=0).evaluate(study)
    return ImportanceInfo(dict(sorted(shares.items(), key=lambda item: -item[1])), len(complete))
