"""A recorded configuration is data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.config import Config, Kernels, plain
from embedtune.config.restore import restore_config
from embedtune.errors import ConfigError


def recorded(**sections: Any) -> dict[str, Any]:
    values: dict[str, Any] = plain(Config())
    for section, changes in sections.items():
        values[section] = {**values[section], **changes} if isinstance(changes, dict) else changes
    return values


def restored(**sections: Any) -> Config:
    return restore_config(recorded(**sections), trust_remote_code=False)


def test_what_was_recorded_comes_back() -> None:
    assert restored() == Config()
    weights = {"dims": [64, 32], "weights": {"32": 0.5}}
    config = restored(train={"epochs": 3, "precision": "bf16"}, loss={"matryoshka": weights}, eval={"every": 0.5})
    assert plain(config)["loss"]["matryoshka"] == weights
    assert (config.train.epochs, config.train.precision.value, config.eval.every) == (3.0, "bf16", 0.5)
    assert restored(loss={"matryoshka": None}).loss.matryoshka is None


@given(st.sampled_from(["${oc.env:HOME}", "${paths.sweeps}", "${", "???", "\\${x}", "$", "a\\"]))
def test_nothing_is_interpolated(text: str) -> None:
    config = restored(data={"source": "files", "path": text}, model={"name": text, "revision": text})
    assert (config.data.path, config.model.name, config.model.revision) == (text, text, text)


def test_a_target_is_an_unknown_key() -> None:
    with pytest.raises(ConfigError, match=r"model\._target_ is not known"):
        restored(model={"_target_": "os.system"})


def test_code_of_a_model_is_allowed_by_the_command_alone() -> None:
    trusting = recorded(model={"trust_remote_code": True, "name": "theirs/model"})
    with pytest.raises(ConfigError, match=r"model.trust_remote_code must be allowed by this command") as caught:
        restore_config(trusting, trust_remote_code=False)
    assert "theirs/model" in str(caught.value)
    assert restore_config(trusting, trust_remote_code=True).model.trust_remote_code
    assert restore_config(recorded(), trust_remote_code=True).model.trust_remote_code


def test_all_that_is_wrong_is_said() -> None:
    with pytest.raises(ConfigError, match=r"train.epochs must be a number, but is 'x'.*eval must be a mapping"):
        restored(train={"epochs": "x"}, eval=[])
    with pytest.raises(ConfigError, match=r"train.epochs must be above 0"):
        restored(train={"epochs": -1})


def test_what_was_done_before_a_key_existed_is_done_again() -> None:
    values = recorded()
    del values["train"]["kernels"]
    assert restore_config(values, trust_remote_code=False).train.kernels is Kernels.stock
    assert restored(train={"kernels": "auto"}).train.kernels is Kernels.auto
