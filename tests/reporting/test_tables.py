from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from embedtune.records import Evaluation, State, StudyDefinition, TrialRecord
from embedtune.reporting.leaderboard import leaderboard
from embedtune.reporting.live import View
from embedtune.reporting.tables import leaderboard_table, make_table, metrics_table, short_key, short_value
from embedtune.training import Progress

WRITTEN = {
    "name": "s", "kind": "sweep", "objective": "cosine_map@100", "direction": "maximize", "n_trials": 2, "dim": 64,
    "data": {"name": "d", "source": "x"}, "digests": {}, "model": {"name": "tiny"},
}  # fmt: skip
DEFINITION = StudyDefinition.from_dict(WRITTEN)


def text_of(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def a_record(number: int, state: State, value: float | None) -> TrialRecord:
    metrics = {} if value is None else {"64": {"cosine_map@100": value}, "32": {"cosine_map@100": value / 2}}
    return TrialRecord(
        "s", number, state, params={"train.learning_rate": 5e-5}, value=value, best_epoch=2.0, metrics=metrics
    )


def test_leaderboard_table_ranks_and_ends_with_the_untuned_model() -> None:
    records = [a_record(0, State.COMPLETE, 0.5), a_record(1, State.FAIL, None)]
    board = leaderboard(DEFINITION, records, baselines=[a_record(-1, State.COMPLETE, 0.1234)])
    lines = [line.split() for line in text_of(leaderboard_table(board)).splitlines() if line.strip()]
    assert lines[0] == ["s:", "1", "complete,", "1", "fail", "of", "2"]
    assert lines[3][:5] == ["1", "0", "complete", "0.5000", "0.2500"]
    assert lines[-1][:3] == ["untuned", "complete", "0.1234"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_leaderboard_table_fits_the_terminal(width: int) -> None:
    params = {"train.learning_rate": 5e-5, "train.batch_sampler": "no_duplicates"}
    params |= {f"loss.matryoshka.weights.{dim}": 0.5 for dim in (384, 256, 128, 64, 32)}
    record = replace(a_record(0, State.COMPLETE, 0.5), params=params)
    board = leaderboard(DEFINITION, [record], baselines=[a_record(-1, State.COMPLETE, 0.1234)])
    console = Console(file=io.StringIO(), width=width)
    console.print(leaderboard_table(board, width))
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if line.strip()]
    assert len(lines) == 6  # title, header, rule, two rows, what does not fit
    assert "complete" in lines[3]
    assert "0.5000" in lines[3]
    assert "do not fit" in lines[-1]


def test_leaderboard_table_says_what_a_score_cost_and_that_a_trial_breaks_a_constraint() -> None:
    broken = replace(a_record(0, State.COMPLETE, 0.9), seconds=12.0, facts={"constraints": {"seconds <= 1": 11.0}})
    kept = replace(a_record(1, State.PRUNED, 0.5), seconds=34.0, facts={"peak_memory_bytes": 640_000_000})
    lines = text_of(leaderboard_table(leaderboard(DEFINITION, [broken, kept]))).splitlines()
    assert [line.split() for line in lines if line.strip()][3:] == [
        ["1", "1", "pruned", "0.5000", "0.2500", "2", "34", "640", "MB", "5e-05"],
        ["2", "0", "infeasible", "0.9000", "0.4500", "2", "12", "5e-05"],
    ]


def test_make_table_takes_cells_as_text() -> None:
    assert "[red]x[/red] :smile:" in text_of(make_table(["a"], [["[red]x[/red] :smile:"]]))


def test_metrics_table_one_column_a_dimension() -> None:
    scores = {"64": {"cosine_map@100": 0.5}, "32": {"cosine_map@100": 0.25}}
    assert "cosine_map@100   0.5000   0.2500" in text_of(metrics_table(scores, "t"))


def test_short_names() -> None:
    assert short_key("train.learning_rate") == "learning_rate"
    assert short_key("loss.matryoshka.weights.64") == "weight 64"
    assert short_value(5.123456e-5) == "5.12e-05"
    assert short_value("plain") == "plain"


def test_view_writes_plain_lines_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    started = a_record(0, State.RUNNING, None)
    with View(Console(file=file, width=160)) as view:
        view.study_began(DEFINITION, [])
        view.began(started)
        view.evaluated(0, Evaluation(3, 1.0, 0.5, {}, 1.0, 0))
        view.ended(a_record(0, State.COMPLETE, 0.5))
    lines = file.getvalue().splitlines()
    assert lines == [
        "study s: 2 trials for cosine_map@100",
        "trial 0 begins: learning_rate=5e-05",
        "trial 0 epoch 1 step 3: cosine_map@100 0.5000",
        "trial 0 complete, best cosine_map@100 0.5000 in 0 s",
        "1 of 2 trials done, best cosine_map@100 0.5000 (trial 0)",
    ]


def test_view_says_which_fold_and_keeps_the_value_of_the_folds() -> None:
    file = io.StringIO()
    definition = StudyDefinition.from_dict({**WRITTEN, "recipe": {"eval": {"folds": 2}}})
    with View(Console(file=file, width=160, force_terminal=True, legacy_windows=False)) as view:
        view.study_began(definition, [])
        view.began(a_record(0, State.RUNNING, None))
        view.stepped(0, Progress(1, 4, 0.25, 2.0, 1e-5, 10, stage="fold 1/2"))
        view.fold_ended(0, "1/2", 0.25)
        view.evaluated(0, Evaluation(3, 1.0, 0.75, {}, 1.0, 0))
    assert "trial 0 fold 1/2" in file.getvalue()
    assert "0.2500" in file.getvalue().rpartition("seconds")[2]
    assert "0.7500" not in file.getvalue()
    lines = io.StringIO()
    with View(Console(file=lines, width=160)) as view:
        view.study_began(definition, [])
        view.began(a_record(0, State.RUNNING, None))
        view.fold_ended(0, "1/2", 0.25)
        view.evaluated(0, Evaluation(3, 1.0, 0.75, {}, 1.0, 0))
    assert lines.getvalue().splitlines()[-2:] == [
        "trial 0 fold 1/2: cosine_map@100 0.2500 so far",
        "trial 0 epoch 1 step 3: cosine_map@100 0.7500 on validation",
    ]


def test_view_draws_a_table_in_a_terminal() -> None:
    file = io.StringIO()
    with View(Console(file=file, width=160, force_terminal=True, legacy_windows=False)) as view:
        view.study_began(DEFINITION, [a_record(1, State.COMPLETE, 0.25)])
        view.began(a_record(0, State.RUNNING, None))
        view.evaluated(0, Evaluation(3, 1.0, 0.75, {}, 1.0, 0))
    last = file.getvalue().rpartition("seconds")[2]
    assert last.index("0.7500") < last.index("0.2500")
