"""A small task as a BEIR folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from embedtune.records import RetrievalSet


def write_beir(
    folder: Path, data: RetrievalSet, more: Mapping[str, str] | None = None, grade: Callable[[str], int] = lambda _: 1
) -> Path:
    """Write a task of thirty queries, the first six for validation, the next four for test, the others for training.

    Args:
        folder: To be made.
        data: The task.
        more: Passages that answer nothing.
        grade: Of a passage, by its id.
    """
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", {**data.corpus, **(more or {})}), ("queries", data.queries)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    queries = list(data.queries)
    for split, chosen in (("train", queries[10:]), ("validation", queries[:6]), ("test", queries[6:10])):
        lines = [f"{query}\t{own}\t{grade(own)}" for query in chosen for own in sorted(data.relevant[query])]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder
