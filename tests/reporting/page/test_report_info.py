from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.records import Evaluation, State, StudyDefinition, TrialRecord
from embedtune.reporting.leaderboard import Certainty, Entry, leaderboard
from embedtune.reporting.page.axes import Axis, axis_of
from embedtune.reporting.page.differences import differing, flatten
from embedtune.reporting.page.findings.cost import cost_info
from embedtune.reporting.page.findings.curves import curves_info
from embedtune.reporting.page.findings.dimensions import dimensions_info, index_size
from embedtune.reporting.page.findings.history import HistoryInfo, history_info
from embedtune.reporting.page.findings.importance import ENOUGH, ImportanceInfo, importance_info
from embedtune.reporting.page.findings.parameters import ParametersInfo, parallel_info, slices_info
from embedtune.reporting.page.inputs import Absent, ReportInputs
from embedtune.reporting.page.trial_table import trial_table
from embedtune.reporting.page.verdict import give_verdict
from embedtune.units import clip, count

Make = Callable[..., ReportInputs]
DATA = {"name": "d", "source": "x"}
Trial = Callable[..., TrialRecord]
METRIC = "cosine_map@100"
RATE, BATCH = "train.learning_rate", "train.batch_size"


def test_history_keeps_the_best_so_far_and_marks_the_rest(inputs: Make, trial: Trial) -> None:
    info = history_info(
        inputs(
            [
                trial(0, 0.5),
                trial(1, 0.7, State.PRUNED),
                trial(2, None, State.FAIL),
                trial(3, 0.6),
                trial(4, 0.9, State.RUNNING),
            ],
            0.4,
        )
    )
    assert isinstance(info, HistoryInfo)
    assert info.points == ((0, 0.5, State.COMPLETE), (1, 0.7, State.PRUNED), (3, 0.6, State.COMPLETE))
    assert info.best == ((0, 0.5), (1, 0.7), (3, 0.7))
    assert info.failed == (2,)
    assert info.baseline == 0.4
    assert (info.best_number, info.since_best) == (1, 1)
    assert "1 trial since then" in info.finding


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_history_never_falls_and_ends_at_the_largest(values: list[float]) -> None:
    records = tuple(TrialRecord("s", i, State.COMPLETE, value=value) for i, value in enumerate(values))
    written = {"name": "s", "kind": "sweep", "objective": METRIC, "dim": 64, "model": {"name": "tiny"}, "data": DATA}
    info = history_info(ReportInputs(leaderboard(StudyDefinition.from_dict(written), records), {}, {}))
    assert isinstance(info, HistoryInfo)
    best = [value for _, value in info.best]
    assert best == sorted(best)
    assert best[-1] == max(values)
    assert values[info.best_number] == max(values)


def test_importance_finds_what_matters(inputs: Make, many: Callable[[int], list[TrialRecord]]) -> None:
    study = inputs(many(60))
    info = importance_info(study)
    assert isinstance(info, ImportanceInfo)
    assert info.first[0] == RATE
    assert info.first[1] > 0.9
    assert sum(info.shares.values()) <= 1.0 + 1e-9
    assert info.trials == len(study.complete)
    assert importance_info(study) == info


@pytest.mark.parametrize(
    ("records", "says"),
    [(ENOUGH - 1, "9 complete trials: importance is mostly chance below 10."), (ENOUGH, "the same score")],
)
def test_importance_says_why_there_is_none(inputs: Make, trial: Trial, records: int, says: str) -> None:
    info = importance_info(inputs([trial(i, 0.5) for i in range(records)]))
    assert isinstance(info, Absent)
    assert says in info.reason


def test_importance_is_read_on_the_scale_of_the_search(inputs: Make, trial: Trial) -> None:
    # Rates up to 1e-4 are half of a logarithmic range and a tenth of a linear one.
    rates = [10 ** (-5 + 2 * i / 29) for i in range(30)]
    records = [trial(i, 0.5 + 0.1 * (rate > 1e-4), params={RATE: rate, BATCH: 32}) for i, rate in enumerate(rates)]
    info = importance_info(inputs(records))
    assert isinstance(info, ImportanceInfo)
    assert info.shares[RATE] > 0.95


def test_importance_of_trials_that_differ_only_in_score(inputs: Make, trial: Trial) -> None:
    info = importance_info(inputs([trial(i, 0.5 + i / 100) for i in range(12)]))
    assert info == Absent("The complete trials differ in their scores, but hardly in their parameters.")


def test_importance_leaves_pruned_trials_out(inputs: Make, trial: Trial) -> None:
    records = [trial(i, 0.5 + i / 100, State.PRUNED if i else State.COMPLETE) for i in range(30)]
    assert importance_info(inputs(records)) == Absent("1 complete trial: importance is mostly chance below 10.")


def test_parameters_place_values_on_their_scale(inputs: Make, trial: Trial) -> None:
    info = slices_info(inputs([trial(0, 0.5), trial(1, 0.6, params={RATE: 1e-5}), trial(2, None, State.FAIL)]))
    assert isinstance(info, ParametersInfo)
    assert [axis.key for axis in info.axes] == [RATE, BATCH]
    assert [axis.kind for axis in info.axes] == ["log", "choice"]
    assert [trial.number for trial in info.trials] == [1, 0]
    assert info.trials[0].places == (0.0, None)
    assert info.trials[1].places == (pytest.approx(0.5), 0.5)


def test_parallel_needs_two_trials(inputs: Make, trial: Trial) -> None:
    assert isinstance(parallel_info(inputs([trial(0, 0.5)])), Absent)
    assert isinstance(parallel_info(inputs([trial(0, 0.5), trial(1, 0.5)])), ParametersInfo)


@pytest.mark.parametrize(
    ("axis", "value", "place"),
    [
        (Axis("k", "linear", 0.2, 1.0), 0.6, 0.5),
        (Axis("k", "log", 1e-5, 1e-3), 1e-4, 0.5),
        (Axis("k", "choice", 0, 2, ("a", None, 3)), None, 0.5),
        (Axis("k", "choice", 0, 0, ("a",)), "a", 0.5),
        (Axis("k", "linear", 3, 3), 3, 0.5),
    ],
)
def test_axis_place(axis: Axis, value: object, place: float) -> None:
    assert axis.place(value) == pytest.approx(place)


@pytest.mark.parametrize(
    ("distribution", "values", "kind", "ticks"),
    [
        (FloatDistribution(1e-5, 3e-3, log=True), [], "log", ["1e-05", "0.0001", "0.001", "0.003"]),
        (IntDistribution(1, 5), [], "linear", ["1", "3", "5"]),
        (CategoricalDistribution(["a", "b"]), ["b", "gone"], "choice", ["a", "b", "gone"]),
        (None, [1e-5, 1e-3], "log", ["1e-05", "0.0001", "0.001"]),
        (None, [1, 2], "linear", ["1", "1.5", "2"]),
        (None, [True, False], "choice", ["True", "False"]),
        (None, [7, 7], "choice", ["7"]),
    ],
)
def test_axis_of(distribution: object, values: list[object], kind: str, ticks: list[str]) -> None:
    axis = axis_of("k", distribution, values)  # type: ignore[arg-type]
    assert axis.kind == kind
    assert [label for _, label in axis.ticks()] == ticks


def test_axis_of_many_choices_has_few_ticks() -> None:
    assert len(axis_of("k", None, [f"c{i}" for i in range(50)]).ticks()) <= 7


@settings(deadline=None, max_examples=50)
@given(st.floats(1e-6, 1), st.floats(1e-6, 1), st.booleans(), st.floats(0, 1))
def test_axis_places_lie_in_order(a: float, b: float, log: bool, share: float) -> None:
    low, high = min(a, b), max(a, b)
    axis = axis_of("k", FloatDistribution(low, high, log=log), [])
    place = axis.place(low + share * (high - low))
    assert -1e-9 <= place <= 1 + 1e-9
    assert [place for place, _ in axis.ticks()] == sorted(place for place, _ in axis.ticks())


def test_curves_are_the_evaluations(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.5), trial(1, 0.7, State.PRUNED), trial(2, None, State.FAIL)])
    info = curves_info(study)
    assert not isinstance(info, Absent)
    assert [(curve.number, curve.epochs) for curve in info.curves] == [(0, (1.0, 2.0)), (1, (1.0, 2.0))]
    assert info.curves[0].values == pytest.approx((0.49, 0.5))
    assert info.best == 1
    assert info.finding == "The best trial, 1, peaked at epoch 2 of 2."


def test_curves_say_what_was_lost(inputs: Make, trial: Trial) -> None:
    values = [Evaluation(i, i / 10, value, {}, 1.0, 1) for i, value in ((10, 0.6), (20, 0.55))]
    info = curves_info(replace(inputs([trial(0, 0.6)]), evaluations={0: tuple(values)}))
    assert not isinstance(info, Absent)
    assert info.finding == "The best trial, 0, peaked at epoch 1 of 2 and lost 0.0500 by the end."


def test_dimensions_of_complete_trials(inputs: Make, trial: Trial) -> None:
    info = dimensions_info(inputs([trial(i, 0.5 + i / 100) for i in range(6)] + [trial(6, 0.9, State.PRUNED)], 0.4))
    assert not isinstance(info, Absent)
    assert info.dims == (16, 32, 64)
    assert list(info.lines) == ["trial 5", "trial 4", "trial 3", "trial 2"]
    assert info.lines["trial 5"][32] == pytest.approx(0.55 * 0.96)
    assert index_size(64) == "256 MB"
    assert info.finding == (
        "Trial 5 keeps 96% of its score with 32 of 64 dimensions: 128 MB for a million documents instead of 256 MB. "
        "With 16 it is at least as good as the untuned model with 64."
    )


@pytest.mark.parametrize(
    ("small", "full", "says"),
    [
        (0.5, 0.7, "Trial 0 keeps less than 95% of its score at every smaller size."),
        (0.0, 0.0, "Trial 0 has no score above zero at its full size."),
        (0.8, 0.7, "Trial 0 keeps 114% of its score with 32 of 64 dimensions: 128 MB for a million documents instead "
                   "of 256 MB."),
    ],
)  # fmt: skip
def test_dimensions_say_what_a_small_size_keeps(
    inputs: Make, trial: Trial, small: float, full: float, says: str
) -> None:
    info = dimensions_info(inputs([trial(0, full, metrics={"64": {METRIC: full}, "32": {METRIC: small}})], None))
    assert not isinstance(info, Absent)
    assert info.finding == says


def test_dimensions_need_more_than_one(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.5, metrics={"64": {METRIC: 0.5}})], None)
    assert dimensions_info(study) == Absent("One size was measured: 64 dimensions.")


def test_cost_by_state(inputs: Make, trial: Trial) -> None:
    records = [
        trial(0, 0.5, seconds=30.0, facts={"tokens": 600}),
        trial(1, 0.4, State.PRUNED, seconds=10.0, facts={}),
        trial(2, 0.4, State.RUNNING, seconds=99.0),
    ]
    info = cost_info(inputs(records))
    assert not isinstance(info, Absent)
    assert info.total == 40.0
    assert info.of_state(State.PRUNED) == 10.0
    assert [trial.tokens_per_second for trial in info.trials] == [20.0, None]
    assert info.finding == (
        "40 s of trials: complete 30 s (75%), pruned 10 s (25%). 20 tokens a second, evaluations included."
    )


def test_ranking_puts_the_best_first_and_the_baseline_last(inputs: Make, trial: Trial) -> None:
    ranking = trial_table(inputs([trial(0, 0.5), trial(1, None, State.FAIL, reason="a\nb"), trial(2, 0.7)]))
    assert [column.label for column in ranking.columns] == [
        "rank", "trial", "state", METRIC, "@32d", "@16d", "epoch", "time", "learning_rate", "batch_size", "reason",
    ]  # fmt: skip
    assert [row.cells[:4] for row in ranking.rows] == [
        ("1", "2", "complete", "0.7000"),
        ("2", "0", "complete", "0.5000"),
        ("", "1", "fail", "–"),
        ("", "untuned", "complete", "0.5000"),
    ]
    assert all(len(row.cells) == len(ranking.columns) for row in ranking.rows)
    assert [row.best for row in ranking.rows] == [True, False, False, False]
    assert ranking.rows[2].cells[-1] == "a"
    assert ranking.rows[-1].baseline


def test_intervals_and_cautions_reach_the_page(inputs: Make, trial: Trial) -> None:
    caution = "The top is a tie: trials 0 and 1 cannot be told apart on 100 queries."
    made = inputs([trial(0, 0.5), trial(1, 0.7)])
    first, then = made.board.trials
    trials = (replace(first, interval=(0.61234, 0.8)), then)
    made = replace(made, board=replace(made.board, trials=trials, certainty=Certainty((0, 1), 100, 0)))
    ranking = trial_table(made)
    place = [column.label for column in ranking.columns].index("95 % interval")
    assert [row.cells[place] for row in ranking.rows][:2] == ["0.612–0.800", "–"]
    assert give_verdict(made).support.endswith(caution)


def test_differing_keys_only() -> None:
    one = {"train": {"epochs": 1, "seed": 1}, "loss": {"matryoshka": {"dims": [4, 2]}}, "paths": {"sweeps": "a"}}
    two = {"train": {"epochs": 2, "seed": 1}, "loss": {"matryoshka": None}, "paths": {"sweeps": "b"}}
    assert differing({0: one, 1: two}) == {
        0: {"train.epochs": 1, "loss.matryoshka.dims": "[4, 2]"},
        1: {"train.epochs": 2, "loss.matryoshka.dims": None},
    }
    assert differing({0: one}) == {0: {}}
    assert flatten({"a": {"b": [1]}}, "k") == {"k.a.b": [1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (count(1, "query"), "1 query"), (count(2, "query"), "2 queries"), (count(0, "trial"), "0 trials"),
        (clip(" one\ntwo"), "one"), (clip(""), ""), (clip("abcdef", 4), "abc…"),
    ],
)  # fmt: skip
def test_words(text: str, expected: str) -> None:
    assert text == expected


def test_the_best_trial_stands_beside_its_own_base_model_and_the_best_untuned_one(inputs: Make, trial: Trial) -> None:
    made = inputs([trial(0, 0.7, facts={"base_model": "tiny"})])
    assert made.baseline is not None
    own = replace(made.baseline, value=0.5, facts={"base_model": "tiny"})
    other = replace(own, number=-2, value=0.65, facts={"base_model": "minilm"})
    made = replace(made, board=replace(made.board, baselines=(Entry(own), Entry(other))))
    headline = give_verdict(made).headline
    assert "0.2000 above the untuned tiny (0.5000) and 0.0500 above the untuned minilm (0.6500)" in headline
    assert made.untuned == 0.65
    swapped = replace(made, board=replace(made.board, baselines=(Entry(replace(own, value=0.68)), Entry(other))))
    assert "minilm" not in give_verdict(swapped).headline
    assert [row.cells[1] for row in trial_table(made).rows] == ["0", "untuned tiny", "untuned minilm"]
