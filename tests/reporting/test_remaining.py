from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embedtune.reporting.remaining import Under, seconds_left

SECONDS = st.floats(0.1, 1e5)


def test_nothing_tells_how_long_a_trial_is() -> None:
    assert seconds_left([], [], 5) is None
    assert seconds_left([], [Under(3.0, 0.0)], 5) is None
    assert seconds_left([], [Under(3.0, 0.01)], 5) is None


def test_two_workers_share_what_waits() -> None:
    assert seconds_left([10.0, 30.0], [Under(10.0, 0.5), Under(5.0, 0.25)], 4) == (10 + 15 + 4 * 20) / 2


def test_the_longest_running_trial_sets_the_end() -> None:
    assert seconds_left([1.0], [Under(10.0, 0.1), Under(1.0, 1.0)], 0) == 90.0


def test_a_first_trial_foretells_the_others() -> None:
    assert seconds_left([], [Under(10.0, 0.5)], 3) == 10 + 3 * 20


@given(st.lists(SECONDS), st.lists(st.builds(Under, SECONDS, st.floats(0, 1)), max_size=5), st.integers(0, 50))
def test_never_negative(ended: list[float], running: list[Under], waiting: int) -> None:
    left = seconds_left(ended, running, waiting)
    assert left is None or left >= -1e-6
