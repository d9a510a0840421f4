"""Scores beside the texts of a row: read with the texts, checked with their places, used where pairs are judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import DataReport, inspect_task


def inspected(folder: Path, rows: list[dict[str, Any]], **splits: list[dict[str, Any]]) -> DataReport:
    for split, own in {"train": rows, **splits}.items():
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, own)), encoding="utf-8")
    return inspect_task(DataConfig(source="files", path=str(folder), name="scored"))


def read(folder: Path, rows: list[dict[str, Any]]) -> tuple[tuple[float, ...], ...]:
    task = inspected(folder, rows).task
    assert task is not None
    return task.training[0].scores


def test_a_label_for_each_pair(tmp_path: Path) -> None:
    rows = [{"anchor": "a", "positive": "b", "label": 1}, {"anchor": "c", "positive": "d", "label": False}]
    assert read(tmp_path, rows) == ((1.0,), (0.0,))


def test_text_of_a_delimited_file_is_read_as_a_number(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("sentence1,sentence2,score\na,b,0.5\nc,d,-3e-1\n")
    task = inspect_task(DataConfig(source="files", path=str(tmp_path), name="scored")).task
    assert task is not None
    assert task.training[0].scores == ((0.5,), (-0.3,))


def test_one_score_for_each_passage(tmp_path: Path) -> None:
    rows = [{"query": "a", "positive": "b", "negative_1": "c", "negative_2": "d", "score": [3, 2.5, 1]}] * 2
    assert read(tmp_path, rows) == ((3.0, 2.5, 1.0),) * 2


def test_teacher_scores_of_flag_embedding(tmp_path: Path) -> None:
    rows = [
        {"query": "a", "pos": ["b", "c"], "neg": ["d", "e"], "pos_scores": [9, 8], "neg_scores": [2, 1]},
        {"query": "f", "pos": ["g"], "neg": ["h"], "pos_scores": [7], "neg_scores": [0]},
    ]
    assert read(tmp_path, rows) == ((9.0, 2.0), (8.0, 2.0), (7.0, 0.0))


def test_the_column_can_be_named(tmp_path: Path) -> None:
    rows = [{"anchor": "a", "positive": "b", "gold": 0.25}] * 2
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    config = DataConfig(source="files", path=str(tmp_path), name="scored", columns={"score": "gold"})
    task = inspect_task(config).task
    assert task is not None
    assert task.training[0].scores == ((0.25,), (0.25,))


@pytest.mark.parametrize("cell", [None, "high", float("nan"), [0.1, 0.2], []])
def test_what_is_no_score_is_named_with_its_place(tmp_path: Path, cell: Any) -> None:
    rows = [{"anchor": "a", "positive": "b", "score": 1}, {"anchor": "c", "positive": "d", "score": cell}]
    (problem,) = inspected(tmp_path, rows).problems
    assert "train.jsonl:2" in problem


def test_a_column_of_words_is_named_and_left(tmp_path: Path) -> None:
    report = inspected(tmp_path, [{"anchor": "a", "positive": "b", "label": "entailment"}] * 2)
    assert report.task is not None
    assert report.task.training[0].scores == ()
    assert any("has a column 'label' without numbers, which is not read" in said for said in report.warnings)


def test_pairs_that_do_not_belong_together_are_no_answers(tmp_path: Path) -> None:
    rows = [
        {"anchor": "a", "positive": "yes", "score": 1},
        {"anchor": "a", "positive": "no", "score": 0},
        {"anchor": "b", "positive": "never", "score": 0.2},
    ]
    report = inspected(tmp_path, rows, validation=rows)
    assert report.task is not None
    validation = report.task.splits["validation"]
    assert list(validation.queries.values()) == ["a"]
    assert [{validation.corpus[own] for own in ids} for ids in validation.relevant.values()] == [{"yes"}]
    assert set(validation.corpus.values()) == {"yes", "no", "never"}
    (said,) = [own for own in report.warnings if "below 0.5" in own]
    assert "2 of 3 pairs" in said
    assert "1 of 2 queries are left without one" in said


def test_scores_are_part_of_the_content(tmp_path: Path) -> None:
    plain = [{"anchor": "a", "positive": "b"}, {"anchor": "c", "positive": "d"}]
    digests = []
    for name, more in (("none", {}), ("one", {"score": 1}), ("half", {"score": 0.5})):
        (tmp_path / name).mkdir()
        task = inspected(tmp_path / name, [{**row, **more} for row in plain]).task
        assert task is not None
        digests.append(task.digests["training"])
    assert len(set(digests)) == 3
