"""Texts that say nearly the same, found without comparing each with each. Pure.

Near means that the sets of three successive words of two texts have a Jaccard similarity of at least the threshold
(Broder 1997, "On the resemblance and containment of documents"). Candidates come from MinHash signatures in bands
(Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3), by datasketch; each is then compared exactly,
so that none is reported in error.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

DEFAULT_THRESHOLD = 0.9
"""Of the command ``data``, where the configuration says none."""

_WORDS = 3
_PERMUTATIONS = 128
_MISSED = (0.1, 0.9)
"""What a needless comparison and a missed pair count when the bands are laid out."""
_HIGHEST = 0.95
"""Above it there would be one band, and candidates that differ by chance would be missed."""

Shingles = frozenset[str]
Hashes = NDArray[np.int64]


def shingles(text: str) -> Shingles:
    """Each three successive words, without case and punctuation; all words of a shorter text as one."""
    words = re.findall(r"\w+", text.casefold())
    return frozenset(" ".join(words[i : i + _WORDS]) for i in range(max(1, len(words) - _WORDS + 1)))


def similarity(one: Hashes, other: Hashes) -> float:
    """Jaccard similarity: what two texts have in common, as a share of what either has.

    Args:
        one: Hashes of its shingles, each once, of shape (shingles,).
        other: The same of the other text.
    """
    common = np.intersect1d(one, other, assume_unique=True).size
    return common / (one.size + other.size - common)


def near_pairs(texts: Iterable[str], threshold: float) -> Iterator[tuple[str, str]]:
    """Pairs of different texts whose similarity is at least the threshold.

    A text is compared with those before it. Of texts that are equal but for case and punctuation, only the first is
    compared further, so a text repeated a thousand times gives a thousand pairs and not half a million.

    Args:
        texts: In any order; repeated ones count once.
        threshold: Above 0, at most 1.

    Yields:
        The earlier text, then the later.
    """
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=min(threshold, _HIGHEST), num_perm=_PERMUTATIONS, weights=_MISSED)
    seen: dict[bytes, str] = {}
    kept: dict[int, tuple[str, Hashes]] = {}
    for number, text in enumerate(dict.fromkeys(texts)):
        found = shingles(text)
        own = np.sort(np.fromiter(map(hash, found), np.int64, len(found)))  # an eighth of the memory of the words
        if (key := own.tobytes()) in seen:
            yield seen[key], text
            continue
        seen[key] = text
        signature = _signature(found)
        for earlier, theirs in (kept[other] for other in sorted(index.query(signature))):
            if similarity(own, theirs) >= threshold:
                yield earlier, text
        index.insert(number, signature, check_duplication=False)
        kept[number] = (text, own)


def representatives(texts: Iterable[str], threshold: float) -> Mapping[str, str]:
    """Each text -> the first of those it is near to, directly or through others; texts near to none are left out."""
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while (above := parents.get(text, text)) != text:
            text = above
        return text

    order = list(dict.fromkeys(texts))
    rank = {text: number for number, text in enumerate(order)}
    for one, other in near_pairs(order, threshold):
        first, second = sorted((root(one), root(other)), key=rank.__getitem__)
        parents[second] = first
    heads = {root(text) for text in parents}
    return {text: root(text) for text in order if text in parents or text in heads}


def _signature(own: Shingles) -> object:
    from datasketch import MinHash

    found = MinHash(num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
    found.update_batch([shingle.encode() for shingle in own])
    return found
