from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedtune.errors import EmbedtuneError
from embedtune.release.gate import gate
from embedtune.release.gate.gate import Scores
from embedtune.statistics import Criterion

QUERIES = 100
GROUPS = np.arange(QUERIES) // 2
CRITERION = Criterion(margin=0.01, resamples=2000)


def judge(chosen: Scores, untuned: Scores, groups: NDArray[np.intp], **more: Any) -> gate.Verdict:
    """Against one untuned model."""
    return gate.judge(chosen, {"untuned model": untuned}, groups, **more)


def scores(seed: int, gain: float = 0.0, spread: float = 0.1) -> NDArray[np.float64]:
    """Of a model that shares the difficulty of queries with the others."""
    difficulty = np.random.default_rng(99).uniform(0, 1, QUERIES)
    noise = np.random.default_rng(seed).normal(0, spread, QUERIES)
    return difficulty + gain + noise - noise.mean()


def test_a_better_candidate_is_promoted() -> None:
    verdict = judge(scores(1, 0.1), scores(2), GROUPS, criterion=CRITERION)

    assert verdict.promoted
    assert verdict.queries_needed is None
    (check,) = verdict.checks
    assert check.against == "untuned model"
    assert check.comparison.mean == pytest.approx(0.1)


def test_one_that_is_not_shown_to_be_better_is_refused_with_what_it_needs() -> None:
    verdict = judge(scores(1, 0.01), scores(2), GROUPS, criterion=CRITERION)

    assert not verdict.promoted
    assert verdict.queries_needed is not None
    # A paired deviation of about 0.14, one-sided 0.95, power 0.8: 6.2 x 0.14^2 / 0.01^2.
    assert 500 < verdict.queries_needed < 3000


def test_no_number_of_queries_helps_a_worse_candidate() -> None:
    verdict = judge(scores(1, -0.1), scores(2), GROUPS, criterion=CRITERION)

    assert not verdict.promoted
    assert verdict.queries_needed is None


def test_identical_models_are_refused() -> None:
    assert not judge(scores(1), scores(1), GROUPS, criterion=CRITERION).promoted


def test_the_incumbent_may_be_better_by_less_than_the_margin() -> None:
    candidate, untuned = scores(1, 0.2, 0.01), scores(2)

    same = judge(candidate, untuned, GROUPS, incumbent=scores(1, 0.203, 0.01), criterion=CRITERION)
    better = judge(candidate, untuned, GROUPS, incumbent=scores(3, 0.25, 0.01), criterion=CRITERION)

    assert same.promoted
    assert [check.margin for check in same.checks] == [0.0, 0.01]
    assert not better.promoted
    assert [check.passed for check in better.checks] == [True, False]
    assert better.queries_needed is None


def test_every_untuned_model_must_be_beaten() -> None:
    candidate, own, best = scores(1, 0.1), scores(2), scores(3, 0.09, 0.01)

    verdict = gate.judge(candidate, {"untuned model": own, "best one": best}, GROUPS, criterion=CRITERION)

    assert [(check.against, check.passed, check.margin) for check in verdict.checks] == [
        ("untuned model", True, 0.0), ("best one", False, 0.0),
    ]  # fmt: skip
    assert not verdict.promoted


def test_the_incumbent_itself_is_not_worse_than_itself() -> None:
    candidate = scores(1, 0.2)

    assert judge(candidate, scores(2), GROUPS, incumbent=candidate, criterion=CRITERION).promoted


def test_without_a_sealed_split_everything_tried_is_corrected_for() -> None:
    candidate, untuned = scores(1, 0.03), scores(2)
    tried = {f"trial {i}": scores(10 + i) for i in range(30)}

    alone = judge(candidate, untuned, GROUPS, criterion=CRITERION).checks[0].comparison
    among = judge(candidate, untuned, GROUPS, tried=tried, criterion=CRITERION).checks[0].comparison

    assert among.p_value == pytest.approx(alone.p_value, abs=0.02)
    assert among.adjusted_p > alone.adjusted_p


@pytest.mark.parametrize("queries", [1, 2])
def test_a_handful_of_queries_proves_nothing(queries: int) -> None:
    assert not judge(np.ones(queries), np.zeros(queries), np.arange(queries), criterion=CRITERION).promoted


def test_one_group_proves_nothing() -> None:
    assert not judge(scores(1, 0.5), scores(2), np.zeros(QUERIES, dtype=np.intp), criterion=CRITERION).promoted


def test_nan_is_refused() -> None:
    with pytest.raises(EmbedtuneError, match="finite"):
        judge(np.full(QUERIES, np.nan), scores(2), GROUPS, criterion=CRITERION)


def test_a_seed_decides_all() -> None:
    first, second = (judge(scores(1, 0.02), scores(2), GROUPS, criterion=CRITERION) for _ in range(2))

    assert first == second
