"""Passages, and the split that judges each, chosen before any question is asked. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from embedtune.data.group_split import rank
from embedtune.typed import Document

FEWEST_WORDS = 8
"""Of a passage that is asked about; shorter ones are only searched in."""


@dataclass(frozen=True)
class Passage:
    """A part of a document.

    Attributes:
        id: Made of its texts, so that it is the same wherever it stands.
        title: Put before the text by whoever reads the data; empty for none.
        text: Of the passage.
        file: Where it is from, relative to the documents.
        headings: It stands under.
        is_first: Whether it is the first below these headings.
    """

    id: str
    title: str
    text: str
    file: str
    headings: tuple[str, ...] = ()
    is_first: bool = True

    @property
    def whole(self) -> str:
        """The text as models read it."""
        return f"{self.title} {self.text}".strip()

    @property
    def is_asked(self) -> bool:
        """Whether there is enough in it to ask about."""
        return len(self.text.split()) >= FEWEST_WORDS

    def place(self, split: str | None) -> Document:
        """Where it is from, and what it is for; plain types for JSON."""
        return {"id": self.id, "file": self.file, "headings": list(self.headings), "split": split}


@dataclass(frozen=True)
class Question:
    """A question as it was given, with its answer if that was told."""

    text: str
    answer: str | None = None

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def passage_id(title: str, text: str) -> str:
    """Sixteen hexadecimal digits of the texts."""
    return hashlib.sha256(f"{title}\x00{text}".encode()).hexdigest()[:16]


def unique(passages: Iterable[Passage]) -> list[Passage]:
    """Each passage once, where it stands first."""
    found: dict[str, Passage] = {}
    for passage in passages:
        found.setdefault(passage.id, passage)
    return list(found.values())


def digest_of(passages: Iterable[Passage]) -> str:
    """sha256 of the passages, whatever their order."""
    return hashlib.sha256("\n".join(sorted(passage.id for passage in passages)).encode()).hexdigest()


def assign(passages: Sequence[Passage], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Id -> the one split in which questions about the passage are, for those that are asked about.

    Args:
        passages: In any order.
        shares: Split -> its share; those above 0 get a passage at least.
        seed: Draws who goes where.

    Raises:
        ValueError: There are fewer passages than splits.
    """
    asked = sorted((own.id for own in passages if own.is_asked), key=lambda own: rank(seed, own))
    splits = [split for split, share in shares.items() if share > 0]
    if len(asked) < len(splits):
        raise ValueError(f"{len(asked)} passages of {FEWEST_WORDS} words or more")
    counts = {split: max(1, round(shares[split] * len(asked))) for split in splits if split != "train"}
    while sum(counts.values()) >= len(asked):
        counts[max(counts, key=counts.__getitem__)] -= 1
    found: dict[str, str] = {}
    place = 0
    for split, count in counts.items():
        found |= dict.fromkeys(asked[place : place + count], split)
        place += count
    return found | dict.fromkeys(asked[place:], "train")
