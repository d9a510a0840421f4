"""Studies from Python: one typed object, and its trials as a table; ``docs/tracking.md`` has an example."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from embedtune import archive
from embedtune.errors import ConfigError
from embedtune.evaluation import read_scores
from embedtune.paths import StudyPaths, Workspace
from embedtune.ranking import best, pareto_front
from embedtune.records import Evaluation, RetrievalScores, State, StudyDefinition, TrialRecord
from embedtune.study import load_study as open_if_begun
from embedtune.study import replaced
from embedtune.study import states as states_of
from embedtune.study.definition import require_definition
from embedtune.study.records import read_baselines, read_records

_FIRST = {"number": "int64", "state": "object", "value": "float64", "best_step": "Int64", "best_epoch": "float64"}
_LAST = {"seconds": "float64", "run_id": "object", "checkpoint": "object", "reason": "object"}


@dataclass(frozen=True)
class StudyRecord:
    """A study as recorded in its folder when it was loaded; load it again to see its progress.

    Attributes:
        definition: ``study.yaml``: space, objective, budget, data digests, base model, versions.
        states: How many trials are in each state.
        trials: In order of number, without those that a retry stands in for.
        baselines: The untuned base models that were measured: the default one, then others that the study searches.
        paths: The study's files.
    """

    definition: StudyDefinition
    states: Mapping[State, int]
    trials: tuple[TrialRecord, ...]
    baselines: tuple[TrialRecord, ...]
    paths: StudyPaths = field(repr=False)

    @property
    def baseline(self) -> TrialRecord | None:
        """The untuned default base model; None if it was not measured yet."""
        return next((record for record in self.baselines if record.number == -1), None)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.paths.name

    @property
    def objective(self) -> str:
        """The metric that ranks the trials; larger is better."""
        return self.definition.objective.metric

    @property
    def best(self) -> TrialRecord | None:
        """The first trial of the leaderboard; None before one has ended with a value."""
        return best(self.trials)

    @property
    def front(self) -> tuple[TrialRecord, ...]:
        """With two objectives the Pareto front, the best trial in the first one on top; otherwise empty."""
        return tuple(pareto_front(self.trials))

    def trial(self, number: int) -> TrialRecord:
        """One trial; -1 is the baseline, and other untuned base models follow downwards.

        Raises:
            ConfigError: There is no such trial.
        """
        known = {record.number: record for record in (*self.baselines, *self.trials)}
        if number not in known:
            numbers = ", ".join(map(str, known)) or "none yet"
            raise ConfigError(f"number must be a trial of study {self.name}, but got {number}. There are: {numbers}.")
        return known[number]

    def evaluations(self, number: int) -> tuple[Evaluation, ...]:
        """Every evaluation of a trial, in order of step.

        Raises:
            ConfigError: There is no such trial.
        """
        return archive.read_evaluations(self.paths.of(self.trial(number).name))

    def scores(self, number: int) -> RetrievalScores:
        """The scores of each query at a trial's best evaluation.

        Raises:
            ConfigError: There is no such trial.
            DataError: The trial was not evaluated yet.
        """
        return read_scores(self.paths.of(self.trial(number).name).scores)

    def checkpoint(self, number: int) -> Path | None:
        """The folder that ``SentenceTransformer(...)`` loads; None for a trial that keeps no weights.

        Raises:
            ConfigError: There is no such trial.
        """
        kept = self.trial(number).checkpoint
        return None if kept is None else Path(kept)

    def to_dataframe(self, *, baseline: bool = False) -> pd.DataFrame:
        """One row per trial, in order of number.

        Columns are ``number``, ``state``, ``value``, ``best_step``, ``best_epoch``, with two objectives ``second`` and
        ``front``, then ``params.<key>`` for each
        searched key, then ``<dimension>/<metric>`` such as ``384/cosine_map@100`` at the best step, then ``seconds``,
        ``run_id``, ``checkpoint`` and ``reason``. What a trial does not have is missing.

        Args:
            baseline: Begin with the untuned models, number -1 and below.
        """
        first = self.baselines if baseline else ()
        rows = [_row(record) for record in (*first, *self.trials)]
        if self.definition.objective.second is not None:
            numbers = {record.number for record in self.front}
            rows = [{"second": None, "front": row["number"] in numbers, **row} for row in rows]
        known = _FIRST | _LAST
        found = sorted({key: None for row in rows for key in row if key not in known}, key=_place)
        columns = {name: [row.get(name) for row in rows] for name in (*_FIRST, *found, *_LAST)}
        return pd.DataFrame({name: _column(values, known.get(name)) for name, values in columns.items()})


def load_study(name: str, sweeps: str | os.PathLike[str] = "sweeps", *, storage: str | None = None) -> StudyRecord:
    """Read a study, also while it is running.

    Args:
        name: ``study.name``.
        sweeps: ``paths.sweeps``, the folder of all studies.
        storage: ``study.storage``, if the study runs with one.

    Raises:
        ConfigError: There is no such study; says which there are.
        StudyError: The storage cannot be reached.
    """
    folder = Path(sweeps).resolve()
    space = Workspace(folder, folder.parent / "mlruns", folder.parent / "releases")
    paths = space.study(name)
    definition = require_definition(paths, [study.name for study in space.studies()])
    opened = open_if_begun(paths, storage) if definition.is_sweep else None
    gone = replaced(opened) if opened else set()
    found = read_records(opened) if opened else archive.read_records(paths)
    trials = tuple(record for record in found if record.number not in gone)
    states = states_of(opened) if opened else {state: sum(t.state == state for t in trials) for state in State}
    baselines = read_baselines(opened) if opened else archive.read_baselines(paths)
    return StudyRecord(definition, states, trials, tuple(baselines), paths)


def _row(record: TrialRecord) -> dict[str, Any]:
    known = {name: getattr(record, name) for name in (*_FIRST, *_LAST)} | {"state": record.state.value}
    second = {} if record.second is None else {"second": record.second}
    params = {f"params.{key}": value for key, value in record.params.items()}
    metrics = {f"{dim}/{name}": value for dim, values in record.metrics.items() for name, value in values.items()}
    return known | second | params | metrics


def _place(column: str) -> int:
    """Parameters come before metrics, and of these the largest dimension first."""
    dim = column.partition("/")[0]
    return -int(dim) if dim.isdecimal() else -(10**9)


def _column(values: list[Any], kind: str | None) -> pd.Series[Any]:
    """A column of this type; without a given type, whole numbers stay whole beside a missing one."""
    if kind is None and None in values and {type(value) for value in values if value is not None} == {int}:
        kind = "Int64"
    return pd.Series(values, dtype=kind)
