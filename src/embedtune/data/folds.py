"""Folds of the training rows, so that every training query can be scored by a model that did not train on it. Pure.

Cross-validation by group (Stone 1974, "Cross-validatory choice and assessment of statistical predictions"; Roberts et
al. 2017, "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic structure"): rows
that share a query or an answer are in one fold, or a model would be asked what it was told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from embedtune.data.build import collect_rows
from embedtune.data.group_split import connected_groups, rank
from embedtune.errors import ConfigError, join_problems
from embedtune.records import RetrievalSet, TrainingSet


@dataclass(frozen=True)
class Fold:
    """One part of the training rows, held out.

    Attributes:
        training: The rows of the other parts, set by set.
        held_out: The queries of this part, to be searched in the passages of all rows.
    """

    training: tuple[TrainingSet, ...]
    held_out: RetrievalSet


def folds_problems(training: Sequence[TrainingSet], count: int) -> list[str]:
    """Why ``training`` cannot be divided into ``count`` folds; empty if it can."""
    groups = _groups(_rows(training))
    if count > len(groups):
        return [
            f"eval.folds must not exceed the {len(groups)} groups of training rows that share no text, but got {count}."
            " Take fewer folds, or 0."
        ]
    taken: dict[str, set[int]] = {part.name: set() for part in training}
    for owner, fold in zip(_owners(training), _parts(training, count), strict=True):
        taken[owner].add(fold)
    return [
        f"eval.folds must leave rows of every training set to train on, but one fold takes all of {name}, whose rows "
        "hang together. Take that set out, or 0 folds."
        for name, folds in taken.items()
        if len(folds) < 2
    ]


def make_folds(training: Sequence[TrainingSet], count: int) -> tuple[Fold, ...]:
    """Divide the rows into ``count`` folds of about equal size, the same for the same texts in whatever order.

    Negatives do not hold rows together: one passage may be the negative of many.

    Raises:
        ConfigError: There are fewer groups than folds.
    """
    problems = folds_problems(training, count)
    if problems:
        raise ConfigError(join_problems(problems))
    rows, parts = _rows(training), _parts(training, count)
    corpus = collect_rows(rows).corpus
    folds = []
    for fold in range(count):
        own = collect_rows([row for row, part in zip(rows, parts, strict=True) if part == fold])
        folds.append(Fold(_without(training, parts, fold), RetrievalSet(own.queries, corpus, own.relevant)))
    return tuple(folds)


def _rows(training: Sequence[TrainingSet]) -> list[tuple[str, ...]]:
    """The rows of all sets, one set after the other."""
    return [row for part in training for row in zip(*part.columns.values(), strict=True)]


def _owners(training: Sequence[TrainingSet]) -> list[str]:
    """The set of each row."""
    return [part.name for part in training for _ in range(len(part))]


def _groups(rows: Sequence[Sequence[str]]) -> list[list[int]]:
    return connected_groups([row[:2] for row in rows])


def _parts(training: Sequence[TrainingSet], count: int) -> list[int]:
    """The fold of each row: the largest group first, each assigned to the fold that has least of its sets."""
    rows, owners = _rows(training), _owners(training)
    keys = [rank(0, *row[:2]) for row in rows]
    loads: list[Counter[str]] = [Counter() for _ in range(count)]
    parts = [0] * len(rows)
    for group in sorted(_groups(rows), key=lambda group: (-len(group), min(keys[row] for row in group))):
        sizes = Counter(owners[row] for row in group)
        fold = min(range(count), key=lambda fold: _load(loads[fold], sizes))
        loads[fold] += sizes
        for row in group:
            parts[row] = fold
    return parts


def _load(load: Counter[str], sizes: Counter[str]) -> tuple[int, int]:
    """How much a fold already has of the sets of a group, then of all."""
    return sum(load[name] * size for name, size in sizes.items()), load.total()


def _without(training: Sequence[TrainingSet], parts: Sequence[int], fold: int) -> tuple[TrainingSet, ...]:
    """Every set without its rows of this fold."""
    kept, start = [], 0
    for part in training:
        rows = [row for row in range(len(part)) if parts[start + row] != fold]
        start += len(part)
        kept.append(part.select(rows))
    return tuple(kept)
