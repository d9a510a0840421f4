"""Names that something would interpret (URLs, patterns, format strings, shells, SQL) are names and nothing else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedtune import archive
from embedtune.cli.main import main
from embedtune.config import TrackingConfig
from embedtune.paths import Workspace
from embedtune.tracking import Store, deliver_checkpoints, deliver_trial, open_store, peek_store
from embedtune.tracking.place.owner import local_path
from embedtune.tracking.place.uri import artifact_folder, store_file

if TYPE_CHECKING:
    from mlflow import MlflowClient

ODD = (
    "p%41b", "%2e", "a#b", "a?b", "a?b=c", "a b", "ü", "[x]", "{y}", "${z}", "a'b\"c", "100%", "-x", "x.", "a;b",
    "a\\b", "*", "~", "a@b:c", "a&b", "L" * 200,
)  # fmt: skip
ALL_AT_ONCE = "p%41b a#b?c=d [x]{y} ü 'q\" 100% -"


def folders(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def check(root: Path, made: Any, client: MlflowClient, experiment: str = "embedtune") -> None:
    """The record of a trial and its weights arrive below ``root``, and nothing arrives elsewhere."""
    space, config = folders(root), TrackingConfig(experiment=experiment)
    study = space.study("mine")
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    store = open_store(config, space)
    run_id = deliver_trial(store, study.trial(0), parent_run_id=None)
    deliver_checkpoints(store, study, archive.read_all(study))
    assert store.file == space.mlruns / "mlflow.db"
    peeked = peek_store(config, space)
    assert peeked is not None
    assert peeked.experiment_id == store.experiment_id
    with closing(sqlite3.connect(space.mlruns / "mlflow.db")) as database:
        (place,) = database.execute("SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
    assert "config.yaml" in {item.path for item in type(client)(store.uri).list_artifacts(run_id)}
    assert (local_path(place) or Path()).joinpath("config.yaml").is_file()
    assert len(list(space.artifacts.rglob("model.safetensors"))) == 1
    assert [path.name for path in root.parent.iterdir()] == [root.name]


def test_a_store_below_an_odd_name_holds_the_record(tmp_path: Path, made: Any, client: MlflowClient) -> None:
    check(tmp_path / "in" / ALL_AT_ONCE, made, client)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_a_store_below_each_odd_name_holds_the_record(
    tmp_path: Path, made: Any, client: MlflowClient, name: str
) -> None:
    check(tmp_path / "in" / name, made, client)


@pytest.mark.parametrize("experiment", ["..", ALL_AT_ONCE, "ü" * 500, "a/../../b"])
def test_an_experiment_of_an_odd_name_keeps_its_files_below_the_artifacts(
    store: Store, workspace: Workspace, experiment: str
) -> None:
    opened = open_store(TrackingConfig(experiment=experiment), workspace)
    assert opened.experiment_id != store.experiment_id
    assert (workspace.mlruns / artifact_folder(experiment)).is_dir()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=500))
@example("..")
@example(".")
def test_the_folder_of_an_experiment_is_one_folder_that_a_disk_takes(experiment: str) -> None:
    parent, _, name = artifact_folder(experiment).partition("/")
    assert parent == "artifacts"
    assert "/" not in name
    assert name.strip(".")
    assert len(os.fsencode(name)) <= 255 or len(name) <= 100


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=40))
def test_the_own_store_is_where_it_is_said_to_be_and_addresses_come_back(name: str) -> None:
    space = folders(Path("/work") / quote(name, safe=" %#?[]{}'\"") / "x")
    assert store_file(TrackingConfig(), space) == space.mlruns / "mlflow.db"
    path = Path("/work") / name / "x"
    assert local_path(path.as_uri()) == path


@pytest.mark.slow
def test_a_sweep_in_a_folder_of_an_odd_name_is_recorded_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    work = tmp_path / ALL_AT_ONCE
    work.mkdir()
    monkeypatch.chdir(work)
    data = "".join(f'{{"anchor": "where is {i}", "positive": "the thing {i} is there"}}\n' for i in range(40))
    (work / "d%41 #?[x].jsonl").write_text(data, encoding="utf-8")
    status = main([
        "-m", "sweep=optuna", "model=tiny", "data=files", "data.path='d%41 #?[x].jsonl'", "train.device=cpu",
        "train.epochs=1", "study.name=mine", "study.n_trials=1", "sampler=random", "pruner=none",
    ])  # fmt: skip
    said = capfd.readouterr().err
    assert status == 0, said
    assert "Not delivered" not in said
    with closing(sqlite3.connect(work / "mlruns" / "mlflow.db")) as database:
        (runs,) = database.execute("SELECT count(*) FROM runs").fetchone()
    assert runs == 3
    assert [path.name for path in tmp_path.iterdir()] == [work.name]
