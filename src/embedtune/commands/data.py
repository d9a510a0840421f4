"""``data``: read, check and describe the data."""

from __future__ import annotations

from embedtune.commands.answer import Answer
from embedtune.config import Config
from embedtune.data import inspect_task
from embedtune.reporting.tables import make_table


def describe(config: Config) -> Answer:
    """Everything a person wants to know before training on it; problems make the exit status 2."""
    report = inspect_task(config.data)
    document = report.to_dict()
    splits = document.get("splits", {})
    columns = ["split", "queries", "corpus", "relevant per query", "digest"]
    rows = [
        [name, s["queries"], s["corpus"], f"{s['mean_relevant']:.2f}", document["digests"].get(name, "")[:12]]
        for name, s in splits.items()
    ]
    training = [[t["name"], t["rows"], ", ".join(t["columns"])] for t in document.get("training", [])]
    parts: list[object] = []
    if rows:
        parts.append(make_table(columns, rows, f"{document['name']} ({document['source']})"))
    if training:
        parts.append(make_table(["training set", "rows", "columns"], training))
    parts += [f"warning: {warning}" for warning in report.warnings]
    parts += [f"problem: {problem}" for problem in report.problems]
    return Answer(document, tuple(parts), status=2 if report.problems else 0)
