from __future__ import annotations

import json

import numpy as np
import pytest

from embedtune.records import Opening, RetrievalScores, State, StudyDefinition, TrialRecord
from embedtune.reporting.certainty import certainty_lines, with_certainty
from embedtune.reporting.leaderboard import Board, Certainty, leaderboard
from embedtune.reporting.tables import leaderboard_table

METRIC = "cosine_map@100"
WRITTEN = {
    "name": "s", "kind": "sweep", "objective": METRIC, "direction": "maximize", "n_trials": 4, "dim": 64,
    "data": {"name": "d", "source": "x"}, "digests": {}, "model": {"name": "tiny"},
}  # fmt: skip
DEFINITION = StudyDefinition.from_dict(WRITTEN)
HARD = np.random.default_rng(0).beta(2, 1, 100)
"""What a model gets of each query: some are hard for all models."""


def scores(values: np.ndarray, groups: tuple[int, ...] = (), queries: str = "q") -> RetrievalScores:
    names = tuple(f"{queries}{i}" for i in range(len(values)))
    return RetrievalScores(names, {64: {METRIC: values}}, groups)


def board_of(found: dict[int, RetrievalScores], *more: TrialRecord, openings: int = 0) -> Board:
    """A leaderboard of these scores; -1 is the baseline."""
    records = [
        TrialRecord("s", number, State.COMPLETE, value=float(values.per_query[64][METRIC].mean()))
        for number, values in found.items()
    ]
    trials = [*(record for record in records if not record.is_baseline), *more]
    board = leaderboard(DEFINITION, trials, baselines=[record for record in records if record.is_baseline])
    return with_certainty(board, found, [Opening(i, "release x") for i in range(openings)])


def tie_of(board: Board) -> tuple[int, ...]:
    assert board.certainty is not None
    return board.certainty.tie


def test_intervals_hold_the_values_and_are_json() -> None:
    board = json.loads(json.dumps(board_of({0: scores(HARD), -1: scores(HARD / 2)}).to_dict()))
    for entry in (board["trials"][0], board["baseline"]):
        low, high = entry["interval"]
        assert low < entry["value"] < high
        assert high - low < 0.15
    assert board["queries"] == 100
    assert board["test_openings"] == 0


def test_a_model_of_another_size_is_judged_at_its_own() -> None:
    values = HARD * 0.9
    small = TrialRecord("s", 1, State.COMPLETE, value=float(values.mean()), facts={"dim": 32})
    own = RetrievalScores(scores(values).query_ids, {32: {METRIC: values}})
    board = with_certainty(leaderboard(DEFINITION, [small]), {1: own})
    assert board.trials[0].interval is not None


def test_groups_that_share_a_passage_widen_the_interval() -> None:
    pairs = np.repeat(HARD[:50], 2)
    alone = board_of({0: scores(pairs)}).trials[0].interval
    grouped = board_of({0: scores(pairs, tuple(i // 2 for i in range(100)))}).trials[0].interval
    assert alone is not None
    assert grouped is not None
    assert grouped[1] - grouped[0] > 1.3 * (alone[1] - alone[0])


def test_equal_trials_are_a_tie_and_a_worse_one_is_not() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 100)
    noise -= noise.mean()
    found = {0: scores(HARD), 3: scores(HARD + noise), 1: scores(HARD * 0.7), -1: scores(HARD)}
    board = board_of(found, TrialRecord("s", 9, State.FAIL))
    first, then = tie_of(board)
    assert {first, then} == {0, 3}
    assert {entry.number: entry.tied for entry in board.trials} == {0: True, 3: True, 1: False, 9: False}
    assert [entry.tied for entry in board.baselines] == [False]
    assert certainty_lines(board) == [
        f"The top is a tie: trials {first} and {then} cannot be told apart on 100 queries."
    ]


def test_a_clear_winner_is_no_tie() -> None:
    board = board_of({0: scores(HARD), 1: scores(HARD * 0.7)})
    assert tie_of(board) == ()
    assert not board.trials[0].tied
    assert certainty_lines(board) == []


def test_scores_of_other_queries_or_another_value_count_as_missing() -> None:
    found = {0: scores(HARD), 1: scores(HARD * 0.9, queries="other"), 2: scores(HARD * 0.8)}
    board = board_of(found)
    assert [entry.interval is None for entry in board.trials] == [False, True, False]
    stale = leaderboard(DEFINITION, [TrialRecord("s", 0, State.COMPLETE, value=0.123)])
    assert with_certainty(stale, {0: scores(HARD)}).trials[0].interval is None


@pytest.mark.parametrize("number", [0, 1])
def test_the_best_without_scores_leaves_the_tie_open(number: int) -> None:
    best = TrialRecord("s", 7, State.COMPLETE, value=0.99)
    board = board_of({number: scores(HARD)}, best)
    assert tie_of(board) == ()
    assert board.trials[0].interval is None
    assert board.trials[1].interval is not None


def test_one_query_says_nothing() -> None:
    board = board_of({0: scores(np.array([0.5])), 1: scores(np.array([0.4]))})
    assert board.trials[0].interval == (0.0, 1.0)
    assert tie_of(board) == (0, 1)


def test_no_trial_at_all() -> None:
    board = board_of({})
    assert (board.certainty, board.baseline) == (Certainty((), None, 0), None)
    assert certainty_lines(board) == []


def test_a_long_tie_is_cut() -> None:
    line = certainty_lines(board_of({i: scores(HARD) for i in range(20)}))[0]
    assert "trials 0, 1, 2, 3, 4, 5, 6, 7 and 12 more cannot" in line


def test_a_second_opening_of_the_test_split_is_said() -> None:
    assert certainty_lines(board_of({0: scores(HARD)}, openings=1)) == []
    (line,) = certainty_lines(board_of({0: scores(HARD)}, openings=2))
    assert "read 2 times" in line


def test_two_objectives_have_intervals_but_no_tie() -> None:
    definition = StudyDefinition.from_dict({**WRITTEN, "second": 32})
    records = [TrialRecord("s", i, State.COMPLETE, value=float(HARD.mean()), second=0.5) for i in (0, 1)]
    board = with_certainty(leaderboard(definition, records), {0: scores(HARD), 1: scores(HARD)})
    assert board.trials[0].interval is not None
    assert tie_of(board) == ()


def test_table_in_folds_tells_them_from_validation() -> None:
    definition = StudyDefinition.from_dict({**WRITTEN, "recipe": {"eval": {"folds": 3}}})
    metrics = {"64": {METRIC: 0.4}, "32": {METRIC: 0.3}}
    record = TrialRecord("s", 0, State.COMPLETE, value=float(HARD.mean()), metrics=metrics)
    board = with_certainty(leaderboard(definition, [record]), {0: scores(HARD)})
    assert board.definition.folds == 3
    headers = [str(column.header) for column in leaderboard_table(board).columns]
    assert headers[3:7] == [f"{METRIC} in 3 folds", "95 % interval", "validation @64d", "validation @32d"]


def test_table_shows_the_interval() -> None:
    table = leaderboard_table(board_of({0: scores(HARD)}, TrialRecord("s", 1, State.FAIL)))
    column = next(column for column in table.columns if str(column.header) == "95 % interval")
    first, failed = map(str, column.cells)
    assert first.count("–") == 1
    assert failed == ""
