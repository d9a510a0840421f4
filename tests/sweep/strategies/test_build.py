from __future__ import annotations

import sys
from typing import Any

import numpy as np
import optuna
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from embedtune.config import conf_dir, register_schema
from embedtune.errors import ConfigError
from embedtune.sweep.strategies.build import PRUNER, SAMPLER, build_sampler, build_strategy, with_groups, with_resource
from embedtune.sweep.strategies.grid import GridSampler
from embedtune.sweep.strategies.query_pruner import QueryPruner

SAMPLERS = sorted(path.stem for path in (conf_dir() / "sampler").glob("*.yaml"))
PRUNERS = sorted(path.stem for path in (conf_dir() / "pruner").glob("*.yaml"))


def composed(key: str, *overrides: str) -> dict[str, object]:
    register_schema()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["sweep=optuna", *overrides], return_hydra_config=True)
    values = OmegaConf.to_container(cfg.hydra.sweeper[key])
    assert isinstance(values, dict)
    return {str(name): value for name, value in values.items()}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_searches(name: str) -> None:
    sampler = build_sampler(composed("sampler", f"sampler={name}"), 1)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.NopPruner())
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_categorical("y", [0, 1]), n_trials=7)
    assert len(study.trials) == 7


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_takes_parameters_that_come_and_go(name: str) -> None:
    sampler = build_sampler(with_groups(composed("sampler", f"sampler={name}")), 1)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.NopPruner())

    def objective(trial: optuna.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["plain", "deep"])
        return trial.suggest_float("depth", 0, 1) if kind == "deep" else trial.suggest_float("width", 0, 1)

    study.optimize(objective, n_trials=9)
    assert {len(trial.params) for trial in study.trials} == {2}


def test_with_groups_is_for_multivariate_tpe() -> None:
    assert with_groups({"multivariate": True}) == {"group": True, "multivariate": True}
    assert with_groups({"multivariate": True, "group": False}) == {"group": False, "multivariate": True}
    assert with_groups({"seed": 1}) == {"seed": 1}
    assert with_groups({}) == {}


def test_with_resource_fills_in_auto() -> None:
    hyperband = composed("pruner", "pruner=hyperband")
    assert hyperband["max_resource"] == "auto"
    filled = with_resource(hyperband, 12)
    assert filled["max_resource"] == 12
    assert with_resource({"max_resource": 5}, 12) == {"max_resource": 5}
    assert with_resource({"max_resource": "auto", "min_resource": 3}, 1) == {"max_resource": 3, "min_resource": 3}
    assert with_resource({}, 12) == {}


def test_hyperband_with_its_resource_prunes_before_any_trial_is_complete() -> None:
    pruner = build_strategy(PRUNER, with_resource(composed("pruner", "pruner=hyperband"), 9))
    study = optuna.create_study(direction="maximize", pruner=pruner)
    pruned = 0
    for value in np.linspace(0.9, 0.1, 12):
        trial = study.ask()
        for ordinal in range(1, 10):
            trial.report(float(value), ordinal)
            pruned += trial.should_prune()
    assert pruned > 0
    assert all(trial.state == optuna.trial.TrialState.RUNNING for trial in study.trials)


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_decides(name: str) -> None:
    pruner = with_resource(composed("pruner", f"pruner={name}"), 4)
    study = optuna.create_study(pruner=build_strategy(PRUNER, pruner))
    for value in (0.9, 0.9, 0.9, 0.9, 0.9, 0.05):
        trial = study.ask()
        for ordinal in (1, 2, 3, 4):
            trial.report(value, ordinal)
            trial.should_prune()
        study.tell(trial, value)
    if name == "none":
        assert not trial.should_prune()


def test_build_sampler_moves_the_seed_on() -> None:
    def first(shift: int) -> float:
        sampler = build_sampler(composed("sampler", "sampler=random"), shift)
        return optuna.create_study(sampler=sampler).ask().suggest_float("x", 0, 1)

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_build_strategy_names_what_is_wrong() -> None:
    with pytest.raises(
        ConfigError, match=r"hydra\.sweeper\.pruner must be a class and its arguments, but got .*nonsense"
    ):
        build_strategy(PRUNER, {"_target_": "optuna.pruners.MedianPruner", "nonsense": 1})


def test_build_strategy_of_nothing_is_none() -> None:
    assert build_strategy(PRUNER, {}) is None


FOREIGN = [
    "torch.load", "joblib.load", "shutil.copyfile", "os.system", "os.posix_spawn", "subprocess.Popen", "builtins.exec",
    "pickle.loads", "hydra.utils.get_method", "optuna.samplers.np.load", "optuna.samplers._tpe.sampler.np.load",
    "optuna.storages.JournalStorage", "optuna.create_study", "optuna.samplers.intersection_search_space", "optuna",
    "embedtune.sweep.__getattr__", "embedtune.archive.read_records", "", ".", "nothing", "optuna.samplers.", "None",
    "optuna.samplers.nothing.There", "a module of mine.Sampler", "optuna.samplersx.Sampler",
]  # fmt: skip


@pytest.mark.parametrize("address", FOREIGN)
def test_only_classes_of_optuna_and_embedtune_are_made(address: str) -> None:
    before = set(sys.modules)
    for key in (SAMPLER, PRUNER):
        with pytest.raises(ConfigError, match=rf"{key}\._target_ must be a (sampler|pruner) of Optuna or embedtune"):
            build_strategy(key, {"_target_": address, "f": "x"})
    assert {name.partition(".")[0] for name in set(sys.modules) - before} <= {"optuna"}


def test_a_nested_class_is_judged_too() -> None:
    patient = {"_target_": "optuna.pruners.PatientPruner", "patience": 1}
    with pytest.raises(ConfigError, match=r"hydra\.sweeper\.pruner\.wrapped_pruner\._target_ must be .* torch\.load"):
        build_strategy(PRUNER, {**patient, "wrapped_pruner": {"_target_": "torch.load", "f": "x"}})
    nested = {**patient, "wrapped_pruner": {"_target_": "embedtune.sweep.query_pruner.QueryPruner"}}
    assert isinstance(build_strategy(PRUNER, nested)._wrapped_pruner, QueryPruner)


def test_a_sampler_is_no_pruner_and_takes_its_parts() -> None:
    with pytest.raises(ConfigError, match="must be a pruner of Optuna or embedtune"):
        build_strategy(PRUNER, {"_target_": "optuna.samplers.TPESampler"})
    crossover = {"_target_": "optuna.samplers.nsgaii.UniformCrossover"}
    values = {"_target_": "optuna.samplers.NSGAIISampler", "crossover": crossover}
    assert isinstance(build_strategy(SAMPLER, values), optuna.samplers.NSGAIISampler)


@pytest.mark.parametrize("values", [{"seed": "x"}, {"_target_": "optuna.samplers.RandomSampler", "seed": "x"}])
def test_what_is_no_strategy_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"hydra\.sweeper\.sampler"):
        optuna.create_study(sampler=build_sampler(with_groups(values), 1)).ask().suggest_float("x", 0, 1)


def test_strategies_of_older_studies_have_their_new_address() -> None:
    assert isinstance(build_strategy(SAMPLER, {"_target_": "embedtune.sweep.asking.GridSampler"}), GridSampler)
