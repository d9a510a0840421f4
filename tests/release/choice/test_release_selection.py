from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedtune.release.choice.candidates import Candidate, Kind
from embedtune.release.choice.selection import named, select

QUERIES = 60
GROUPS = np.arange(QUERIES) // 2
NOISE = np.random.default_rng(0).normal(0, 0.1, QUERIES)
NOISE -= NOISE.mean()


def candidate(name: str, gain: float = 0.0, *, noise: float = 0.0, kind: Kind = Kind.TRIAL, **more: Any) -> Candidate:
    """One that is on average 0.5 + gain; with noise, unlike the others from query to query."""
    base: NDArray[np.float64] = np.linspace(0.2, 0.8, QUERIES)
    values = {"seconds": 10.0, "folder": Path(name), **more}
    return Candidate(name, kind, base + gain + noise * NOISE, 384, **values)


def test_a_clear_winner_is_taken() -> None:
    selection = select([candidate("a"), candidate("b", 0.1), candidate("c", 0.05)], GROUPS)

    assert selection.chosen.name == "b"
    assert selection.tied == ("b",)
    assert "b is best at 0.6000" in selection.reason


def test_of_equals_the_cheaper_is_taken() -> None:
    best = candidate("a", 0.001, noise=1, seconds=99)
    selection = select([best, candidate("b", seconds=5), candidate("c", seconds=7), candidate("d", -0.3)], GROUPS)

    assert selection.chosen.name == "b"
    assert selection.tied == ("a", "b", "c")
    assert selection.reason == "b cannot be told apart from a, c on 60 queries, and took the least time to train"


def test_of_equals_the_default_recipe_comes_before_the_cheaper() -> None:
    default = candidate("c", seconds=50, is_default=True)
    selection = select([candidate("a", 0.001, noise=1), candidate("b", seconds=1), default], GROUPS)

    assert selection.chosen is default
    assert "is the default recipe" in selection.reason


def test_of_equals_what_there_is_comes_first() -> None:
    best, default = candidate("a", 0.001, noise=1), candidate("b", is_default=True)
    untuned = candidate("untuned model", kind=Kind.UNTUNED, folder=None)
    incumbent = candidate("champion", kind=Kind.INCUMBENT)

    assert select([best, default, untuned], GROUPS).chosen is untuned
    assert select([best, default, untuned, incumbent], GROUPS).chosen is incumbent
    assert select([best, default, untuned, incumbent], GROUPS, only_new=True).chosen is default


def test_without_weights_the_best_of_the_others_is_taken() -> None:
    gone = candidate("gone", 0.2, folder=None)
    selection = select([gone, candidate("a", 0.1), candidate("b")], GROUPS)

    assert selection.chosen.name == "a"
    assert selection.tied == ("gone",)
    assert selection.reason == "a is the best that can be released, at 0.6000; gone has 0.7000"


def test_without_weights_the_cheapest_of_equals_is_not_called_the_best() -> None:
    gone, best = candidate("gone", 0.2, folder=None), candidate("a", 0.001, noise=1, seconds=99)
    selection = select([gone, best, candidate("b", seconds=5)], GROUPS)

    assert selection.chosen.name == "b"
    assert selection.reason == (
        "gone is best at 0.7000 but cannot be released; of the others b cannot be told apart from a on 60 queries, "
        "and took the least time to train"
    )


def test_one_query_tells_nothing_apart() -> None:
    candidates = [
        Candidate(name, Kind.TRIAL, np.array([value]), 384, seconds=value, folder=Path(name))
        for name, value in (("a", 1.0), ("b", 0.5))
    ]

    assert select(candidates, np.array([0])).chosen.name == "b"


def test_named_is_chosen_whatever_its_scores() -> None:
    chosen = candidate("trial 3")

    assert named(chosen).chosen is chosen
    assert "release.trial" in named(chosen).reason


@given(
    gains=st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=6),
    kinds=st.lists(st.sampled_from(list(Kind)), min_size=6, max_size=6),
    only_new=st.booleans(),
)
def test_whatever_is_chosen_may_be_chosen(gains: list[float], kinds: list[Kind], only_new: bool) -> None:
    others = [candidate(f"{i}", gain, noise=i, kind=kinds[i]) for i, gain in enumerate(gains)]
    selection = select([*others, candidate("new")], GROUPS, only_new=only_new)

    assert selection.chosen.is_releasable or not only_new
    assert selection.tied
    assert selection.chosen.value <= max(candidate.value for candidate in others) or selection.chosen.name == "new"
