"""The content of an MLflow run, as plain values: the interface between folders and the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedtune import ranking
from embedtune.records import State, TrialRecord

INTERRUPTED = "interrupted"
"""The state, for people and filters, of a trial that another one continues."""

_STATUS = {State.COMPLETE: "FINISHED", State.PRUNED: "FINISHED", State.FAIL: "FAILED"}


@dataclass(frozen=True)
class Point:
    """One value of one metric.

    Attributes:
        step: Optimiser steps of a trial; the trial's number in the history of a study.
        timestamp: Milliseconds since the epoch. MLflow keeps one of equal (key, step, timestamp, value), so a
            point delivered twice counts once.
    """

    key: str
    value: float
    step: int
    timestamp: int


@dataclass(frozen=True)
class DatasetUse:
    """One split as MLflow lists it: no texts, only what identifies them."""

    name: str
    digest: str
    source: str
    context: str


@dataclass(frozen=True)
class RunContent:
    """The full content of one MLflow run.

    Attributes:
        uid: Finds the run again, ``<study>/<trial>`` or ``<study>``.
        name: The run's name in the UI.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: Milliseconds since the epoch; 0 if unknown.
        ended: The same; 0 while it runs.
        artifacts: Path within the run -> text, or the file to copy.
    """

    uid: str
    name: str
    status: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...]
    datasets: tuple[DatasetUse, ...] = ()
    artifacts: Mapping[str, str | Path] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelContent:
    """The full content of one logged model: a checkpoint and its measurements.

    Attributes:
        step: The optimiser step whose weights these are.
        points: What the run has at that step, so that the page of the model shows it.
        dataset: What was measured; None if unknown.
        folder: The weights, as SentenceTransformer loads them.
    """

    name: str
    step: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...]
    dataset: DatasetUse | None
    folder: Path


def has_ended(record: TrialRecord) -> bool:
    """Whether nothing more will be added to the trial."""
    return record.state in _STATUS


def status(record: TrialRecord) -> str:
    """MLflow's word for a trial's state.

    A pruned trial did its work: its run is FINISHED and a tag says pruned. The UI shows FAILED and KILLED in red.
    """
    if record.interrupted is not None:
        return "KILLED"
    return _STATUS.get(record.state, "RUNNING")


def state_word(record: TrialRecord) -> str:
    """The trial's state for people and filters: ``interrupted`` differs from ``fail``, ``infeasible`` from the rest."""
    return INTERRUPTED if record.interrupted is not None else ranking.state_word(record)


def end_time(record: TrialRecord) -> int:
    """When the trial ended, in milliseconds since the epoch; 0 while it runs."""
    return record.started + round(record.seconds * 1000) if has_ended(record) else 0
