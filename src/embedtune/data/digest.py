"""Digests of texts that depend neither on file format, nor on ids, nor on order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from embedtune.errors import DataError
from embedtune.records import RetrievalSet, TrainingSet


def text_id(text: str) -> str:
    """A short id made from the text itself: 16 hex digits of its sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def retrieval_digest(data: RetrievalSet) -> str:
    """Sha256 over the texts of queries and passages and over the pairs that are relevant."""
    queries = {query: _hash(text) for query, text in data.queries.items()}
    corpus = {passage: _hash(text) for passage, text in data.corpus.items()}
    pairs = (queries[query] + corpus[passage] for query, passages in data.relevant.items() for passage in passages)
    parts = [_joined(queries.values()), _joined(corpus.values()), _joined(pairs)]
    if data.grades:
        graded = ((query, passage, grade) for query, own in data.grades.items() for passage, grade in own.items())
        parts.append(_joined(f"{queries[query]}{corpus[passage]}{grade:g}" for query, passage, grade in graded))
    if data.own:
        parts.append(_joined(queries[query] for query in data.own) + "own")
    return _hash("/".join(parts))


def training_digest(training: Iterable[TrainingSet]) -> str:
    """Sha256 over the rows of all sets, with the prompts of a set that has its own."""
    rows: list[str] = []
    for data in training:
        columns = [[f"{name}:{_hash(text)}" for text in texts] for name, texts in data.columns.items()]
        columns += [[f"scores:{row}" for row in data.scores]] if data.scores else []
        prompts = [f"{role}:{_hash(prompt)}" for role, prompt in sorted(data.prompts.items())]
        columns += [[f"prompts:{prompts}"] * len(data)] if prompts else []
        rows += ["|".join(row) for row in zip(*columns, strict=True)]
    return _hash(_joined(rows))


def require_same(recorded: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Check that data is unchanged, wherever it lies now.

    Args:
        recorded: Part -> digest, of a trial.
        found: The same of what was read now.

    Raises:
        DataError: A part differs, or is missing.
    """
    changed = [part for part, digest in recorded.items() if found.get(part) != digest]
    if changed:
        raise DataError(
            f"the data must be what the trial was trained on, but {', '.join(changed)} changed since (digests differ). "
            "Restore the data, name its place alone with data.path=PATH, or run the study again."
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _joined(hashes: Iterable[str]) -> str:
    return ",".join(sorted(hashes))
