from __future__ import annotations

import shlex
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from embedtune.reporting.page.again import command_again

CONFIG: dict[str, Any] = {
    "model": {"name": "BAAI/bge-small-en", "revision": None, "trust_remote_code": False},
    "data": {"name": "x", "source": "files", "path": '/a b/it\'s "ü"/c,d', "splits": {}, "seed": 42},
    "train": {"batch_size": 20, "epochs": 2.0, "learning_rate": 5e-05, "device": "cuda"},
    "loss": {"name": "mnrl", "matryoshka": {"dims": [64, 32], "weights": {"32": 0.5}}},
    "eval": {"objective": "cosine_map@100", "dim": None, "batch_size": 32},
    "tracking": {"uri": "http://user:password@host"},
}
DEFINITION: dict[str, Any] = {
    "name": "my study", "kind": "sweep", "n_trials": 6,
    "space": {"train.learning_rate": "tag(log, interval(1e-5, 3e-4))"},
    "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": None, "multivariate": True},
    "pruner": {"_target_": "optuna.pruners.PatientPruner", "wrapped_pruner": {"_target_": "optuna.pruners.NopPruner"}},
}  # fmt: skip


def overrides_of(command: str) -> dict[str, Any]:
    """What Hydra reads; a later override of a key replaces an earlier one."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "embedtune"]
    parsed = OverridesParser.create().parse_overrides([word for word in words[3:] if not word.startswith("-")])
    return {str(override.key_or_group): override.value() for override in parsed}


def test_command_spells_out_every_choice() -> None:
    command = command_again(DEFINITION, CONFIG)
    assert command.startswith("python -m embedtune -m sweep=optuna 'study.name=\"my study\"' data=files ")
    said = overrides_of(command)
    assert said["model.name"] == "BAAI/bge-small-en"
    assert said["model.trust_remote_code"] is False
    assert said["data.path"] == CONFIG["data"]["path"]
    assert said["train.epochs"] == 2.0
    assert said["loss.matryoshka.dims"] == [64, 32]
    assert said["loss.matryoshka.weights.32"] == 0.5
    assert said["study.n_trials"] == 6
    assert said["hydra.sweeper.sampler"] == {
        "_target_": "optuna.samplers.TPESampler",
        "seed": None,
        "multivariate": True,
    }
    assert said["hydra.sweeper.pruner"]["wrapped_pruner"] == {"_target_": "optuna.pruners.NopPruner"}
    assert "train.learning_rate=tag(log, interval(1e-5, 3e-4))" in shlex.split(command)
    assert not {"train.device", "eval.batch_size", "data.name", "model.revision"} & set(said)
    assert "password" not in command


def test_command_without_pruner_and_matryoshka() -> None:
    loss = {"name": "mnrl", "matryoshka": None}
    said = overrides_of(command_again({**DEFINITION, "pruner": {}}, {**CONFIG, "loss": loss}))
    assert said["hydra.sweeper.pruner"] is None
    assert said["loss"] == "plain"


def test_command_of_a_single_configuration() -> None:
    command = command_again({**DEFINITION, "kind": "single", "space": {}}, CONFIG)
    said = overrides_of(command)
    assert said["train.learning_rate"] == 5e-05
    assert "sweep" not in said
    assert not any(key.startswith(("hydra", "study.n_trials")) for key in said)


def test_command_says_the_rules_of_the_search() -> None:
    rules = {
        "conditions": {"train.warmup_ratio": "train.scheduler=choice(cosine, polynomial)"},
        "constraints": ["train.batch_size * train.epochs <= 160", "128/cosine_map@100 >= 0.7"],
        "enqueue": [{"train.epochs": 3, "train.batch_sampler": "plain"}],
        "repeats": True,
        "warm_start": None,
    }
    said = overrides_of(command_again({**DEFINITION, **rules}, CONFIG))
    for key, value in rules.items():
        assert said.get(f"hydra.sweeper.{key}") == value
