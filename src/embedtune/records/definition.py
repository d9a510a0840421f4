"""The definition of a study: what its ``study.yaml`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from embedtune import typed
from embedtune.records.objective import Objective

Kind = Literal["sweep", "single"]
"""A search, or configurations run one by one."""
Settings = Mapping[str, Any]
"""A part of a configuration as plain values; of a sampler or a pruner ``_target_`` and its arguments."""


@dataclass(frozen=True)
class Search:
    """The space of a sweep and how it is searched; all of it is empty for configurations run one by one.

    Attributes:
        space: Searched key -> sweep as text.
        sampler: Its configuration.
        pruner: Its configuration.
        conditions: Searched key -> when it exists, as text.
        constraints: Those that a trial must keep, as text.
        repeats: Whether a configuration may be run again with another seed.
        enqueue: Configurations that were to be tried first.
        warm_start: The study whose best configurations were to be tried first.
    """

    space: Mapping[str, str] = field(default_factory=dict)
    sampler: Settings = field(default_factory=dict)
    pruner: Settings = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    constraints: Sequence[str] = ()
    repeats: bool = False
    enqueue: Sequence[Settings] = ()
    warm_start: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its keys in ``study.yaml``; what only some searches have is None in the others."""
        return {
            "space": dict(self.space),
            "sampler": dict(self.sampler),
            "pruner": dict(self.pruner),
            "conditions": dict(self.conditions) or None,
            "constraints": list(self.constraints) or None,
            "repeats": self.repeats or None,
            "enqueue": list(self.enqueue) or None,
            "warm_start": self.warm_start,
        }

    @classmethod
    def from_dict(cls, values: Settings) -> Search:
        """From a mapping with the keys of :meth:`to_dict`, of which any may be missing."""
        return cls(
            space=values.get("space") or {},
            sampler=values.get("sampler") or {},
            pruner=values.get("pruner") or {},
            conditions=values.get("conditions") or {},
            constraints=values.get("constraints") or (),
            repeats=bool(values.get("repeats")),
            enqueue=values.get("enqueue") or (),
            warm_start=values.get("warm_start"),
        )


@dataclass(frozen=True)
class DataSource:
    """Which texts a study is about.

    Attributes:
        name: Short name for tables and records.
        source: Where they came from: a path, or what they were built from.
        digests: Split -> sha256 of its texts and relevance.
        warnings: What was suspicious in them when the study was last begun or continued, in sentences.
    """

    name: str
    source: str
    digests: Mapping[str, str]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class StudyDefinition:
    """The definition of a study, ``study.yaml``: what its commands must share, and what they may change.

    Attributes:
        name: Of the study.
        kind: ``sweep``, or ``single`` for configurations run one by one.
        objective: What it optimises.
        n_trials: Its total; None for configurations run one by one that gave none.
        search: What is searched, and how.
        data: Its texts.
        model: The base model, ``model.*``.
        recipe: What every trial shares as far as it is not searched: ``train``, ``loss`` and ``eval``.
        code_version: Of the last command.
        git_revision: Of the last command.
        id: Shared with the study in its storage; None for a study of an older version, or one without storage.
    """

    name: str
    kind: Kind
    objective: Objective
    n_trials: int | None
    search: Search
    data: DataSource
    model: Settings
    recipe: Mapping[str, Settings]
    code_version: str | None = None
    git_revision: str | None = None
    id: str | None = None

    @property
    def is_sweep(self) -> bool:
        """Whether it searches."""
        return self.kind == "sweep"

    @property
    def base_model(self) -> str:
        """Name of the base model."""
        return str(self.model["name"])

    @property
    def folds(self) -> int:
        """Of how many folds of the training queries a trial's value is the mean; 0: it is that of validation."""
        return int((self.recipe.get("eval") or {}).get("folds") or 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain types in the order of ``study.yaml``."""
        objective = self.objective.to_dict()
        return {
            "name": self.name,
            "kind": self.kind,
            "objective": objective["objective"],
            "direction": self.objective.directions[0],
            "dim": objective["dim"],
            "second": objective["second"],
            "n_trials": self.n_trials,
            **self.search.to_dict(),
            "data": {
                "name": self.data.name,
                "source": self.data.source,
                **({"warnings": list(self.data.warnings)} if self.data.warnings else {}),
            },
            "digests": dict(self.data.digests),
            "model": dict(self.model),
            "recipe": {section: dict(values) for section, values in self.recipe.items()},
            "code_version": self.code_version,
            "git_revision": self.git_revision,
            **({} if self.id is None else {"id": self.id}),
        }

    @classmethod
    def from_dict(cls, values: Settings) -> StudyDefinition:
        """From a mapping with the keys of :meth:`to_dict`; those that older versions lack may be missing.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: It is not the definition of a study.
        """
        found = cls(
            name=str(values["name"]),
            kind="sweep" if values["kind"] == "sweep" else "single",
            objective=Objective.from_dict(values),
            n_trials=values.get("n_trials"),
            search=Search.from_dict(values),
            data=DataSource(
                values["data"]["name"],
                values["data"]["source"],
                values.get("digests") or {},
                values["data"].get("warnings") or (),
            ),
            model=values["model"],
            recipe=values.get("recipe") or {},
            code_version=values.get("code_version"),
            git_revision=values.get("git_revision"),
            id=values.get("id"),
        )
        if not (found.base_model and found.folds >= 0):
            raise ValueError("it must name a base model and as many folds as there can be")
        return typed.read(cls, found)
