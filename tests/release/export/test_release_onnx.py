"""A model exported to ONNX gives the same embeddings, and the int8 one nearly the same."""

from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, ModelConfig, ReleaseConfig
from embedtune.errors import ReleaseError
from embedtune.evaluation import evaluate_retrieval
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import Objective, RetrievalSet, State, TaskData, TrialRecord
from embedtune.release.choice.case import VALIDATION, Case
from embedtune.release.export.onnx import export_onnx, load_onnx, onnx_problems
from embedtune.release.export.onnx_gate import measure_onnx
from embedtune.release.export.product import Product
from embedtune.release.gate.measurements import RELEASED, Measured
from embedtune.statistics import Criterion
from embedtune.study.definition import define_study
from embedtune.trial.bench import Bench

TEXTS = ["x", "", "the café at number №3", "a much longer text " * 20]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: SentenceTransformer) -> Path:
    target = tmp_path_factory.mktemp("model") / "tiny"
    tiny.save(str(target), create_model_card=False)
    return target


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    file = folder.parent / "onnx" / "model.onnx"
    export_onnx(folder, file, "fp32")
    return file


def test_onnx_gives_the_same_scores_for_texts_of_any_length(
    folder: Path, exported: Path, tiny: SentenceTransformer, small_set: RetrievalSet
) -> None:
    assert sorted(path.name for path in exported.parent.iterdir()) == ["model.onnx"]
    model = load_onnx(folder, exported)
    for texts in (TEXTS, TEXTS[:1]):
        np.testing.assert_allclose(model.encode(texts), tiny.encode(texts), atol=1e-5)
    ours, theirs = (evaluate_retrieval(m, small_set, [64, 16], batch_size=8).metrics for m in (model, tiny))
    for dim, metrics in theirs.items():
        assert ours[dim] == pytest.approx(metrics, abs=1e-6)


def test_int8_is_smaller_and_close(folder: Path, exported: Path, tiny: SentenceTransformer, tmp_path: Path) -> None:
    file = tmp_path / "onnx" / "model.onnx"
    export_onnx(folder, file, "int8")
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]
    assert file.stat().st_size < 0.7 * exported.stat().st_size
    model = load_onnx(folder, file)
    cosines = (model.encode(TEXTS) * tiny.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.99
    assert cosines.min() < 1


def test_a_missing_package_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert onnx_problems("int8") == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else object())
    assert onnx_problems(None) == []
    (problem,) = onnx_problems("fp32")
    assert problem.endswith("but onnxscript is missing. Run: pip install 'embedtune[onnx]'")


@pytest.mark.parametrize(("margin", "gate"), [(0.5, True), (0.0, False), (0.0, True)])
def test_the_gate_judges_the_file_against_the_weights_it_was_made_of(
    folder: Path, tiny: SentenceTransformer, small_set: RetrievalSet, tmp_path: Path, margin: float, gate: bool
) -> None:
    task = TaskData("small", "made here", (), {VALIDATION: small_set}, {})
    options = ReleaseConfig(onnx="fp32", gate=gate)
    config, objective = Config(model=ModelConfig(name="tiny")), Objective("cosine_map@100", 64)
    definition = define_study(config, task, objective)
    bench = Bench(task, tiny, 64, objective)
    case = Case(StudyPaths(tmp_path), definition, config, bench, "cpu", 64, options)
    scores = case.measure(tiny, VALIDATION)
    measured = Measured({RELEASED: {VALIDATION: scores}}, VALIDATION, case.groups(VALIDATION))
    product = Product(folder, TrialPaths(tmp_path), TrialRecord("s", 0, State.COMPLETE), None, ())  # type: ignore[arg-type]
    file = tmp_path / "model.onnx"
    if margin == 0 and gate:  # equal scores are not better
        with pytest.raises(
            ReleaseError, match=r"release\.onnx=fp32 must not be worse .* differs by [+-]0\.0000 on val"
        ):
            measure_onnx(case, product, measured, Criterion(margin=margin), file)
        return
    report = measure_onnx(case, product, measured, Criterion(margin=margin), file)
    assert report.passed == (margin > 0)
    assert report.file == file
    assert report.size == file.stat().st_size
    report = replace(report, comparison=replace(report.comparison, effect_size=math.inf))
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["comparison"]["effect_size"] is None
    assert document["comparison"]["interval"] == [report.comparison.interval.low, report.comparison.interval.high]
    assert document["comparison"]["mean"] == pytest.approx(0, abs=1e-6)
    assert list(document["metrics"]) == [VALIDATION]
