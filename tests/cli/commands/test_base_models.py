"""A search over base models: the default one is trial 0, and each is measured untuned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from embedtune import load_study
from embedtune.config import ModelConfig
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths
from embedtune.ranking import best_untuned, untuned_of
from embedtune.study.default_trial import default_trial

Typed = Callable[..., Any]
QUICK = (
    "sweep=grid", "loss=plain", "train.epochs=0.1", "train.precision=fp32", "model.max_seq_length=16",
    "train.learning_rate=5e-5", "train.batch_size=20",
)  # fmt: skip


def sweep(folder: Path, *more: str) -> list[str]:
    where = ("data=files", f"data.path={folder}", "train.device=cpu", "study.name=s", "study.workers=0", "format=json")
    return ["-m", *QUICK, *where, *more]


@pytest.mark.slow
def test_a_group_of_models_is_searched_from_its_default_and_each_is_measured_untuned(
    typed: Typed, task_folder: Path, workdir: Path
) -> None:
    result = typed(*sweep(task_folder, "model=choice(tiny, minilm)"))
    assert result.status == 0, result.err
    assert "outside the space" not in result.err
    first = next(entry for entry in result.json["trials"] if entry["number"] == 0)
    assert first["params"] == {"model": "minilm"}
    assert result.json["baseline"]["number"] == -1
    assert [(entry["model"], entry["number"]) for entry in result.json["baselines"]] == [("minilm", -1), ("tiny", -2)]
    assert all(entry["interval"] and entry["run_id"] for entry in result.json["baselines"])

    loaded = load_study("s", workdir / "sweeps")
    default = default_trial(loaded.paths, loaded.definition, loaded.trials)
    assert default is not None
    assert default.number == 0
    assert loaded.baseline == loaded.baselines[0]
    assert [untuned.name for untuned in loaded.baselines] == ["baseline", "baseline-tiny"]
    assert len(loaded.evaluations(-2)) == 1
    assert untuned_of(default, loaded.baselines) == loaded.baseline
    assert best_untuned(loaded.baselines) == max(loaded.baselines, key=lambda record: record.value or 0)
    client = MlflowClient(f"sqlite:///{workdir}/mlruns/mlflow.db")
    runs = {record.name: client.get_run(str(record.run_id)).data.tags for record in loaded.baselines}
    assert {tags["embedtune.kind"] for tags in runs.values()} == {"baseline"}
    assert runs["baseline-tiny"]["mlflow.runName"] == "s-baseline-tiny"
    assert runs["baseline-tiny"]["mlflow.parentRunId"] == runs["baseline"]["mlflow.parentRunId"]

    again = typed(*sweep(task_folder, "model=choice(tiny, minilm)"))
    assert again.json == result.json
    assert typed("sync", "format=json").json["delivered"] == {"s": 4}
    released = typed("release", "study.name=s", "release.gate=false", "format=json")
    assert released.status == 0, released.err
    assert "not compared" not in released.err
    page = typed("report", "study.name=s")
    assert page.status == 0, page.err
    assert "the default recipe" in page.out


def test_models_in_folders_are_measured_untuned_too(typed: Typed, task_folder: Path, workdir: Path) -> None:
    other = load_model(ModelConfig(name="tiny"), "cpu")
    for weights in other[0].parameters():
        weights.data *= 1.5
    other.save(str(workdir / "my model"))
    names = "model.name=choice(tiny, 'my model')"
    searched = ("model=tiny", names, "loss=choice(plain, matryoshka)", "study.n_trials=1")
    result = typed(*sweep(task_folder, *searched, "tracking.enabled=false"))
    assert result.status == 0, result.err
    assert [entry["model"] for entry in result.json["baselines"]] == ["tiny", "my model"]
    assert "outside the space" not in result.err
    (trial,) = result.json["trials"]
    assert trial["params"] == {"model.name": "tiny", "loss": "matryoshka"}
    loaded = load_study("s", workdir / "sweeps")
    assert default_trial(loaded.paths, loaded.definition, loaded.trials) == loaded.trials[0]
    study = StudyPaths(workdir / "sweeps" / "s")
    assert study.untuned("my-model").scores.is_file()
    assert study.baseline.scores.is_file()


def test_a_release_must_beat_its_own_base_model_and_the_best_untuned_one(
    typed: Typed, task_folder: Path, workdir: Path
) -> None:
    other = load_model(ModelConfig(name="tiny"), "cpu")
    for weights in other[0].parameters():
        weights.data *= 1.5
    other.save(str(workdir / "my model"))
    names = "model.name=choice(tiny, 'my model')"
    assert typed(*sweep(task_folder, "model=tiny", names, "tracking.enabled=false")).status == 0
    loaded = load_study("s", workdir / "sweeps")
    best = best_untuned(loaded.baselines)
    assert best is not None
    judged = {}
    for trial in loaded.trials:
        quiet = ("tracking.enabled=false", "format=json", "release.gate=false", f"release.name=r{trial.number}")
        answer = typed("release", "study.name=s", f"release.trial={trial.number}", *quiet)
        assert answer.status == 0, answer.err
        found = answer.json["decision"]
        candidates = [entry["name"] for entry in found["candidates"] if entry["kind"] == "untuned"]
        assert sorted(candidates) == ["untuned my model", "untuned tiny"]
        judged[trial.params["model.name"]] = [entry["against"] for entry in found["comparisons"]]
        scores = Path(answer.json["folder"]) / "evidence" / "scores-best-untuned-test.parquet"
        assert scores.is_file() == (untuned_of(trial, loaded.baselines) != best)
    rival = f"best untuned model, {best.base[0]}"
    (loser,) = {"tiny", "my model"} - {best.base[0]}
    assert judged == {best.base[0]: ["untuned model"], loser: ["untuned model", rival]}


def test_one_base_model_has_one_baseline(typed: Typed, task_folder: Path, workdir: Path) -> None:
    result = typed(*sweep(task_folder, "model=tiny", "train.batch_size=choice(30)", "tracking.enabled=false"))
    assert "baselines" not in result.json
    assert not (workdir / "sweeps" / "s" / "baselines").exists()


@pytest.mark.parametrize("command", [(), ("-m", "sweep=random", "train.batch_size=choice(20, 30)", "study.n_trials=1")])
def test_what_changed_begins_a_new_study_where_that_is_asked_for(
    typed: Typed, task_folder: Path, workdir: Path, command: tuple[str, ...]
) -> None:
    """A search, and configurations run one by one."""
    where = ("data=files", f"data.path={task_folder}", "model=tiny", "loss=plain", "train.epochs=1", "study.name=s")
    common = [*command, *where, "train.device=cpu", "tracking.enabled=false", "study.workers=0", "format=json"]
    assert typed(*common).status == 0
    refused = typed(*common, "model.max_seq_length=16")
    assert refused.status == 2
    assert "model.max_seq_length was None, now 16" in refused.err
    assert "add study.on_change=new" in refused.err
    assert typed(*common, "model.max_seq_length=16", "study.on_change=new").json["study"] == "s-2"
    assert typed(*common, "model.max_seq_length=16", "study.on_change=new").json["study"] == "s-2"
    assert sorted(path.name for path in (workdir / "sweeps").iterdir()) == ["s", "s-2"]
