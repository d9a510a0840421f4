"""The trials of a study, ranked: one value for tables, sentences and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from embedtune.ranking import best_first, front_numbers, is_scored
from embedtune.records import EMBEDDING_SIZE, Objective, State, StudyDefinition, TrialRecord
from embedtune.typed import Document


@dataclass(frozen=True)
class Entry:
    """A trial among the others of its study, or an untuned base model beside them.

    Attributes:
        record: What its folder tells.
        on_front: Whether it is on the Pareto front.
        interval: Ends of the 95 % interval of its value; None where the scores of its queries are not known.
        tied: Whether it cannot be told apart from the best.
    """

    record: TrialRecord
    on_front: bool = False
    interval: tuple[float, float] | None = None
    tied: bool = False

    @property
    def number(self) -> int:
        """Of the trial; below 0 for an untuned model."""
        return self.record.number


@dataclass(frozen=True)
class Certainty:
    """How far the top of a leaderboard can be trusted.

    Attributes:
        tie: Numbers of the trials that cannot be told apart from the best, best first; empty unless there are several.
        queries: How many queries the values are means over; None where that is not known.
        test_openings: How often the test split was read.
    """

    tie: tuple[int, ...]
    queries: int | None
    test_openings: int


@dataclass(frozen=True)
class Board:
    """A study's trials, best first.

    Attributes:
        definition: Of the study.
        states: How many trials are in each state.
        trials: All that have begun, without those that a retry stands in for.
        baselines: The untuned base models, that of the default configuration first; those that were measured.
        certainty: None where nobody looked at the scores of the queries.
    """

    definition: StudyDefinition
    states: Mapping[State, int]
    trials: tuple[Entry, ...]
    baselines: tuple[Entry, ...] = ()
    certainty: Certainty | None = None

    @property
    def metric(self) -> str:
        """The metric that ranks the trials; larger is better."""
        return self.definition.objective.metric

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The trials, then the untuned models."""
        return (*self.trials, *self.baselines)

    @property
    def bases_differ(self) -> bool:
        """Whether there are several base models, so that scores have different prices; not where sizes are unknown."""
        return len({entry.record.base for entry in self.entries if EMBEDDING_SIZE in entry.record.facts}) > 1

    @property
    def baseline(self) -> Entry | None:
        """The untuned model of the default configuration."""
        return next((entry for entry in self.baselines if entry.number == -1), None)

    def label(self, entry: Entry) -> str:
        """Its name in tables: the number, or ``untuned``, with the name of the model where there are several."""
        if not entry.record.is_baseline:
            return str(entry.number)
        return f"untuned {entry.record.base[0]}" if len(self.baselines) > 1 else "untuned"

    @property
    def best(self) -> Entry | None:
        """The first trial; None before one has ended with a score."""
        return next((entry for entry in self.trials[:1] if is_scored(entry.record)), None)

    @property
    def n_trials(self) -> int | None:
        """The study's total; for configurations run one by one, how many there are."""
        return self.definition.n_trials if self.definition.is_sweep else len(self.trials)

    def to_dict(self) -> Document:
        """The document of ``leaderboard format=json``; the order of its keys is part of the format."""
        definition, objective = self.definition, self.definition.objective
        document: Document = {
            "study": definition.name,
            "objective": objective.metric,
            "direction": objective.directions[0],
            "n_trials": self.n_trials,
            "states": {state.value: self.states.get(state, 0) for state in State},
            "trials": [self._entry(entry) for entry in self.trials],
            "baseline": self._entry(self.baseline) if self.baseline else None,
            "dim": objective.dim,
            "folds": definition.folds,
            "data": {
                "name": definition.data.name,
                "source": definition.data.source,
                "digests": dict(definition.data.digests),
            },
            "model": definition.base_model,
        }
        if len(self.baselines) > 1:
            document["baselines"] = [{"model": entry.record.base[0], **self._entry(entry)} for entry in self.baselines]
        if objective.second is not None:
            document["objectives"] = _objectives(objective)
            document["front"] = [entry.number for entry in self.trials if entry.on_front]
        if self.certainty is not None:
            document["tie"] = list(self.certainty.tie)
            document["queries"] = self.certainty.queries
            document["test_openings"] = self.certainty.test_openings
        return document

    def _entry(self, entry: Entry) -> Document:
        record, second = entry.record, self.definition.objective.second
        values: Document = {
            "number": record.number,
            "state": record.state.value,
            "value": record.value,
            "feasible": record.feasible,
            "best_step": record.best_step,
            "best_epoch": record.best_epoch,
            "params": dict(record.params),
            "metrics": {dim: dict(metrics) for dim, metrics in record.metrics.items()},
            "run_id": record.run_id,
            "checkpoint": record.checkpoint,
            "seconds": round(record.seconds, 3),
            "reason": record.reason,
        }
        if second is not None:
            size = None if record.second is None else second.plain(record.second)
            values |= {"values": [record.value, size], "front": entry.on_front}
        if self.certainty is not None:
            values |= {"interval": entry.interval and list(entry.interval), "tied": entry.tied}
        return values | record.model_facts


def leaderboard(
    definition: StudyDefinition,
    records: Iterable[TrialRecord],
    states: Mapping[State, int] | None = None,
    baselines: Iterable[TrialRecord] = (),
) -> Board:
    """Rank the trials of a study.

    Args:
        definition: Of the study.
        records: Its trials, without those that a retry stands in for.
        states: How many trials are in each state; None counts the records.
        baselines: The untuned base models, that of the default configuration first.
    """
    ordered = best_first(records)
    front = front_numbers(ordered) if definition.objective.second is not None else frozenset()
    counted = states or {state: sum(record.state == state for record in ordered) for state in State}
    trials = tuple(Entry(record, record.number in front) for record in ordered)
    return Board(definition, counted, trials, tuple(map(Entry, baselines)))


def searched_keys(entries: Sequence[Entry]) -> list[str]:
    """The searched keys, in the order of the first trial that has them."""
    keys: dict[str, None] = {}
    for entry in entries:
        keys |= dict.fromkeys(entry.record.params)
    return list(keys)


def _objectives(objective: Objective) -> list[Document]:
    """Both objectives; the dimension of a metric is None where every trial has its own."""
    metric, second = objective.metric, objective.second
    first, other = objective.directions
    if second is None or second.is_size:
        size = {"metric": second and second.written, "dim": None, "direction": other}
        return [{"metric": metric, "dim": None, "direction": first}, size]
    return [
        {"metric": metric, "dim": objective.dim, "direction": first},
        {"metric": metric, "dim": second.dim, "direction": other},
    ]
