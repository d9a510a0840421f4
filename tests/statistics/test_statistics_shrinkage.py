from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedtune.errors import EmbedtuneError
from embedtune.statistics import shrink, shrunken_means

MEANS = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_shrink_with_equal_errors_is_positive_part_james_stein() -> None:
    means, error = np.array([0.60, 0.64, 0.71, 0.66, 0.55, 0.80]), 0.05
    factor = 1 - (len(means) - 3) * error**2 / ((means - means.mean()) ** 2).sum()

    assert 0 < factor < 1
    np.testing.assert_allclose(shrink(means, np.full(6, error)), means.mean() + factor * (means - means.mean()))


def test_shrink_of_noise_is_the_grand_mean() -> None:
    np.testing.assert_allclose(shrink([0.6, 0.61, 0.62, 0.63, 0.64], [0.2] * 5), [0.62] * 5)


def test_shrink_draws_less_certain_means_further() -> None:
    shrunken = shrink([0.2, 0.4, 0.5, 0.6, 0.8, 0.8], [0.1, 0.1, 0.1, 0.1, 0.05, 0.2])

    assert shrunken[5] < shrunken[4] < 0.8


@given(MEANS, st.floats(0, 1))
def test_shrink_keeps_order_and_range(means: list[float], error: float) -> None:
    shrunken = shrink(means, [error] * len(means))

    assert (np.diff(shrunken[np.argsort(means)]) >= -1e-9).all()
    assert min(means) - 1e-9 <= shrunken.min() <= shrunken.max() <= max(means) + 1e-9


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=4, max_size=12))
def test_shrink_moves_each_mean_no_further_than_the_others(pairs: list[tuple[float, float]]) -> None:
    means, errors = np.array(pairs).T
    shrunken = shrink(means, errors)

    assert np.isfinite(shrunken).all()
    assert min(means) - 1e-9 <= shrunken.min() <= shrunken.max() <= max(means) + 1e-9


@pytest.mark.parametrize("means", [[], [0.5], [0.5, 0.7], [0.5, 0.7, 0.6], [0.5] * 6])
def test_shrink_leaves_few_or_equal_means(means: list[float]) -> None:
    assert shrink(means, [0.1] * len(means)).tolist() == means


def test_shrink_without_errors_changes_nothing() -> None:
    means = [0.1, 0.4, 0.4, 0.7, 0.9]

    np.testing.assert_allclose(shrink(means, [0] * 5), means)


@pytest.mark.parametrize(
    ("means", "errors"), [([0.1, np.nan], [1, 1]), ([0.1], [np.inf]), ([0.1], [-1]), ([0.1], [1, 1])]
)
def test_shrink_refuses(means: list[float], errors: list[float]) -> None:
    with pytest.raises(EmbedtuneError, match="means must be finite"):
        shrink(means, errors)


def test_shrunken_means_undo_the_luck_of_the_winner() -> None:
    random = np.random.default_rng(3)
    groups, luck, left, squares = np.repeat(np.arange(50), 2), [], [], []
    for _ in range(400):
        true, hard = 0.7 + 0.01 * random.normal(size=20), random.normal(0, 0.3, 100)
        scores = {str(number): mean + hard + random.normal(0, 0.1, 100) for number, mean in enumerate(true)}
        truth = true + hard.mean()  # what these queries do to all models selects nobody
        means, shrunken = (np.array([values.mean() for values in scores.values()]), shrunken_means(scores, groups))
        best = int(means.argmax())
        luck.append(means[best] - truth[best])
        left.append(shrunken[str(best)] - truth[best])
        squares.append([((means - truth) ** 2).sum(), ((np.array(list(shrunken.values())) - truth) ** 2).sum()])

    assert np.mean(luck) > 0.01
    assert abs(np.mean(left)) < 0.002
    assert np.mean(squares, axis=0)[1] < 0.7 * np.mean(squares, axis=0)[0]


def test_shrunken_means_ignore_what_all_models_share() -> None:
    random = np.random.default_rng(0)
    own = {str(number): 0.1 * number + random.normal(0, 0.2, 60) for number in range(6)}
    hard = random.normal(0, 5, 60)
    hard -= hard.mean()

    plain = shrunken_means(own, np.arange(60))
    shared = shrunken_means({name: values + hard for name, values in own.items()}, np.arange(60))

    np.testing.assert_allclose(list(shared.values()), list(plain.values()))


def test_shrunken_means_of_little() -> None:
    scores = {name: np.array([0.2, 0.6]) + shift for name, shift in (("a", 0), ("b", 0.1), ("c", 0), ("d", 0.3))}

    assert shrunken_means({"a": scores["a"]}, np.arange(2)) == pytest.approx({"a": 0.4})
    assert shrunken_means(scores, np.zeros(2, int)) == pytest.approx(dict.fromkeys("abcd", 0.5))
    assert shrunken_means(scores, np.arange(2)) == pytest.approx({"a": 0.4, "b": 0.5, "c": 0.4, "d": 0.7})


@given(MEANS)
def test_shrunken_means_of_equal_models_are_their_mean(values: list[float]) -> None:
    assume(len(values) > 1)
    found = shrunken_means({"a": np.array(values), "b": np.array(values)}, np.arange(len(values)))

    assert list(found.values()) == pytest.approx([np.mean(values)] * 2)
