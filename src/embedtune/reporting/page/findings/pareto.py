"""Both objectives of every trial, the front, and which of its trials to choose for what. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from embedtune.records import TrialRecord
from embedtune.reporting.page.findings.dimensions import index_size
from embedtune.reporting.page.inputs import Absent, ReportInputs, value_of
from embedtune.units import count

Place = tuple[float, float]
"""The second objective, across, and the first, upwards."""


@dataclass(frozen=True)
class ParetoInfo:
    """Findings on the two objectives.

    Attributes:
        metric: The first objective.
        dim: The size at which it is read; None where each trial has its own.
        second: The size at which it is read too; None where the second objective is the size itself.
        front: Number -> place of the trials that none dominates, from the best in the first objective on.
        dominated: Number -> place of the others.
        baseline: Places of the untuned base model: one, or one at each size.
        balanced: The trial at the front's knee; None for a front that has none.
    """

    metric: str
    dim: int | None
    second: int | None
    front: dict[int, Place]
    dominated: dict[int, Place]
    baseline: tuple[Place, ...]
    balanced: int | None

    @property
    def across(self) -> str:
        """The quantity on the horizontal axis."""
        return "dimensions" if self.second is None else f"{self.metric} at {self.second} dimensions"

    @property
    def up(self) -> str:
        """The quantity on the vertical axis."""
        return self.metric if self.dim is None else f"{self.metric} at {self.dim} dimensions"

    @property
    def finding(self) -> str:
        """Which trial to choose for what."""
        return " ".join(self._findings())

    def _findings(self) -> Iterator[str]:
        total = len(self.front) + len(self.dominated)
        if len(self.front) == 1:
            yield f"No other of {count(total, 'trial')} is better in either objective: choose trial {min(self.front)}."
        else:
            yield f"{len(self.front)} of {total} trials are on the front: none is beaten in both objectives."
            yield from self._sizes() if self.second is None else self._ends()
        if self.baseline:
            above = sum(self._above_untuned(place) for place in self.front.values())
            who = "It is" if len(self.front) == 1 else f"{'All' if above == len(self.front) else above} of them are"
            yield f"{who}{'' if above else ' not'} at least as good as the untuned model in both."

    def _ends(self) -> Iterator[str]:
        (first, high), *_, (last, low) = self.front.items()
        yield (
            f"Choose trial {first} for quality at {self.dim} dimensions ({high[1]:.4f}, and {high[0]:.4f} at "
            f"{self.second}), trial {last} for quality at {self.second} ({low[0]:.4f}, and {low[1]:.4f} at {self.dim})."
        )
        if self.balanced is not None:
            second, value = self.front[self.balanced]
            gives_up = f"{high[1] - value:.4f} at {self.dim} and {low[0] - second:.4f} at {self.second}"
            yield f"Trial {self.balanced} is the balance between them: it gives up {gives_up}."

    def _sizes(self) -> Iterator[str]:
        best = max(value for _, value in self.front.values())
        choices = [
            f"trial {number} with {size:.0f} dimensions has {value:.4f}"
            + (f", {value / best:.0%} of the best" if best > 0 else "")
            + f" ({index_size(int(size))})"
            for number, (size, value) in self.front.items()
        ]
        yield f"Choose by the index you can pay for (float32, a million documents): {'; '.join(choices)}."

    def _above_untuned(self, place: Place) -> bool:
        if self.second is None:
            return any(size >= place[0] and value <= place[1] for size, value in self.baseline)
        return all(mine >= untuned for mine, untuned in zip(place, self.baseline[0], strict=True))


def pareto_info(inputs: ReportInputs) -> ParetoInfo | Absent:
    """Both objectives of the trials that have them."""
    front = {record.number: _place(record) for record in inputs.pareto_front}
    if not front:
        return Absent("No trial has both objectives yet.")
    others = [record for record in inputs.ranked if record.number not in front and record.second is not None]
    second = inputs.second.dim if inputs.second is not None else None
    return ParetoInfo(
        metric=inputs.metric,
        dim=None if second is None else inputs.dim,
        second=second,
        front=front,
        dominated={record.number: _place(record) for record in others},
        baseline=_baseline(inputs, sized=second is None),
        balanced=None if second is None else balanced(front),
    )


def balanced(front: dict[int, Place]) -> int | None:
    """The knee of a front: the trial farthest beyond the line between the front's ends; None if none is beyond it.

    Both objectives are taken as shares of the front's range, so that their scales do not count (Das, On characterizing
    the "knee" of the Pareto curve based on normal-boundary intersection, 1999).
    """
    lows, highs = ([pick(place[i] for place in front.values()) for i in (0, 1)] for pick in (min, max))
    if len(front) < 3 or lows[0] == highs[0] or lows[1] == highs[1]:
        return None
    shares = {
        number: sum((place[i] - lows[i]) / (highs[i] - lows[i]) for i in (0, 1)) for number, place in front.items()
    }
    best = max(shares, key=lambda number: (shares[number], -number))
    return best if shares[best] > 1 + 1e-9 else None


def _baseline(inputs: ReportInputs, *, sized: bool) -> tuple[Place, ...]:
    record = inputs.baseline
    if record is None:
        return ()
    if sized:
        values = {int(dim): scores[inputs.metric] for dim, scores in record.metrics.items() if inputs.metric in scores}
        return tuple((float(dim), values[dim]) for dim in sorted(values))
    return (_place(record),) if record.value is not None and record.second is not None else ()


def _place(record: TrialRecord) -> Place:
    assert record.second is not None
    return record.second, value_of(record)
