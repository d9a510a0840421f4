"""``data``: read, check and describe the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from embedtune.cli.commands.answer import Answer, Part, workspace
from embedtune.cli.output import quiet_libraries
from embedtune.config import Config
from embedtune.inspection.inspect import Inspection, inspect
from embedtune.inspection.lengths import Lengths
from embedtune.inspection.page import render_data_page
from embedtune.paths import write_atomic
from embedtune.reporting.tables import make_table, prompt_lines
from embedtune.study.definition import folder_name

_BAR = 30
"""Characters of the longest bar of a histogram."""


def describe(config: Config) -> Answer:
    """Everything a person wants to know before training on it; problems make the exit status 2."""
    quiet_libraries()
    found = inspect(config)
    return Answer(found.to_dict(), list(_parts(found)), status=2 if found.report.problems else 0)


def report_data(config: Config) -> Answer:
    """The same as one HTML page below ``paths.sweeps``."""
    quiet_libraries()
    found = inspect(config)
    document = found.to_dict()
    path = workspace(config).data_report(folder_name(config.data.label) or config.data.source)
    write_atomic(path, render_data_page(found))
    errors = sum(finding.severity == "error" for finding in found.findings)
    line = f"{config.data.label}: {errors} errors, {len(found.findings) - errors} warnings."
    return Answer(
        {**document, "report": str(path)}, (line, f"Report:  {path}"), status=2 if found.report.problems else 0
    )


def _parts(found: Inspection) -> Iterator[Part]:
    document = found.report.to_dict()
    if document["splits"]:
        columns = ["split", "queries", "corpus", "relevant per query", "query words", "passage words", "digest"]
        rows = [
            [
                name, facts["queries"], facts["corpus"], f"{facts['relevant_per_query']:.2f}",
                _range(facts["query_words"]), _range(facts["passage_words"]), document["digests"][name][:12],
            ]
            for name, facts in document["splits"].items()
        ]  # fmt: skip
        yield make_table(columns, rows, f"{document['name']} ({document['source']})")
    training = [[part["name"], part["rows"], ", ".join(part["columns"])] for part in document["training"]]
    if training:
        yield make_table(["training set", "rows", "columns"], training)
    if found.lengths:
        yield _lengths(found.lengths)
    if any(found.false_negatives.values()):
        yield _false_negatives(found.false_negatives)
    if found.baselines:
        metrics = list(next(iter(found.baselines.values())))
        scores = [[name, *(f"{values[metric]:.4f}" for metric in metrics)] for name, values in found.baselines.items()]
        yield make_table(["to beat", *metrics], scores, f"On {found.judged}")
    yield from prompt_lines(found.prompts)
    yield from found.notes
    yield from (f"warning: {finding.message}" for finding in found.findings if finding.severity == "warning")
    yield from (f"problem: {problem}" for problem in found.report.problems)


def _lengths(lengths: Sequence[Lengths]) -> Part:
    rows = []
    for own in lengths:
        most = max(own.histogram.values())
        for edge, count in own.histogram.items():
            name = "more" if edge == "more" else f"up to {edge}"
            rows.append([own.role, name, count, "█" * round(_BAR * count / most) or ("▏" if count else "")])
        rows.append([own.role, "cut off", f"{own.cut} ({own.cut / own.counted:.1%})", f"at {own.limit or 'no length'}"])
    return make_table(["texts", "tokens", "count", ""], rows)


def _false_negatives(expected: Mapping[str, Mapping[int, float]]) -> Part:
    sizes = sorted({size for own in expected.values() for size in own})
    rows = [[name, *(f"{own[size]:.2f}" if size in own else "" for size in sizes)] for name, own in expected.items()]
    return make_table(["answers among the negatives of a batch of", *map(str, sizes)], rows)


def _range(words: Mapping[str, float]) -> str:
    return f"{words['min']:.0f} to {words['max']:.0f}, mean {words['mean']:.0f}"
