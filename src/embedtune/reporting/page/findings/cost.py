"""The cost of the trials. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.records import State
from embedtune.reporting.page.inputs import Absent, ReportInputs
from embedtune.units import duration

ENDED = (State.COMPLETE, State.PRUNED, State.FAIL)


@dataclass(frozen=True)
class TrialCost:
    """One ended trial.

    Attributes:
        number: Its number.
        state: How it ended.
        seconds: Wall time, evaluations included.
        tokens_per_second: Trained tokens in that time; None where they were not counted.
    """

    number: int
    state: State
    seconds: float
    tokens_per_second: float | None


@dataclass(frozen=True)
class CostInfo:
    """Findings on the cost.

    Attributes:
        trials: In order of number.
    """

    trials: tuple[TrialCost, ...]

    @property
    def total(self) -> float:
        """Seconds of all trials."""
        return sum(trial.seconds for trial in self.trials)

    def of_state(self, state: State) -> float:
        """Seconds of the trials that ended so."""
        return sum(trial.seconds for trial in self.trials if trial.state == state)

    @property
    def finding(self) -> str:
        """The finding in words."""
        parts = [
            f"{state.value} {duration(self.of_state(state))} ({self.of_state(state) / self.total:.0%})"
            for state in ENDED
            if self.of_state(state) > 0
        ]
        rates = [trial.tokens_per_second for trial in self.trials if trial.tokens_per_second]
        ends = dict.fromkeys(f"{rate:,.0f}" for rate in (min(rates, default=0), max(rates, default=0)))
        speed = f" {' to '.join(ends)} tokens a second, evaluations included." if rates else ""
        return f"{duration(self.total)} of trials: {', '.join(parts)}.{speed}"


def cost_info(inputs: ReportInputs) -> CostInfo | Absent:
    """Seconds and speed of every ended trial."""
    trials = tuple(
        TrialCost(record.number, record.state, record.seconds, _speed(record.facts.get("tokens"), record.seconds))
        for record in inputs.records
        if record.state in ENDED and record.seconds > 0
    )
    return CostInfo(trials) if trials else Absent("No trial has ended yet.")


def _speed(tokens: int | None, seconds: float) -> float | None:
    return tokens / seconds if tokens else None
