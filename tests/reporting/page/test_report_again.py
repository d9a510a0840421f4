from __future__ import annotations

import shlex
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from embedtune.config import conf_dir, plain, register_schema, to_config
from embedtune.config.grammar import parse, quote, verbatim
from embedtune.records import StudyDefinition
from embedtune.reporting.page.again import command_again
from embedtune.sweep.space.space import build_space, split_arguments

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


def defined(values: dict[str, Any]) -> StudyDefinition:
    rest = {"objective": "cosine_map@100", "dim": 64, "data": {"name": "d", "source": "x"}, "model": {"name": "tiny"}}
    return StudyDefinition.from_dict({**rest, **values})


def overrides_of(command: str) -> dict[str, Any]:
    """What Hydra reads; a later override of a key replaces an earlier one."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "embedtune"]
    parsed = parse([word for word in words[3:] if not word.startswith("-")])
    return {str(override.key_or_group): override.value() for override in parsed}


def test_command_spells_out_every_choice() -> None:
    command = command_again(defined(DEFINITION), CONFIG)
    assert command.startswith("python -m embedtune -m sweep=optuna hydra.sweeper.params=null ")
    assert "'study.name=\"my study\"' data=files " in command
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
    said = overrides_of(command_again(defined({**DEFINITION, "pruner": {}}), {**CONFIG, "loss": loss}))
    assert said["hydra.sweeper.pruner"] is None
    assert said["loss"] == "plain"


def test_command_of_a_single_configuration() -> None:
    command = command_again(defined({**DEFINITION, "kind": "single", "space": {}}), CONFIG)
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
    said = overrides_of(command_again(defined({**DEFINITION, **rules}), CONFIG))
    for key, value in rules.items():
        assert said.get(f"hydra.sweeper.{key}") == value


def study_of(words: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The definition and the recipe of the study that a command describes, by the real composition."""
    register_schema()
    overrides = [word for word in words if word != "-m"]
    plain_ones = [word for word in overrides if not parse([word])[0].is_sweep_override()]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = compose("config", plain_ones, return_hydra_config=True).hydra
        sweeper: Any = OmegaConf.to_container(hydra.sweeper, resolve=True)
        mine = [word for word in overrides if not word.lstrip("+~").startswith("hydra.")]
        fixed, searched = split_arguments(mine, sweeper.get("params") or {})
        config = to_config(compose("config", fixed))
    space = build_space(fixed, searched, (64, 32), sized=True)
    definition = {
        "name": config.study.name, "kind": "sweep" if "-m" in words else "single", "n_trials": config.study.n_trials,
        "space": dict(space.texts), "sampler": sweeper.get("sampler"), "pruner": sweeper.get("pruner"),
        **{key: sweeper.get(key) for key in ("conditions", "constraints", "repeats", "enqueue", "warm_start")},
    }  # fmt: skip
    recipe = plain(config)
    return definition, {group: recipe[group] for group in ("model", "data", "train", "loss", "eval")}


def assert_recomposed(words: list[str]) -> None:
    definition, recipe = study_of(words)
    command = command_again(defined(definition), recipe)
    assert study_of(shlex.split(command)[3:]) == (definition, recipe), command


@pytest.mark.parametrize(
    "typed",
    [
        ["sweep=optuna"],
        ["sweep=grid"],
        ["sweep=grid", "study.n_trials=8", "train.epochs=choice(1, 2)"],
        ["sweep=random"],
        ["sweep=pareto"],
        ["sweep=pareto", "eval.second=dimension", "eval.dim=choice(32, 64)"],
        ["sweep=optuna", "sampler=grid", "pruner=none", "train.learning_rate=choice(1e-5, 2e-5)"],
        ["sweep=optuna", "sampler=gp", "pruner=halving", "hydra.sweeper.pruner.reduction_factor=4"],
        ["sweep=optuna", "hydra.sweeper.sampler=null", "hydra.sweeper.pruner=null"],
        ["sweep=optuna", "pruner=patient", "data.max_train=null", "loss=plain"],
        ["sweep=optuna", "model=choice(minilm, tiny)", "train.seed=7"],
        ["sweep=optuna", "loss=choice(matryoshka, plain)", "loss.scale=30", "hydra.sweeper.params=null"],
        ["sweep=optuna", "model.name=choice('wörk/a', 'a=b', '~/m', 'a,b', '[x]')", "train.epochs=2"],
        [
            "sweep=optuna",
            "loss.matryoshka.weights.32=0.5",
            "loss.matryoshka.dims=[64,32]",
            "hydra.sweeper.repeats=true",
        ],
        ["sweep=optuna", "hydra.sweeper.conditions={train.epochs:'train.scheduler=choice(cosine, linear)'}"],
        ["sweep=optuna", "hydra.sweeper.enqueue=[{train.epochs:3,train.batch_sampler:plain}]"],
    ],
    ids=" ".join,
)
def test_the_command_recomposes_what_was_run(typed: list[str]) -> None:
    assert_recomposed(["-m", "study.name=s", *typed])


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text != "???")


@settings(max_examples=12, deadline=None)
@given(text=TEXTS | st.sampled_from(["a\\", "true", "null", "1e3", "it's", "${x}", "[a,b]", " "]), single=st.booleans())
def test_the_command_of_any_data_and_model_recomposes_it(text: str, single: bool) -> None:
    typed = quote(verbatim(text))
    words = [
        "study.name=s",
        "data=files",
        *(f"{key}={typed}" for key in ("data.path", "data.extra.more", "model.name")),
    ]
    assert_recomposed([*([] if single else ["-m", "sweep=grid"]), *words])
