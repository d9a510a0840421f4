"""Which rows share a batch: the steps of an epoch and the rows it sees, known before training."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple, Protocol

import torch

from embedtune.config import BatchSampler, Mix, TrainConfig
from embedtune.records import ENOUGH_ROWS, TrainingSet


class Batches(Protocol):
    """The batches of one training set, the same number in every epoch."""

    def __len__(self) -> int:
        """Batches of an epoch."""
        ...

    def sizes(self, epoch: int) -> list[int]:
        """Rows of each batch of an epoch."""
        ...


@dataclass(frozen=True)
class Plain:
    """Rows as they come: every batch is full but the last."""

    rows: int
    size: int

    def __len__(self) -> int:
        return math.ceil(self.rows / self.size)

    def sizes(self, epoch: int) -> list[int]:
        """Rows of each batch of an epoch."""
        return [min(self.size, self.rows - start) for start in range(0, self.rows, self.size)]


class Row(NamedTuple):
    """One row as a batch sees it.

    Attributes:
        brings: Numbers of its texts.
        bars: Numbers that the batch must not hold when it comes.
    """

    brings: frozenset[int]
    bars: frozenset[int]


@dataclass(frozen=True)
class Apart:
    """Rows in batches in which no text comes twice, whatever its column; or none answers the query of another row.

    As many batches of the size asked for as there can be, then smaller ones of what is left. They are those of
    sentence-transformers' ``NoDuplicatesBatchSampler``, whose number of batches is an estimate by which the trainer
    ends an epoch early. A row that is left all alone has no negative, and is left out unless it brings its own.

    Attributes:
        columns: The texts of each column: anchors, positives, then any negatives.
        size: Rows of a full batch.
        seed: With the epoch it gives the order of the rows.
        epochs: Epochs begun: each has as many batches as the one that has fewest, and leaves out its smallest.
        by_relevance: Keep apart only rows one of which holds a passage that any row gives as an answer to the query of
            the other, or that repeats such a one but for case and blanks.
    """

    columns: tuple[Sequence[str], ...]
    size: int
    seed: int
    epochs: int
    by_relevance: bool = False

    def __len__(self) -> int:
        return self._count

    def sizes(self, epoch: int) -> list[int]:
        """Rows of each batch of an epoch."""
        return [len(batch) for batch in self.batches(epoch)]

    def batches(self, epoch: int) -> list[list[int]]:
        """The rows, by number, of each batch of an epoch."""
        found = self._all(epoch)
        largest = sorted(range(len(found)), key=lambda place: (-len(found[place]), place))[: self._count]
        return [found[place] for place in sorted(largest)]

    @cached_property
    def _rows(self) -> list[Row]:
        """What each row brings into a batch, and what must not be there already."""
        rows = list(zip(*self.columns, strict=True))
        return _by_relevance(rows) if self.by_relevance else _by_text(rows)

    @cached_property
    def _count(self) -> int:
        return min(self._worth(self._all(epoch)) for epoch in range(self.epochs))

    def _worth(self, batches: Sequence[Sequence[int]]) -> int:
        """How many batches are worth a step: with a negative, but no fewer than there would be without equal texts."""
        brings_its_own = len(self.columns) > 2
        with_negatives = sum(brings_its_own or len(batch) > 1 for batch in batches)
        return max(with_negatives, math.ceil(len(self._rows) / self.size))

    def _all(self, epoch: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(self.seed + epoch)
        # The library's permutation has 32 bits; a wider one would be another.
        order = torch.randperm(len(self._rows), generator=generator, dtype=torch.int32).tolist()
        return first_fit(self._rows, order, self.size)


def same_text(text: str) -> str:
    """Texts that are one but for case and blanks have one value."""
    return " ".join(text.casefold().split())


def _by_text(rows: Sequence[Sequence[str]]) -> list[Row]:
    numbers: dict[str, int] = {}
    found = (frozenset(numbers.setdefault(text, len(numbers)) for text in row) for row in rows)
    return [Row(own, own) for own in found]


def _by_relevance(rows: Sequence[Sequence[str]]) -> list[Row]:
    """A passage has an even number, and what stands for it as an answer the odd one after."""
    numbers: dict[str, int] = {}
    answers: dict[str, set[int]] = {}

    def number(text: str) -> int:
        return numbers.setdefault(same_text(text), 2 * len(numbers))

    for anchor, positive, *_ in rows:
        answers.setdefault(same_text(anchor), set()).add(number(positive))
    found = []
    for anchor, *passages in rows:
        own, answering = set(map(number, passages)), answers[same_text(anchor)]
        brings = frozenset([*own, *(answer + 1 for answer in answering)])
        found.append(Row(brings, frozenset([*answering, *(passage + 1 for passage in own)])))
    return found


def first_fit(rows: Sequence[Row], order: Iterable[int], size: int) -> list[list[int]]:
    """Put each row into the first batch that has room and nothing it must not meet.

    Args:
        rows: Each with what it brings and what it bars.
        order: In which rows are put.
        size: Rows of a full batch.

    Returns:
        The rows of each batch, in the order in which they came.
    """
    batches: list[list[int]] = []
    held: list[set[int]] = []
    first: dict[int, int] = {}
    """Number -> a batch before which all are full or hold it; both last, so it only rises."""
    opened = 0

    def closed(place: int, bars: Collection[int]) -> bool:
        return place < len(batches) and (len(batches[place]) == size or not held[place].isdisjoint(bars))

    for number in order:
        row = rows[number]
        while opened < len(batches) and len(batches[opened]) == size:
            opened += 1
        for barred in row.bars:
            start = max(opened, first.get(barred, 0))
            while closed(start, (barred,)):
                start += 1
            first[barred] = start
        place = max(first[barred] for barred in row.bars)
        while closed(place, row.bars):
            place += 1
        if place == len(batches):
            batches.append([])
            held.append(set())
        batches[place].append(number)
        held[place].update(row.brings)
    return batches


@dataclass(frozen=True)
class Amount:
    """How much a training trains.

    Attributes:
        epoch_steps: Optimiser steps of an epoch.
        steps: Of the whole training.
        rows: Rows in its batches, each as often as it is seen.
        asked: Rows that ``train.epochs`` asks for.
    """

    epoch_steps: int
    steps: int
    rows: int
    asked: int

    @property
    def share(self) -> float:
        """Rows seen of those asked for; an epoch cut off within may see a few more."""
        return self.rows / self.asked


def planned(training: Sequence[TrainingSet], train: TrainConfig, mix: Mix = Mix.round_robin) -> Amount:
    """How much a training will train, from its rows and the configuration alone.

    Args:
        training: The rows, in one set or several.
        train: ``train.*``.
        mix: ``data.mix``: several sets are visited in turn, until the one with the fewest batches is used up; or each
            as often as it has batches, where an epoch cut off within counts by its share.
    """
    parts = [batches_of(part, train) for part in training]
    asked = round(train.epochs * sum(map(len, training)))
    if mix is Mix.proportional and len(parts) > 1:
        whole = sum(map(len, parts))
        seen = [sum(sum(part.sizes(epoch)) for part in parts) for epoch in range(math.ceil(train.epochs))]
        last = train.epochs - math.floor(train.epochs)
        rows = sum(seen) if last == 0 else sum(seen[:-1]) + round(last * seen[-1])
        return Amount(whole, math.ceil(train.epochs * whole), rows, asked)
    each = min(map(len, parts))
    epoch_steps = each * len(parts)
    steps = math.ceil(train.epochs * epoch_steps)
    rows = 0
    for epoch in range(math.ceil(train.epochs)):
        turns = chain.from_iterable(zip(*(part.sizes(epoch) for part in parts), strict=False))
        rows += sum(list(turns)[: steps - epoch * epoch_steps])
    return Amount(epoch_steps, steps, rows, asked)


def batches_of(part: TrainingSet, train: TrainConfig) -> Batches:
    """The batches of one training set."""
    if train.batch_sampler is BatchSampler.plain:
        return Plain(len(part), train.batch_size)
    by_relevance = train.batch_sampler is BatchSampler.relevance
    return Apart(tuple(part.columns.values()), train.batch_size, train.seed, math.ceil(train.epochs), by_relevance)


def too_few_rows(training: Sequence[TrainingSet], train: TrainConfig, amount: Amount) -> str | None:
    """A sentence where a training sees far fewer rows than asked for, with the number; else None."""
    if amount.share >= ENOUGH_ROWS:
        return None
    said = f"{amount.rows} of the {amount.asked} rows that train.epochs={train.epochs:g} asks for ({amount.share:.0%})"
    if len(training) > 1:
        smallest = min(training, key=len)
        return (
            f"The training sees {said}: sets are visited in turn until the smallest, {smallest.name} with "
            f"{len(smallest)} rows, is used up. Take data.mix=proportional, or raise train.epochs."
        )
    return (
        f"The training sees {said}: equal texts are kept apart, and rows whose texts are all in use are left without a "
        "negative. Take train.batch_sampler=plain, or fewer rows of one text."
    )
