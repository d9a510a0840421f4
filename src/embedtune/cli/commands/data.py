"""``data``: read, check and describe the data."""

from __future__ import annotations

from collections.abc import Mapping

from embedtune.cli.commands.answer import Answer, Part
from embedtune.config import Config
from embedtune.data import inspect_task
from embedtune.models.known_prompts import known_prompts
from embedtune.reporting.tables import make_table, prompt_lines


def describe(config: Config) -> Answer:
    """Everything a person wants to know before training on it; problems make the exit status 2."""
    report = inspect_task(config.data)
    prompts = known_prompts(config.model)
    document = {**report.to_dict(), "prompts": prompts}
    columns = ["split", "queries", "corpus", "relevant per query", "query words", "passage words", "digest"]
    rows = [
        [
            name, facts["queries"], facts["corpus"], f"{facts['relevant_per_query']:.2f}",
            _range(facts["query_words"]), _range(facts["passage_words"]), document["digests"][name][:12],
        ]
        for name, facts in document["splits"].items()
    ]  # fmt: skip
    training = [[part["name"], part["rows"], ", ".join(part["columns"])] for part in document["training"]]
    parts: list[Part] = []
    if rows:
        parts.append(make_table(columns, rows, f"{document['name']} ({document['source']})"))
    if training:
        parts.append(make_table(["training set", "rows", "columns"], training))
    parts += prompt_lines(prompts)
    parts += [f"warning: {warning}" for warning in report.warnings]
    parts += [f"problem: {problem}" for problem in report.problems]
    return Answer(document, parts, status=2 if report.problems else 0)


def _range(words: Mapping[str, float]) -> str:
    return f"{words['min']:.0f} to {words['max']:.0f}, mean {words['mean']:.0f}"
