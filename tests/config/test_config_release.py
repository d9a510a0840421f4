"""The rules of what a release is exported as, and of a reproduction."""

from __future__ import annotations

from typing import Any

import pytest

from embedtune.config import Config, ReleaseConfig, ReproduceConfig, problems

BROKEN = [
    ({"alias": "champion"}, "release.alias must not be given by hand, but got champion. "),
    ({"alias": "previous_champion"}, "release.alias must not be given by hand, but got previous_champion. "),
    ({"onnx": "int4"}, "release.onnx must be null, fp32 or int8, but got int4. "),
    ({"push_to_hub": "rights"}, "release.push_to_hub must be ORGANISATION/NAME, but got rights. "),
    ({"push_to_hub": "https://hub/a/b"}, "release.push_to_hub must be ORGANISATION/NAME, but got https://hub/a/b. "),
    ({"license": "Apache 2.0"}, "release.license must be an identifier of a licence, but got Apache 2.0. "),
    ({"language": False}, "release.language must be a code such as en, or a list of them, but got False. "),
    ({"language": ["en", "English"]}, "release.language must be a code such as en, or a list of them, but got ['en', "),
]
FINE: list[dict[str, Any]] = [
    {"onnx": "int8", "push_to_hub": "team/rights-2.0", "license": "cc-by-4.0", "language": "en"},
    {"onnx": "fp32", "license": "other", "language": ["pt-BR", "multilingual", "code", "deu"], "alias": "staging"},
]


@pytest.mark.parametrize(("values", "start"), BROKEN)
def test_a_broken_rule_is_the_one_problem(values: dict[str, Any], start: str) -> None:
    (problem,) = problems(Config(release=ReleaseConfig(**values)))
    assert problem.startswith(start)


@pytest.mark.parametrize("values", FINE)
def test_what_hubs_know_is_taken(values: dict[str, Any]) -> None:
    assert problems(Config(release=ReleaseConfig(**values))) == []


@pytest.mark.parametrize("tolerance", [-1e-9, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_from_0(tolerance: float) -> None:
    (problem,) = problems(Config(reproduce=ReproduceConfig(tolerance)))
    assert problem.startswith("reproduce.tolerance must be at least 0, but got ")
