"""The rules of names that end in MLflow's registry, known before anything is spent on them.

MLflow checks an alias when it is set, which is the last step of a release. ``tests/config/test_rules_registry.py``
compares these rules with MLflow's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from embedtune.errors import must

MAX_EXPERIMENT = 500
MAX_ALIAS = 255

_ALIAS = re.compile(r"[\w-]+")
_VERSION = re.compile(r"v\d+", re.IGNORECASE)
_CHAMPIONS = ("champion", "previous_champion")


def alias_problems(alias: str) -> Iterator[str]:
    """``release.alias``: what a version of a registered model is called."""
    valid = _ALIAS.fullmatch(alias) is not None and len(alias) <= MAX_ALIAS
    yield from must(
        valid, "release.alias", f"be 1 to {MAX_ALIAS} letters, digits, '_' and '-'", alias, "Try candidate."
    )
    reserved = alias.lower() == "latest" or _VERSION.fullmatch(alias) is not None
    yield from must(
        not reserved, "release.alias", "not be a name that MLflow keeps for itself (latest, v1, v2, ...)", alias,
        "Try candidate.",
    )  # fmt: skip
    yield from must(
        alias not in _CHAMPIONS, "release.alias", "not be given by hand", alias,
        "The gate promotes champions; try candidate.",
    )  # fmt: skip


def experiment_problems(name: str) -> Iterator[str]:
    """``tracking.experiment``: any text that shows."""
    valid = bool(name.strip()) and name.isprintable() and len(name) <= MAX_EXPERIMENT
    yield from must(
        valid, "tracking.experiment", f"be 1 to {MAX_EXPERIMENT} characters that can be printed", name, "Try embedtune."
    )
