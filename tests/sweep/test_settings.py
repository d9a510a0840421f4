from __future__ import annotations

from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from embedtune.config import conf_dir, register_schema
from embedtune.errors import ConfigError
from embedtune.sweep.settings import check_settings


def sweeper_of(*overrides: str) -> Any:
    register_schema()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", list(overrides), return_hydra_config=True)
    return OmegaConf.to_container(cfg.hydra.sweeper)


@pytest.mark.parametrize("sweep", ["optuna", "random", "grid", "pareto"])
def test_every_sweep_has_settings_that_can_be_read(sweep: str) -> None:
    check_settings(sweeper_of(f"sweep={sweep}"))
    check_settings(sweeper_of(f"sweep={sweep}", "hydra.sweeper.params=null", "hydra.sweeper.sampler=null"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sampler", "tpe"), ("pruner", [1]), ("params", "x"), ("conditions", ["a"]), ("constraints", {"a": 1}),
        ("constraints", 5), ("enqueue", "x"), ("enqueue", {"train.epochs": 3}), ("warm_start", "../x"),
        ("warm_start", 5), ("warm_start_trials", -1), ("worker", "cpu"), ("worker", -1), ("worker", True),
        ("sampler", {1: 2}),
    ],
)  # fmt: skip
def test_another_form_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^hydra\.sweeper\.{name} must be"):
        check_settings({"warm_start_trials": 3, name: value})


def test_every_setting_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings({"sampler": 1, "params": 2, "warm_start_trials": 3, "worker": "x"})
    assert len(str(caught.value).splitlines()) == 3
