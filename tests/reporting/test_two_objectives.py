"""A study of two objectives in the leaderboard, the tables and the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution
from rich.console import Console

from embedtune.ranking import best_first
from embedtune.records import Evaluation, State, StudyDefinition, TrialRecord
from embedtune.reporting.leaderboard import Board, Entry
from embedtune.reporting.live import View
from embedtune.reporting.page.figures.plots import draw_plots
from embedtune.reporting.page.findings.advice import give_advice
from embedtune.reporting.page.findings.pareto import ParetoInfo, balanced, pareto_info
from embedtune.reporting.page.inputs import Absent, ReportInputs
from embedtune.reporting.page.page import definition_facts, render_page
from embedtune.reporting.page.trial_table import trial_table
from embedtune.reporting.page.verdict import give_verdict
from embedtune.reporting.tables import leaderboard_table

METRIC = "cosine_map@100"
Make = Callable[..., ReportInputs]
Trial = Callable[..., TrialRecord]
PAIRS = ((0.70, 0.50), (0.80, 0.40), (0.78, 0.55), (0.60, 0.60), (0.60, 0.30))
"""At 64 and at 16 dimensions; the front is 1, 2 and 3."""
SIZES = ((0.80, 64), (0.70, 64), (0.78, 32), (0.60, 16), (0.55, 16))
"""With its dimension; the front is 0, 2 and 3."""


def study(inputs: Make, trial: Trial, pairs: Sequence[tuple[float, float]], second: int | str = 16) -> ReportInputs:
    sized = second == "dimension"
    records = [
        trial(
            number, value, second=float(other), facts={"second": second},
            **({"params": {"eval.dim": int(other)}} if sized else {}),
        )
        for number, (value, other) in enumerate(pairs)
    ]  # fmt: skip
    changes: dict[str, Any] = {"definition": {"second": second}}
    if sized:
        changes["distributions"] = {"eval.dim": CategoricalDistribution([64, 32, 16])}
    made = inputs(records, 0.5, **changes)
    assert made.baseline is not None
    untuned = replace(made.baseline, second=64.0 if sized else 0.35, facts={"second": second})
    return replace(made, board=replace(made.board, baselines=(Entry(untuned),)))


def document(made: ReportInputs) -> dict[str, Any]:
    return made.board.to_dict()


def printed(board: Board, width: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=240)
    console.print(leaderboard_table(board, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_leaderboard_has_the_front_first(inputs: Make, trial: Trial) -> None:
    board = document(study(inputs, trial, PAIRS))
    assert [entry["number"] for entry in board["trials"]] == [1, 2, 3, 0, 4]
    assert [entry["front"] for entry in board["trials"]] == [True, True, True, False, False]
    assert board["front"] == [1, 2, 3]
    assert board["trials"][1]["values"] == [0.78, 0.55]
    assert board["baseline"]["values"] == [0.5, 0.35]
    assert board["baseline"]["front"] is False
    assert board["objectives"] == [
        {"metric": METRIC, "dim": 64, "direction": "maximize"},
        {"metric": METRIC, "dim": 16, "direction": "maximize"},
    ]
    assert (board["objective"], board["direction"], board["dim"]) == (METRIC, "maximize", 64)


def test_leaderboard_of_quality_against_dimension(inputs: Make, trial: Trial) -> None:
    made = study(inputs, trial, SIZES, "dimension")
    board = document(made)
    assert [entry["number"] for entry in board["trials"]] == [0, 2, 3, 1, 4]
    assert board["trials"][0]["values"] == [0.80, 64]
    assert board["objectives"] == [
        {"metric": METRIC, "dim": None, "direction": "maximize"},
        {"metric": "dimension", "dim": None, "direction": "minimize"},
    ]
    text = printed(made.board)
    assert "dimension" in text.splitlines()[2]
    assert " 64 " in text
    assert "64.0" not in text


def test_with_one_objective_nothing_is_added(inputs: Make, trial: Trial) -> None:
    made = inputs([trial(0, 0.7), trial(1, 0.8)])
    board = document(made)
    assert not {"objectives", "front"} & board.keys()
    assert not {"values", "front"} & board["trials"][0].keys()
    assert "front" not in printed(made.board)
    assert next(plot.name for plot in draw_plots(inputs([]))) == "history"


def test_failed_and_running_trials_come_last(inputs: Make, trial: Trial) -> None:
    facts = {"second": 16}
    records = [
        trial(0, None, State.FAIL, facts=facts),
        trial(1, 0.9, State.RUNNING, second=0.9, facts=facts),
        trial(2, 0.5, second=0.5, facts=facts),
        trial(3, 0.6, second=0.4, facts=facts),
        trial(4, 0.55, second=0.45, facts=facts),
        trial(5, 0.59, second=0.4, facts=facts),
    ]
    assert [record.number for record in best_first(records)] == [3, 4, 2, 5, 1, 0]


def test_table_marks_the_front_however_narrow(inputs: Make, trial: Trial) -> None:
    board = study(inputs, trial, PAIRS).board
    for width in (None, 20):
        lines = printed(board, width).splitlines()
        assert lines[0].strip().endswith("; 3 on the front")
        heading = lines[2].split()
        assert heading[:6] == ["rank", "trial", "state", METRIC, "@16d", "front"]
        assert lines[4].split()[:6] == ["1", "1", "complete", "0.8000", "0.4000", "yes"]
        assert lines[7].split()[:5] == ["4", "0", "complete", "0.7000", "0.5000"]


def test_pareto_info_says_what_to_choose(inputs: Make, trial: Trial) -> None:
    info = pareto_info(study(inputs, trial, PAIRS))
    assert isinstance(info, ParetoInfo)
    assert info.front == {1: (0.40, 0.80), 2: (0.55, 0.78), 3: (0.60, 0.60)}
    assert info.dominated == {0: (0.50, 0.70), 4: (0.30, 0.60)}
    assert info.baseline == ((0.35, 0.5),)
    assert info.balanced == 2
    assert info.finding == (
        "3 of 5 trials are on the front: none is beaten in both objectives. "
        "Choose trial 1 for quality at 64 dimensions (0.8000, and 0.4000 at 16), "
        "trial 3 for quality at 16 (0.6000, and 0.6000 at 64). "
        "Trial 2 is the balance between them: it gives up 0.0200 at 64 and 0.0500 at 16. "
        "All of them are at least as good as the untuned model in both."
    )


def test_pareto_info_of_sizes_says_what_they_cost(inputs: Make, trial: Trial) -> None:
    info = pareto_info(study(inputs, trial, SIZES, "dimension"))
    assert isinstance(info, ParetoInfo)
    assert info.baseline == ((16.0, pytest.approx(0.4)), (32.0, pytest.approx(0.48)), (64.0, 0.5))
    assert "trial 2 with 32 dimensions has 0.7800, 98% of the best (128 MB)" in info.finding
    assert info.finding.endswith("All of them are at least as good as the untuned model in both.")


def test_one_trial_alone_on_the_front(inputs: Make, trial: Trial) -> None:
    info = pareto_info(study(inputs, trial, [(0.3, 0.2), (0.2, 0.1)]))
    assert isinstance(info, ParetoInfo)
    assert info.finding == (
        "No other of 2 trials is better in either objective: choose trial 0. "
        "It is not at least as good as the untuned model in both."
    )


def test_nothing_to_draw_yet(inputs: Make, trial: Trial) -> None:
    made = study(inputs, trial, [])
    info = pareto_info(made)
    assert info == Absent("No trial has both objectives yet.")
    assert draw_plots(made)[0].picture is None
    assert "No trial has a score" in give_verdict(made).headline


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ({0: (0.0, 1.0), 1: (1.0, 0.0)}, None),
        ({0: (0.0, 1.0), 1: (0.5, 0.5), 2: (1.0, 0.0)}, None),
        ({0: (0.0, 1.0), 1: (0.2, 0.2), 2: (1.0, 0.0)}, None),
        ({0: (0.0, 1.0), 5: (0.8, 0.8), 2: (1.0, 0.0), 7: (0.8, 0.8)}, 5),
        ({0: (0.5, 1.0), 1: (0.5, 1.0), 2: (0.5, 1.0)}, None),
    ],
)
def test_balance_is_beyond_the_line_between_the_ends(
    front: dict[int, tuple[float, float]], expected: int | None
) -> None:
    assert balanced(front) == expected


@pytest.mark.parametrize(("pairs", "second"), [(PAIRS, 16), (SIZES, "dimension"), ([(0.5, 0.5)] * 4, 16)])
def test_report_shows_the_front(inputs: Make, trial: Trial, pairs: Any, second: int | str) -> None:
    made = study(inputs, trial, pairs, second)
    plots = draw_plots(made)
    assert plots[0].name == "front"
    assert plots[0].picture is not None
    page = render_page(made, plots, made=0)
    assert 'id="front"' in page
    assert page.count("★") == len(made.pareto_front)
    facts = dict(definition_facts(made))
    assert ("against the dimension" in facts["Objective"]) == (second == "dimension")


def test_report_in_words(inputs: Make, trial: Trial) -> None:
    made = study(inputs, trial, PAIRS)
    assert give_verdict(made).headline == (
        "Front of cosine_map@100 at 64 and 16: from trial 1 (0.8000 and 0.4000) to trial 3 (0.6000 and 0.6000); "
        "the untuned model has 0.5000 and 0.3500."
    )
    labels = [column.label for column in trial_table(made).columns]
    assert labels[3:6] == [METRIC, "@16d", "@32d"]
    sized = study(inputs, trial, SIZES, "dimension")
    assert "from trial 0 (0.8000 with 64 dimensions)" in give_verdict(sized).headline
    assert [column.label for column in trial_table(sized).columns][3:5] == [METRIC, "dimension"]


def test_advice_does_not_widen_the_sizes_nor_call_a_front_settled(inputs: Make, trial: Trial) -> None:
    many = study(inputs, trial, [(0.9, 16), *((0.5, 16) for _ in range(14))], "dimension")
    advice = " ".join(item.do for item in give_advice(many))
    assert "eval.dim beyond" not in advice
    assert "Search eval.dim" not in advice
    assert "Stop here" not in advice


def test_live_lines_say_both_values() -> None:
    console = Console(file=io.StringIO(), width=200)
    view = View(console)
    written = {
        "objective": METRIC,
        "dim": 64,
        "second": 16,
        "n_trials": 2,
        "kind": "sweep",
        "name": "s",
        "model": {"name": "tiny"},
    }
    view.study_began(StudyDefinition.from_dict({**written, "data": {"name": "d", "source": "x"}}), [])
    view.began(TrialRecord("s", 0, State.RUNNING))
    for step, (value, second) in enumerate([(0.5, 0.4), (0.55, 0.2), (0.49, 0.45)], start=1):
        view.evaluated(0, Evaluation(step, step, value, {}, 1.0, 1, second=second))
    view.ended(TrialRecord("s", 0, State.COMPLETE, value=0.49, second=0.45, seconds=3.0))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[2] == "trial 0 epoch 1 step 1: cosine_map@100 0.5000, @16d 0.4000"
    assert "trial 0 complete, best cosine_map@100 0.4900, @16d 0.4500 in 3 s" in lines
