from __future__ import annotations

import math

import pytest

from embedtune.errors import ReleaseError
from embedtune.release.export.evidence import check_reproduced


def scores(value: float) -> dict[str, dict[str, float]]:
    return {"64": {"cosine_map@100": value}}


def test_scores_are_reproduced_within_the_tolerance() -> None:
    check_reproduced(scores(0.5), scores(0.5 + 9e-7) | {"32": {}})


@pytest.mark.parametrize("again", [scores(0.5 + 2e-6), scores(math.nan), {"64": {}}, {"32": {"cosine_map@100": 0.5}}])
def test_scores_that_differ_or_are_no_numbers_are_refused(again: dict[str, dict[str, float]]) -> None:
    with pytest.raises(ReleaseError, match="the checkpoint must"):
        check_reproduced(scores(0.5), again)
