"""Counts and names as people say them."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """``1 trial``, ``2 trials``, ``3 queries``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


def clip(text: str, length: int = 200) -> str:
    """The first line, shortened."""
    line = (text.strip().splitlines() or [""])[0]
    return line if len(line) <= length else line[: length - 1] + "…"
