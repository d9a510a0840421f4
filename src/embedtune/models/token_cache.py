"""Tokens of texts, kept in a bounded number of bytes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LIMIT = 512 * 1024**2
"""Bytes of tokens kept at most: some 350,000 passages of 100 tokens, little beside a model and its optimiser even where
several workers share a machine. What is beyond is tokenised each time it is needed."""

_OVERHEAD = 400
"""Bytes of a row beside its numbers and its text: 294 by tracemalloc with one array, and the head of a second."""


class Role(StrEnum):
    """The role of a text for a model, which may prepend a different prompt for each."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True)
class Row:
    """One text: its token ids, and their types unless all are 0; each of shape (tokens,)."""

    ids: NDArray[np.int32]
    types: NDArray[np.int32] | None = None

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return self.ids.nbytes + (0 if self.types is None else self.types.nbytes) + _OVERHEAD


Key = tuple[Role, str, str]
"""Role, prompt and text."""


@dataclass
class TokenCache:
    """A table of texts for each model that reads its own way, together within a number of bytes.

    Room is made by dropping the tables of other models, the one that was not used for longest first. A table that alone
    is too large keeps what came first: it is read in whole again and again, so that dropping the oldest text for the
    newest would keep none that is needed next.
    """

    limit: int = LIMIT
    _tables: OrderedDict[str, dict[Key, Row]] = field(default_factory=OrderedDict)
    _sizes: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes kept."""
        return sum(self._sizes.values())

    def table(self, model: str) -> dict[Key, Row]:
        """The cached texts of a model."""
        self._sizes.setdefault(model, 0)
        table = self._tables.setdefault(model, {})
        self._tables.move_to_end(model)
        return table

    def add(self, model: str, key: Key, row: Row) -> bool:
        """Keep a row; whether there was room for it."""
        table, size = self.table(model), row.size + sys.getsizeof(key[-1])
        while self.size + size > self.limit and len(self._tables) > 1:
            oldest, _ = self._tables.popitem(last=False)
            del self._sizes[oldest]
        if self.size + size > self.limit:
            return False
        table[key] = row
        self._sizes[model] += size
        return True
