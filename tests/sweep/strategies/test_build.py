from __future__ import annotations

import numpy as np
import optuna
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from embedtune.config import conf_dir, register_schema
from embedtune.errors import ConfigError
from embedtune.sweep.strategies.build import build_sampler, build_strategy, with_groups, with_resource

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
    pruner = build_strategy("pruner", with_resource(composed("pruner", "pruner=hyperband"), 9))
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
    study = optuna.create_study(pruner=build_strategy("pruner", pruner))
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
        build_strategy("hydra.sweeper.pruner", {"_target_": "optuna.pruners.MedianPruner", "nonsense": 1})


def test_build_strategy_of_nothing_is_none() -> None:
    assert build_strategy("hydra.sweeper.pruner", {}) is None
