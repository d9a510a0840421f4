from __future__ import annotations

import optuna
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from embedtune.config import conf_dir, register_schema
from embedtune.errors import ConfigError
from embedtune.sweep.strategies import build_sampler, build_strategy

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


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_decides(name: str) -> None:
    study = optuna.create_study(pruner=build_strategy("pruner", composed("pruner", f"pruner={name}")))
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


def test_build_strategy_none_stays_none() -> None:
    assert build_strategy("hydra.sweeper.pruner", None) is None
