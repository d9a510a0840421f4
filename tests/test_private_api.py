"""What embedtune uses of a library beyond its documented interface is there, and is used in one file a library."""

from __future__ import annotations

import copy
import importlib
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from sentence_transformers import SentenceTransformer

import structure
from embedtune.study.storage.journal import Journal
from embedtune.study.storage.optuna_private import DURABLE, queued_params, set_constraint, silent_trials
from embedtune.tracking import mlflow_private
from embedtune.tracking.mlflow_private import (
    LOGGED_ARTIFACTS_TAG,
    MODEL_VERSIONS_TAG,
    PLACES,
    TAGS,
    experiment_id,
    server_environment,
    shows_views,
)
from embedtune.tracking.place.relocate import columns
from embedtune.training.trainer_private import forget_training

MLFLOW = "tracking/mlflow_private.py"
TRAINER = "training/trainer_private.py"
ARTIFACTS = "mlflow.store.artifact.artifact_repository_registry"

PRIVATE = (
    # library, file, name as MODULE:ATTRIBUTE
    ("hydra", "config/hydra_private.py", "hydra.core.config_loader:ConfigLoader.load_sweep_config"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.overrides_parser:OverridesParser.create"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.overrides_parser:OverridesParser.parse_overrides"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:ChoiceSweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:IntervalSweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.get_key_element"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.is_choice_sweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.is_sweep_override"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.value"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:RangeSweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.plugins:Plugins.instantiate_launcher"),
    ("mlflow", MLFLOW, f"{ARTIFACTS}:get_artifact_repository"),
    ("mlflow", MLFLOW, "mlflow.store.artifact.artifact_repo:ArtifactRepository.delete_artifacts"),
    ("mlflow", MLFLOW, "mlflow.server.fastapi_app:app"),
    ("mlflow", MLFLOW, "mlflow.server.handlers:initialize_backend_stores"),
    ("optuna", "study/storage/optuna_private.py", "optuna.storages:RDBStorage._get_stale_trial_ids"),
    ("optuna", "study/storage/optuna_private.py", "optuna.storages.journal._storage:JournalOperation.CREATE_STUDY"),
    ("optuna", "study/storage/optuna_private.py", "optuna.storages.journal._storage:JournalOperation.CREATE_TRIAL"),
    (
        "optuna",
        "study/storage/optuna_private.py",
        "optuna.storages.journal._storage:JournalOperation.SET_TRIAL_STATE_VALUES",
    ),
    ("transformers", TRAINER, "transformers:Trainer._load_from_checkpoint"),
    ("transformers", TRAINER, "transformers:TrainingArguments._setup_devices"),
    ("transformers", TRAINER, "accelerate.utils:extract_model_from_parallel"),
    ("peft", "models/peft_private.py", "peft.tuners.tuners_utils:BaseTunerLayer.merge"),
    ("peft", "models/peft_private.py", "peft.tuners.tuners_utils:BaseTunerLayer.get_base_layer"),
    ("peft", "models/peft_private.py", "transformers.integrations.peft:PeftAdapterMixin._hf_peft_config_loaded"),
)

UNDOCUMENTED = {
    "hydra": r"(from|import) hydra\.(_internal|core\.(override_parser|config_loader|plugins)|plugins\.launcher)\b",
    "mlflow": r"(from|import) mlflow\.(server|store|utils|tracking\._)|[^#\n]*\"(_MLFLOW_|mlflow\.(shared|logged))",
    "optuna": r"(from|import) optuna[\w.]*\._|.*\._(storage|study_id|trial_id|get_stale_trial_ids)\b|.*fixed_params",
    "peft": r"\s*from peft\.tuners|[^#\n]*(_hf_peft_config_loaded|_weight_conversions)",
    "transformers": r"[^#\n]*\b(_n_gpu|_setup_devices|_is_accelerate_prepared)\b|def _load_from_checkpoint",
}
"""Library -> lines that use what no page of its documentation names."""


def find(address: str) -> Any:
    module, _, path = address.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("address", [address for _, _, address in PRIVATE])
def test_the_name_is_there(address: str) -> None:
    assert find(address) is not None


@pytest.mark.parametrize("library", UNDOCUMENTED)
def test_each_library_is_touched_in_one_file(library: str) -> None:
    allowed = {file for name, file, _ in PRIVATE if name == library}
    assert len(allowed) == 1
    assert set(_users(UNDOCUMENTED[library])) == allowed


def _users(pattern: str) -> Iterator[str]:
    for file in structure.modules(structure.PACKAGE).values():
        if re.search(rf"^\s*(?:{pattern})", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield file.relative_to(structure.PACKAGE).as_posix()


def test_constraints_set_through_the_storage_are_those_of_the_trial() -> None:
    study = optuna.create_study(storage=(storage := optuna.storages.InMemoryStorage()))
    study.ask()
    set_constraint(storage, storage.get_trial_id_from_study_id_trial_number(0, 0), "seconds <= 1", 0.5)
    assert study.trials[0].constraints == {"seconds <= 1": 0.5}


def test_a_queued_trial_tells_what_it_shall_take() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.25})
    assert dict(queued_params(study.trials[0])) == {"x": 0.25}


def test_a_trial_without_a_sign_of_life_is_silent(tmp_path: Path) -> None:
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/db", heartbeat_interval=1, grace_period=1)
    study = optuna.create_study(storage=storage)
    with warnings.catch_warnings(action="ignore"):  # heartbeats are meant for study.optimize, says Optuna
        for _ in range(3):
            study.ask()
    storage.record_heartbeat(storage.get_trial_id_from_study_id_trial_number(1, 1))
    assert silent_trials(storage, 1) == set()
    deadline = time.monotonic() + 10
    while not silent_trials(storage, 1) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert silent_trials(storage, 1) == {1}  # the others never gave one


def test_entries_of_a_journal_that_must_last_are_known(tmp_path: Path) -> None:
    written: list[Any] = []
    journal = Journal(tmp_path / "j")
    append = journal.append_logs
    journal.append_logs = lambda logs: (written.extend(logs), append(logs))[1]  # type: ignore[method-assign]
    study = optuna.create_study(storage=optuna.storages.JournalStorage(journal))
    trial = study.ask()
    trial.report(0.5, 1)
    study.tell(trial, 0.5)
    assert [log["op_code"] in DURABLE for log in written].count(True) == 3


def test_arguments_keep_their_devices_where_they_are_set(tmp_path: Path) -> None:
    from transformers import TrainingArguments

    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    assert arguments.device.type == "cpu"
    assert {"_n_gpu", "_setup_devices", "distributed_state"} <= set(vars(arguments))
    assert arguments.n_gpu == arguments._n_gpu
    assert hasattr(arguments.distributed_state, "device")


def test_accelerate_marks_a_model_that_it_prepared_and_forgetting_takes_all_away(tiny: SentenceTransformer) -> None:
    from accelerate import Accelerator

    model = copy.deepcopy(tiny)
    before = set(vars(model))
    Accelerator(mixed_precision="bf16", cpu=True).prepare(model)
    assert {"_is_accelerate_prepared", "_original_forward", "forward"} <= set(vars(model)) - before
    forget_training(model)
    assert set(vars(model)) == before
    assert model.forward.__func__ is type(model).forward


def test_mlflow_stores_have_the_tables_and_tags_that_are_read_past_it(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowClient(uri).create_experiment("mine")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert experiment_id(database, "mine") == "1"
        assert experiment_id(database, "another") is None
        used = {*PLACES, *((table, column) for table, *both in TAGS for column in both)}
        assert used <= columns(database)


def test_mlflow_reads_the_environment_that_its_server_is_given(tmp_path: Path) -> None:
    from mlflow import environment_variables
    from mlflow.server import constants

    known = {str(getattr(value, "name", value)) for module in (constants, environment_variables)
             for value in vars(module).values()}  # fmt: skip
    assert set(server_environment("sqlite:///x", tmp_path)) <= known


def test_mlflow_uses_the_tags_that_its_pages_read() -> None:
    from mlflow.utils import mlflow_tags

    assert mlflow_tags.MLFLOW_LOGGED_ARTIFACTS == LOGGED_ARTIFACTS_TAG
    assert mlflow_tags.MLFLOW_MODEL_VERSIONS == MODEL_VERSIONS_TAG


@pytest.mark.parametrize(("installed", "shown"), [("3.17.2", True), ("3.18.0", True), ("3.99.1", False)])
def test_saved_views_are_for_versions_of_mlflow_they_were_tested_with(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, installed: str, shown: bool
) -> None:
    monkeypatch.setattr(mlflow_private, "version", lambda _: installed)
    shows_views.cache_clear()
    with caplog.at_level("INFO"):
        assert [shows_views(), shows_views()] == [shown, shown]
    shows_views.cache_clear()
    assert len(caplog.records) == (0 if shown else 1)
