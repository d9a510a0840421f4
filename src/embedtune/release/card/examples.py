"""Texts a model card shows: taken from the evaluation data, always the same for the same data. Pure."""

from __future__ import annotations

from embedtune.records import RetrievalSet

WIDGETS = 5
OTHERS = 2


def usage_example(retrieval: RetrievalSet) -> tuple[str, str, str]:
    """A query, a passage that answers it and one that does not, for the usage section."""
    query, passages = widget_examples(retrieval)[0]
    answer, other = (*passages, *passages)[:2]
    return query, answer, other


def widget_examples(retrieval: RetrievalSet) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Up to five queries, each with a passage that answers it and up to two that do not."""
    ids = list(retrieval.corpus)
    stride = max(1, len(retrieval.queries) // WIDGETS)
    examples = []
    for position, query in enumerate(list(retrieval.queries)[::stride][:WIDGETS]):
        relevant = sorted(retrieval.relevant[query])
        start = (position + 1) * len(ids) // (WIDGETS + 1)
        others = [other for other in [*ids[start:], *ids[:start]] if other not in retrieval.relevant[query]][:OTHERS]
        examples.append((retrieval.queries[query], tuple(retrieval.corpus[i] for i in (relevant[0], *others))))
    return tuple(examples)
