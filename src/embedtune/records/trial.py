"""One trial: its states and its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from embedtune import typed
from embedtune.records.data import Metrics
from embedtune.records.evaluation import LAST_MOMENT, check, check_dims
from embedtune.records.facts import (
    BASE,
    EMBEDDING_SIZE,
    NEGATIVES,
    PARAMETERS,
    PASSAGES_PER_SECOND,
    PROMPTS,
    KnownFacts,
)
from embedtune.records.objective import SecondObjective


class State(StrEnum):
    """States of a trial, in Optuna's words."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"
    RUNNING = "running"
    WAITING = "waiting"


class Interruption(StrEnum):
    """Why a trial was interrupted, so that another one continues it."""

    STOPPED = "stopped"
    """From outside: by a person, a full disk or a lost database."""
    DIED = "died"
    """Its worker died, lost its device or was presumed dead: after some of these it is not retried."""


_BROKEN_OFF = "interrupted"
"""Prefix of an interrupted trial's reason; in records of older versions nothing else marks the interruption."""


@dataclass(frozen=True)
class TrialRecord:
    """One trial as its folder tells it: ``trial.json`` from the start, ``result.json`` once it ended.

    Attributes:
        study: Name of the study; ``number`` counts within it, -1 is the untuned default base model, and other base
            models that are searched follow downwards, untuned too.
        state: How the trial ended.
        params: The searched keys and the values this trial took.
        value: The objective at the best evaluation; None if there was none.
        best_step: The step of that evaluation, whose weights are the checkpoint.
        metrics: All metrics at that step.
        second: The second objective at that step: a quality, or the size of the embedding; None with one objective.
        reason: Why it was pruned or failed.
        interrupted: Why it broke off; None for a trial that came to an end of its own, or runs.
        run_id: Its MLflow run, once delivered (``tracking.json``).
        checkpoint: Folder of the best step's weights, None once they are gone.
        seconds: Wall time from start to end.
        facts: What else is worth a tag: data name and digests, base model, device, precision, worker, git revision.
    """

    study: str
    number: int
    state: State
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    best_step: int | None = None
    best_epoch: float | None = None
    metrics: Metrics = field(default_factory=dict)
    reason: str | None = None
    run_id: str | None = None
    checkpoint: str | None = None
    started: int = 0
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    second: float | None = None
    interrupted: Interruption | None = None

    @property
    def point(self) -> tuple[float, float] | None:
        """Both objectives, the larger the better; None with one objective, or without a value."""
        if self.value is None or self.second is None:
            return None
        second = self.second_objective
        return self.value, self.second if second is None else second.merit(self.second)

    @property
    def second_objective(self) -> SecondObjective | None:
        """The second objective, of which :attr:`second` is a value."""
        return SecondObjective.read(self.facts.get("second"))

    @property
    def is_baseline(self) -> bool:
        """Whether this is the untuned base model."""
        return self.number < 0

    @property
    def feasible(self) -> bool:
        """Whether it keeps the study's constraints, as far as it has any."""
        amounts: Mapping[str, float] = self.facts.get("constraints") or {}
        return all(amount <= 0 for amount in amounts.values())

    @property
    def name(self) -> str:
        """The number in four digits, or ``baseline`` and, of one that is not the default base model, its word."""
        if not self.is_baseline:
            return f"{self.number:04d}"
        return "-".join(filter(None, ("baseline", self.facts.get(BASE))))

    @property
    def dim(self) -> int | None:
        """The dimension at which its objective is read: with base models or sizes searched it is its own."""
        dim: int | None = self.facts.get("dim")
        return dim

    @property
    def model_facts(self) -> dict[str, Any]:
        """What its model costs to use, the prompts it reads and the negatives mined for it, as far as known."""
        names = (EMBEDDING_SIZE, PARAMETERS, PASSAGES_PER_SECOND, PROMPTS, NEGATIVES)
        return {name: self.facts[name] for name in names if name in self.facts}

    @property
    def negatives(self) -> str | None:
        """How many negatives were mined for its rows, and how, for people; None if none were."""
        facts = self.facts.get(NEGATIVES) or {}
        if not facts.get("mined"):
            return None
        margin, refreshed = facts.get("margin"), facts.get("refreshed")
        said = [f"{facts['mined']} a row, ranked by {facts.get('model')}"]
        said += [f"from rank {facts.get('first')} to {facts.get('last')}"]
        said += [f"at least {margin:.0%} below the answer"] if isinstance(margin, float) else []
        said += [f"{facts['drawn']} of all drawn at random"] if facts.get("drawn") else []
        said += [f"mined again {refreshed} times with the model being trained"] if refreshed else []
        return ", ".join(said)

    @property
    def base(self) -> tuple[str, str | None]:
        """Name and revision of its base model."""
        return str(self.facts.get("base_model", "")), self.facts.get("base_revision")

    def broken_off(self, why: Interruption, detail: str = "") -> TrialRecord:
        """The record of the same trial as it stands, interrupted; ``detail`` is for people."""
        reason = f"{_BROKEN_OFF}: {detail}" if detail else _BROKEN_OFF
        return replace(self, state=State.FAIL, reason=reason, interrupted=why)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        values = {own.name: getattr(self, own.name) for own in fields(self)}
        return values | {"state": self.state.value, "interrupted": self.interrupted and self.interrupted.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrialRecord:
        """The inverse of :meth:`to_dict`; records of older versions lack ``interrupted``, and their reason tells it.

        Keys of newer versions are left out.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: It is no record of a trial.
        """
        state = State(values["state"])
        if "interrupted" in values:
            interrupted = values["interrupted"] and Interruption(values["interrupted"])
        else:
            interrupted = _interruption(state, values.get("reason"))
        found = typed.read(cls, {**values, "state": state, "interrupted": interrupted}, unknown=True)
        typed.read(KnownFacts, found.facts, unknown=True)
        check_dims(found.metrics)
        for name in ("value", "second", "best_epoch", "seconds"):
            value = getattr(found, name)
            check(value is None or typed.is_number(value), f"{name} must be a finite number", value)
        check(0 <= found.started < LAST_MOMENT, "started must be a time in milliseconds", found.started)
        return found


@dataclass(frozen=True)
class Delivered:
    """``tracking.json``: what a store already has of a trial.

    Attributes:
        run_id: The run, None before the first delivery.
        parent_run_id: The run it hangs below.
        evaluations: How many were delivered.
        complete: Whether the ended trial was delivered with all its files.
    """

    run_id: str | None = None
    parent_run_id: str | None = None
    evaluations: int = 0
    complete: bool = False


def _interruption(state: State, reason: str | None) -> Interruption | None:
    if state is not State.FAIL or reason is None:
        return None
    if reason == _BROKEN_OFF:
        return Interruption.STOPPED
    return Interruption.DIED if reason.startswith(f"{_BROKEN_OFF}: ") else None
