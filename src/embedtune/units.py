"""Seconds, bytes, counts and long texts as people say them. Pure."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 5 s``, ``2 h 0 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count_of_bytes: float) -> str:
    """Decimal units: ``1.54 GB``, ``128 MB``."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count_of_bytes >= scale:
            return f"{count_of_bytes / scale:.3g} {unit}"
    return f"{count_of_bytes / 1e3:.3g} kB"


def amount(number: float) -> str:
    """Three digits: ``22.7M``, ``1,830``, ``384``."""
    for unit, scale in (("G", 1e9), ("M", 1e6)):
        if number >= scale:
            return f"{number / scale:.3g}{unit}"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def count(number: int, noun: str) -> str:
    """``1 trial``, ``2 trials``, ``3 queries``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


def clip(text: str, length: int = 200) -> str:
    """The first line, shortened."""
    line = (text.strip().splitlines() or [""])[0]
    return line if len(line) <= length else line[: length - 1] + "…"
