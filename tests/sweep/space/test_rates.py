"""Which learning rates are searched with which base models."""

from __future__ import annotations

import pytest

from embedtune.config import Config, LearningRatesConfig, ModelConfig
from embedtune.errors import ConfigError
from embedtune.sweep.space.rates import RATE, with_rates

USUAL = Config()
WORDS = Config(model=ModelConfig(learning_rates=LearningRatesConfig(2e-2, "interval(1e-3, 3e-1)", "choice(1e-2)")))


@pytest.mark.parametrize("kind", ["search", "grid"])
def test_the_rates_are_those_of_the_models_searched(kind: str) -> None:
    searched = {"model": "choice(a, b)", RATE: getattr(USUAL.model.learning_rates, kind)}
    assert with_rates(searched, USUAL, []) == searched
    assert with_rates(searched, USUAL, [("a", USUAL), ("b", USUAL)]) == searched
    theirs = {**searched, RATE: getattr(WORDS.model.learning_rates, kind)}
    assert with_rates(searched, USUAL, [("a", WORDS), ("b", WORDS)]) == theirs


def test_models_that_learn_in_different_ranges_need_a_typed_one() -> None:
    usual = USUAL.model.learning_rates.search
    with pytest.raises(ConfigError, match=r"one range, but .* a in tag\(.*\); b in interval\(1e-3, 3e-1\)"):
        with_rates({RATE: usual}, USUAL, [("a", USUAL), ("b", WORDS)])
    for others in ({RATE: "interval(1e-5, 3e-1)"}, {}):
        assert with_rates(others, USUAL, [("a", USUAL), ("b", WORDS)]) == others
