"""A search over base models whose embeddings differ in size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling

from embedtune.config import ModelConfig
from embedtune.models.load import load_model

Typed = Callable[..., Any]
QUICK = ("train.epochs=1", "train.precision=fp32", "model.max_seq_length=16", "train.device=cpu", "train.batch_size=15")
W = "loss.matryoshka.weights"


@pytest.fixture
def large(workdir: Path) -> str:
    """A folder with a model of 128 dimensions, twice as many as ``tiny`` has."""
    tiny = load_model(ModelConfig(name="tiny"), "cpu")
    modules = [tiny[0], Pooling(64, pooling_mode=("cls", "mean")), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(workdir / "large model"))
    return "large model"


def sweep(folder: Path, large: str, *more: str) -> list[str]:
    where = ("data=files", f"data.path={folder}", "model=tiny", f"model.name=choice(tiny, '{large}')")
    quiet = ("study.name=s", "study.workers=0", "format=json", "tracking.enabled=false")
    return ["-m", *QUICK, *where, *quiet, *more]


def test_each_model_has_the_weights_of_its_own_dimensions(
    typed: Typed, task_folder: Path, large: str, workdir: Path
) -> None:
    each = ("hydra.sweeper.params=null", f"{W}.each=choice(0.5, 1.0)", "study.n_trials=2")
    other = f"hydra.sweeper.enqueue=[{{model.name: '{large}'}}]"
    result = typed(*sweep(task_folder, large, "sweep=random", *each, other))
    assert result.status == 0, result.err
    searched = {
        trial["params"]["model.name"]: {key.rpartition(".")[2] for key in trial["params"] if key.startswith(W)}
        for trial in result.json["trials"]
    }
    assert searched == {"tiny": {"64", "32", "16", "8", "4"}, large: {"128", "64", "32", "16", "8"}}
    for entry in (*result.json["trials"], *result.json["baselines"]):
        is_large = entry.get("model", entry["params"].get("model.name")) == large
        assert entry["embedding_size"] == (128 if is_large else 64)
        assert entry["parameters"] == sum(own.numel() for own in load_model(ModelConfig("tiny"), "cpu").parameters())
        assert entry["passages_per_second"] > 0
    table = typed("leaderboard", "study.name=s").out
    assert {"size", "parameters", "passages/s"} <= set(table.split())
    assert typed("report", "study.name=s").status == 0
    page = (workdir / "sweeps" / "s" / "report.html").read_text(encoding="utf-8")
    assert "passages/s" in page
    assert [list(entry["metrics"]) for entry in result.json["baselines"]] == [
        ["64", "32", "16", "8", "4"], ["128", "64", "32", "16", "8"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed_keys", "said"),
    [
        (("loss.matryoshka.dims=[128,64]",), "loss.matryoshka.dims must not exceed the model's 64, but got 128"),
        ((f"{W}.128=0.5",), f"{W}.128 must be the weight of one of loss.matryoshka.dims, but got dims [64"),
        (("eval.dim=128",), "eval.dim must not exceed the model's 64, but got 128"),
        (
            (f"hydra.sweeper.conditions={{{W}.each: 'train.epochs=1'}}", f"{W}.each=choice(0.5, 1.0)"),
            "must be for base models that train the same dimensions, but got tiny: [64",
        ),
    ],
)
def test_what_does_not_fit_all_of_them_is_refused_before_anything_is_written(
    typed: Typed, task_folder: Path, large: str, workdir: Path, typed_keys: tuple[str, ...], said: str
) -> None:
    result = typed(*sweep(task_folder, large, "sweep=grid", "hydra.sweeper.params=null", *typed_keys))
    assert result.status == 2, result.err
    assert said in result.err
    assert not (workdir / "sweeps").exists()


def test_a_release_judges_each_model_at_its_own_full_size(
    typed: Typed, task_folder: Path, large: str, workdir: Path
) -> None:
    assert typed(*sweep(task_folder, large, "sweep=grid", "hydra.sweeper.params=null")).status == 0
    quiet = ("study.name=s", "tracking.enabled=false", "format=json", "release.gate=false")
    for number, dim in enumerate((64, 128)):
        answer = typed("release", *quiet, f"release.trial={number}", f"release.name=r{number}")
        assert answer.status == 0, answer.err
        decision, scores = answer.json["decision"], answer.json["scores"]["validation"]
        assert decision["dim"] == dim
        assert {one["name"]: one["dim"] for one in decision["candidates"]} == {
            f"trial {number}": dim, "untuned tiny": 64, f"untuned {large}": 128,
        }  # fmt: skip
        chosen = next(one["value"] for one in decision["candidates"] if one["chosen"])
        assert chosen == pytest.approx(scores[str(dim)]["cosine_map@100"], abs=1e-9)
        assert SentenceTransformer(answer.json["folder"], device="cpu").get_embedding_dimension() == dim
        card = (Path(answer.json["folder"]) / "README.md").read_text(encoding="utf-8")
        assert "- **Parameters:** 84,480" in card
        assert "passages of the validation data a second" in card
        assert f"at {dim} dimensions; models of another size at their own full size" in card
    smaller = typed("release", *quiet, "release.trial=1", "release.name=small", "release.dim=16")
    assert smaller.json["decision"]["dim"] == 16
    assert not any("dim" in one for one in smaller.json["decision"]["candidates"]), "all are judged at one size"
    refused = typed("release", *quiet, "release.trial=0", "release.name=tiny", "release.dim=4")
    assert refused.status == 2
    assert (
        f"release.dim must be a size at which every base model was measured, but got 4; there is untuned {large} at"
        in refused.err
    )
