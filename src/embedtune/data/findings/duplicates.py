"""Texts that occur twice, quite or nearly, within a part; and pairs that do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from embedtune.data.drafts import Place, tell
from embedtune.data.findings.finding import PLACES, Finding, warn
from embedtune.data.findings.located import Located, Part
from embedtune.data.near_duplicates import near_pairs


def repeated(part: Part, is_rows: bool) -> Iterator[Finding]:
    """Equal passages of a corpus, equal queries with ids of their own, and pairs that stand twice.

    Args:
        part: Its texts.
        is_rows: Whether they come in rows, where a passage may answer several anchors and a query be asked again.
    """
    pairs = _later((query, answer, place) for query, answer, place in part.pairs)
    if pairs:
        message = f"{part.name}: {len(pairs)} of {len(part.pairs)} pairs of query and answer repeat an earlier one"
        yield warn("repeated_pairs", pairs, message)
    if is_rows:
        return
    for kind, noun, texts in (
        ("repeated_passages", "passages", part.passages),
        ("repeated_queries", "queries", part.queries),
    ):
        places = _later((own.text, "", own.place) for own in texts)
        if places:
            yield warn(kind, places, f"{part.name}: {len(places)} of {len(texts)} {noun} repeat the text of another")


def nearly_repeated(part: Part, threshold: float) -> Iterator[Finding]:
    """Passages and queries that are nearly another of the same part."""
    for kind, noun, texts in (
        ("near_duplicate_passages", "passages", part.passages),
        ("near_duplicate_queries", "queries", part.queries),
    ):
        place_of = _first_places(texts)
        pairs = list(near_pairs(place_of, threshold))
        later = list(dict.fromkeys(place_of[text] for _, text in pairs))
        if pairs:
            one, other = pairs[0]
            message = (
                f"{part.name}: {len(later)} of {len(place_of)} {noun} are nearly the same as another (similarity from "
                f"{threshold:g}; data.near_duplicates), e.g. {place_of[other]} and {place_of[one]}."
            )
            yield Finding(kind, "warning", tell(message), len(later), tuple(later[:PLACES]))


def _first_places(texts: Sequence[Located]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for own in texts:
        found.setdefault(own.text, own.place)
    return found


def _later(items: Iterable[tuple[str, str, Place]]) -> list[Place]:
    """The places of items whose texts occurred before."""
    seen: set[tuple[str, str]] = set()
    found = []
    for one, other, place in items:
        if (one, other) in seen:
            found.append(place)
        seen.add((one, other))
    return found
