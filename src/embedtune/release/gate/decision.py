"""The decision of a release as one value: the models judged, the method, and the outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.records import Opening, Synthetic
from embedtune.release.choice.candidates import Candidate, Kind, Pool
from embedtune.release.choice.selection import Selection
from embedtune.release.gate.gate import Check, Verdict
from embedtune.release.gate.sizes import SizeReport, Sufficiency
from embedtune.release.gate.words import check_words, unused_words
from embedtune.statistics import Comparison, Criterion, Interval, mean_interval, shrunken_means
from embedtune.typed import Document

PROMOTE = "promote"
REFUSE = "refuse"


@dataclass(frozen=True)
class Standing:
    """A candidate as its scores rank it.

    Attributes:
        candidate: It.
        interval: Of its mean over queries.
        shrunken: Its mean corrected for having been picked among all trials; None where it was not.
    """

    candidate: Candidate
    interval: Interval
    shrunken: float | None


@dataclass(frozen=True)
class Decision:
    """A decision and its evidence.

    Attributes:
        objective: The metric judged.
        dim: The size of embedding at which the chosen candidate is judged.
        criterion: Level and margin.
        gated: Whether the gate may refuse.
        standings: Every candidate, the best first.
        chosen_on: ``validation``, or ``folds`` of the training queries.
        selection: Which candidate was put forward and why.
        judged_on: ``test``, or ``validation`` where there is no test split; None if nothing had to be judged.
        verdict: Of the gate; None likewise.
        sizes: Which sizes of embedding suffice; None for a refusal.
        openings: Every reading of the test split so far.
        time: Seconds since the epoch.
        synthetic: Which queries nobody asked, and what that means.
    """

    objective: str
    dim: int
    criterion: Criterion
    gated: bool
    standings: tuple[Standing, ...]
    chosen_on: str
    selection: Selection
    judged_on: str | None
    verdict: Verdict | None
    sizes: SizeReport | None
    openings: tuple[Opening, ...]
    time: int
    synthetic: Synthetic | None = None

    @property
    def chosen(self) -> Standing:
        """The candidate put forward, as its scores rank it."""
        return next(own for own in self.standings if own.candidate.name == self.selection.chosen.name)

    @property
    def is_tie(self) -> bool:
        """Whether several cannot be told apart from the best."""
        return len(self.selection.tied) > 1

    def is_tied(self, standing: Standing) -> bool:
        """Whether a candidate is one of those that cannot be told apart from the best, or the best itself."""
        return standing.candidate.name in self.selection.tied

    @property
    def checks(self) -> tuple[Check, ...]:
        """The gate's tests; none if nothing had to be judged."""
        return self.verdict.checks if self.verdict is not None else ()

    @property
    def dims_differ(self) -> bool:
        """Whether candidates are judged at different sizes, each at its own full one."""
        return len({standing.candidate.dim for standing in self.standings}) > 1

    @property
    def promoted(self) -> bool:
        """Whether the candidate may be exported."""
        return not self.gated or (self.verdict is not None and self.verdict.promoted)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The grounds of the decision, one sentence each; for a refusal, everything against the candidate."""
        if self.verdict is None:
            return (unused_words(self.selection),)
        said = self.checks if self.promoted else [check for check in self.checks if not check.passed]
        return tuple(check_words(check, self.selection.chosen.name, str(self.judged_on)) for check in said)

    @property
    def queries_needed(self) -> int | None:
        """How many queries the failed tests would have needed; None if none failed or no number would suffice."""
        return None if self.verdict is None else self.verdict.queries_needed

    def to_dict(self) -> Document:
        """Plain types for JSON; an effect without any deviation has no size."""
        chosen = self.selection.chosen
        return {
            "verdict": PROMOTE if self.promoted else REFUSE,
            "gated": self.gated,
            "reasons": list(self.reasons),
            "chosen": {"name": chosen.name, "kind": chosen.kind.value, "trials": list(chosen.numbers)},
            "selection": {"split": self.chosen_on, "tied": list(self.selection.tied), "reason": self.selection.reason},
            "candidates": [self._standing(standing) for standing in self.standings],
            "comparisons": [self._check(check) for check in self.checks],
            "dims": None if self.sizes is None else self._sizes(self.sizes),
            "queries_needed": self.queries_needed,
            "openings": [{"time": o.time, "reason": o.reason, "command": o.command} for o in self.openings],
            "objective": self.objective,
            "dim": self.dim,
            "level": self.criterion.level,
            "margin": self.criterion.margin,
            "resamples": self.criterion.resamples,
            "time": self.time,
            **({"synthetic": self.synthetic.to_dict()} if self.synthetic else {}),
        }

    def _standing(self, standing: Standing) -> Document:
        candidate = standing.candidate
        return {
            "name": candidate.name,
            "kind": candidate.kind.value,
            "trials": list(candidate.numbers),
            "value": candidate.value,
            "interval": _bounds(standing.interval),
            "shrunken": standing.shrunken,
            "seconds": round(candidate.seconds, 3),
            "seed_seconds": round(candidate.seed_seconds, 3),
            "seeds": candidate.seeds,
            "default": candidate.is_default,
            "releasable": candidate.is_releasable,
            "tied": self.is_tied(standing),
            "chosen": standing is self.chosen,
            **({"dim": candidate.dim} if self.dims_differ else {}),
        }

    def _check(self, check: Check) -> Document:
        return {
            "candidate": self.selection.chosen.name,
            "against": check.against,
            "split": self.judged_on,
            **comparison_values(check.comparison),
            "passed": check.passed,
            "queries_needed": check.queries_needed,
        }

    def _sizes(self, report: SizeReport) -> Document:
        return {
            "split": self.judged_on,
            "margin": report.margin,
            "smallest": report.smallest_dim,
            "cheapest": {"dim": report.cheapest.dim, "precision": report.cheapest.precision.value},
            "rows": [_size(row) for row in report.rows],
        }


def stand(pool: Pool, criterion: Criterion) -> tuple[Standing, ...]:
    """Every candidate with its interval and, if it was picked among trials, its shrunken mean; the best first."""
    shrunken = shrunken_means({str(number): scores for number, scores in pool.tried.items()}, pool.groups)

    def estimate(candidate: Candidate) -> float | None:
        picked = candidate.kind is Kind.TRIAL and candidate.seeds == 0
        return shrunken.get(str(candidate.numbers[0])) if picked else None

    def interval(candidate: Candidate) -> Interval:
        scores, level = candidate.scores, criterion.level
        return mean_interval(scores, pool.groups, level=level, resamples=criterion.resamples, seed=criterion.seed)

    ordered = sorted(pool.candidates, key=lambda candidate: -candidate.value)
    return tuple(Standing(candidate, interval(candidate), estimate(candidate)) for candidate in ordered)


def comparison_values(comparison: Comparison) -> Document:
    """Plain types for JSON, which has no infinity."""
    return {
        "mean": comparison.mean,
        "interval": _bounds(comparison.interval),
        "p_value": comparison.p_value,
        "adjusted_p": comparison.adjusted_p,
        "effect_size": comparison.finite_effect_size,
        "margin": comparison.margin,
        "queries": comparison.queries,
        "groups": comparison.groups,
    }


def _size(row: Sufficiency) -> Document:
    return {
        "dim": row.size.dim,
        "precision": row.size.precision.value,
        "value": row.size.value,
        "comparison": None if row.comparison is None else comparison_values(row.comparison),
        "sufficient": row.sufficient,
        "queries_needed": row.queries_needed,
        "bytes_per_million": row.size.bytes_per_million,
    }


def _bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
