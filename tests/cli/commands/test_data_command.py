"""What ``data`` and ``report data=...`` say, and the keys of the data through the real command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Typed = Callable[..., Any]


@pytest.fixture
def rows_file(workdir: Path) -> Path:
    """Forty rows in one file of an odd name, two of which are asked twice and one of which holds markup."""
    pairs = [(f"where is number {n}", f"number {n} is in room {n * 3}") for n in range(38)]
    pairs += [("where is number 0", "in the <b>cellar</b>"), ("who is there", "number 1 is in room 3")]
    path = workdir / "größe=1 rows,'x'.jsonl"
    path.write_text("\n".join(json.dumps({"anchor": a, "positive": p}) for a, p in pairs), encoding="utf-8")
    return path


def place(path: Path) -> list[str]:
    quoted = str(path).replace("'", "\\'")
    return ["data=files", f"data.path='{quoted}'", "model=tiny"]


def test_data_says_lengths_batches_baselines_and_findings(typed: Typed, rows_file: Path) -> None:
    result = typed("data", *place(rows_file), "format=json")
    assert result.status == 0, result.err
    found = result.json
    assert {"digests", "splits", "training", "problems", "warnings", "prompts"} <= set(found)
    assert set(found["baselines"]["scores"]) == {"bm25", "untuned"}
    assert found["baselines"]["split"] == "validation"
    assert found["token_lengths"]["query"]["cut"] == 0
    assert set(found["false_negatives"]["größe=1 rows,'x'"]) == {"16", "20", "32"}
    kinds = {finding["kind"]: finding for finding in found["findings"]}
    (line,) = kinds["markup"]["places"]
    assert line == {"file": str(rows_file), "line": 39, "id": None}
    shown = typed("data", *place(rows_file))
    assert "to beat" in shown.out
    assert "warning: " in shown.out


def test_data_is_a_page(typed: Typed, rows_file: Path, workdir: Path) -> None:
    result = typed("report", *place(rows_file), "data.name='a <b>name</b>/x'", "format=json")
    assert result.status == 0, result.err
    page = Path(result.json["report"])
    assert page.parent == workdir / "sweeps"
    text = page.read_text(encoding="utf-8")
    assert "markup" in text
    assert "<b>name" not in text
    assert text.count("data:image/svg+xml;base64,") == 2
    assert "Not used" not in result.err


def test_errors_are_shown_with_what_else_was_found(typed: Typed, workdir: Path) -> None:
    path = workdir / "train.jsonl"
    path.write_text('{"anchor": "a", "positive": ""}\n{"anchor": "b\\u0007", "positive": "c"}\n', encoding="utf-8")
    result = typed("data", *place(path), "data.splits.train=train.jsonl", "format=json")
    assert result.status == 2
    assert {"control_characters"} <= {finding["kind"] for finding in result.json["findings"]}
    assert result.json["notes"] == ["Nothing was measured, because there are errors."]
    page = typed("report", *place(path), "data.splits.train=train.jsonl")
    assert page.status == 2
    assert (workdir / "sweeps" / "data-train.html").is_file()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("data.split=0.8/0.3", "data.split must be two or three shares that add up to 1, but got 0.8/0.3."),
        ("data.split=[0.8,0.2]", "data.split"),
        ("data.near_duplicates=1.5", "data.near_duplicates must be above 0 and at most 1, but got 1.5."),
        ("data.near_duplicates=nan", "data.near_duplicates must be above 0 and at most 1, but got nan."),
        ("data.on_leak=maybe", "data.on_leak"),
        ("data.on_leak=error", "data.on_leak=drop"),
    ],
)
def test_wrong_values_fail_before_training(typed: Typed, rows_file: Path, word: str, said: str) -> None:
    # Two files that share a query, so that on_leak=error has something to refuse.
    val = rows_file.parent / "val.jsonl"
    val.write_text('{"anchor": "where is number 5", "positive": "elsewhere"}', encoding="utf-8")
    words = ["data=files", f"data.path='{rows_file.parent}'", "data.splits.validation=val.jsonl"]
    words.append("data.splits.train='" + rows_file.name.replace("'", "\\'") + "'")
    for command in ([], ["-m", "sweep=random"]):
        result = typed(*command, *words, "model=tiny", word)
        assert result.status == 2
        assert said in result.err
        assert "Traceback" not in result.err
    assert not (rows_file.parent / "sweeps").exists()


def test_a_study_of_divided_data_records_its_warnings(typed: Typed, rows_file: Path, workdir: Path) -> None:
    words = [*place(rows_file), "data.split=0.5/0.5", "data.on_leak=drop", "data.near_duplicates=0.9"]
    quick = ["sweep=random", "train.epochs=1", "loss=plain", "study.n_trials=1", "study.workers=0", "study.name=s"]
    result = typed("-m", *words, *quick, "train.batch_size=8", "tracking.enabled=false", "format=json")
    assert result.status == 0, result.err
    assert "has no test split: a release will be judged by the validation queries" in result.err
    definition = yaml.safe_load((workdir / "sweeps" / "s" / "study.yaml").read_text(encoding="utf-8"))
    assert any("no test split" in warning for warning in definition["data"]["warnings"])
    assert set(definition["digests"]) == {"train", "validation", "training"}
    assert typed("-m", *words, *quick, "train.batch_size=8", "tracking.enabled=false").status == 0
    changed = typed("-m", *[w for w in words if "split" not in w], *quick, "train.batch_size=8")
    assert changed.status == 2
    assert "digests" in changed.err
