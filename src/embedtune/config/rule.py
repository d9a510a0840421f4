"""One rule of the configuration, and the sentence about a value that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def must(holds: bool, key: str, rule: str, value: Any, remedy: str) -> Iterator[str]:
    """Say it if the rule does not hold."""
    if not holds:
        yield f"{key} must {rule}, but got {value}. {remedy}"
