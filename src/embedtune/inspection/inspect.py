"""Everything there is to say about the data of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from embedtune.config import Config
from embedtune.data import inspect_task
from embedtune.data.findings import Finding, examine, findings_of
from embedtune.data.findings.batches import expected_false_negatives
from embedtune.data.overlap import find_repeats, find_shared
from embedtune.data.report import DataReport
from embedtune.errors import UserError
from embedtune.inspection.baselines import judged_split, left_out, score_baselines
from embedtune.inspection.lengths import Lengths, count_tokens
from embedtune.models.known_prompts import known_prompts
from embedtune.models.load import load_model
from embedtune.records import TaskData
from embedtune.typed import Document

BATCH_SIZES = (16, 32, 64, 128)
"""Beside the one that would be trained with."""

_CUT_SHARE = 0.01
"""Of the texts: more that are cut off are a finding."""


@dataclass(frozen=True)
class Inspection:
    """The data as a person reads about it.

    Attributes:
        report: What reading and checking gave.
        findings: Errors, then warnings.
        prompts: Role -> the prompt read before its texts; None where only the hub could tell.
        lengths: In tokens of the model, of each role.
        false_negatives: Training set -> batch size -> answers expected among the negatives of a batch.
        baselines: Name -> metric -> score, on the split ``judged``.
        judged: None where nothing was scored.
        notes: What was left out, and why.
    """

    report: DataReport
    findings: tuple[Finding, ...]
    prompts: Mapping[str, str | None]
    lengths: tuple[Lengths, ...] = ()
    false_negatives: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    judged: str | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return {
            **self.report.to_dict(),
            "prompts": dict(self.prompts),
            "findings": [finding.to_dict() for finding in self.findings],
            "token_lengths": {lengths.role: lengths.to_dict() for lengths in self.lengths},
            "false_negatives": {
                name: {str(size): value for size, value in sizes.items()}
                for name, sizes in self.false_negatives.items()
            },
            "baselines": {"split": self.judged, "scores": {k: dict(v) for k, v in self.baselines.items()}},
            "notes": list(self.notes),
        }


def inspect(config: Config) -> Inspection:
    """Read the data, look for whatever is wrong with it, and measure what a tuned model has to beat."""
    report = inspect_task(config.data)
    prompts = known_prompts(config.model)
    placed = {*find_repeats(report.task), *find_shared(report.task)} if report.task else set()
    findings = [
        *findings_of(report.found, [warning for warning in report.warnings if warning not in placed]),
        *examine(report.splits, report.extra, config.data.near_duplicates),
    ]
    if report.task is None:
        return Inspection(report, tuple(findings), prompts, notes=("Nothing was measured, because there are errors.",))
    return _measured(config, report, report.task, findings, prompts)


def _measured(
    config: Config, report: DataReport, task: TaskData, findings: list[Finding], prompts: Mapping[str, str | None]
) -> Inspection:
    notes: list[str] = []
    try:
        model = load_model(config.model, "cpu")
    except UserError as error:
        model, said = None, str(error).splitlines()[0]
        notes.append(f"Token lengths and the untuned score are left out, because the model cannot be loaded: {said}")
    lengths = []
    if model is not None:
        own = {role: prompts.get(role) or "" for role in ("query", "document")}
        texts = _texts(task)
        lengths = [found for role in own if (found := count_tokens(model, role, own[role], texts[role]))]
        findings += _cut(lengths)
    sizes = sorted({*BATCH_SIZES, config.train.batch_size})
    expected = {training.name: expected_false_negatives(training, sizes) for training in task.training}
    findings += _false_negatives(expected, config.train.batch_size)
    judged, baselines = judged_split(task), {}
    if judged is None:
        notes.append("The untuned model and BM25 were not scored: there is only a test split, which stays closed.")
    elif reason := left_out(task.splits[judged], config.data.baselines):
        notes.append(reason)
    else:
        baselines = score_baselines(task.splits[judged], model)
    return Inspection(
        report, tuple(findings), prompts, tuple(lengths), expected, baselines, judged if baselines else None,
        tuple(notes),
    )  # fmt: skip


def _texts(task: TaskData) -> dict[str, Sequence[str]]:
    """Role -> the different texts of all splits and sets."""
    queries: dict[str, None] = {}
    passages: dict[str, None] = {}
    for data in task.splits.values():
        queries.update(dict.fromkeys(data.queries.values()))
        passages.update(dict.fromkeys(data.corpus.values()))
    for training in task.training:
        for column, texts in training.columns.items():
            (queries if column == "anchor" else passages).update(dict.fromkeys(texts))
    return {"query": list(queries), "document": list(passages)}


def _cut(lengths: Sequence[Lengths]) -> Iterator[Finding]:
    for own in lengths:
        if own.cut > _CUT_SHARE * own.counted:
            noun = "queries" if own.role == "query" else "passages"
            message = (
                f"{own.cut} of {own.counted} {noun} are longer than the {own.limit} tokens the model reads "
                f"({own.cut / own.counted:.0%}; the longest has {own.largest}): the rest of each is cut off. "
                "model.max_seq_length reads more, where the model can; shorter passages lose nothing."
            )
            yield Finding("cut_off", "warning", message, own.cut)


def _false_negatives(expected: Mapping[str, Mapping[int, float]], batch_size: int) -> Iterator[Finding]:
    for name, sizes in expected.items():
        if sizes.get(batch_size, 0.0) >= 1:
            message = (
                f"training set {name}: a batch of {batch_size} holds {sizes[batch_size]:.1f} answers among its "
                "negatives, on average. train.batch_sampler=relevance keeps them apart."
            )
            yield Finding("false_negatives", "warning", message)
