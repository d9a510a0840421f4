from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.records import Evaluation, Interruption, State, TrialRecord
from embedtune.reporting.page.findings.advice import Advice, give_advice
from embedtune.reporting.page.findings.edges import find_edge
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.verdict import give_verdict, within_one_query

Make = Callable[..., ReportInputs]
Trial = Callable[..., TrialRecord]
RATE, BATCH, EPOCHS = "train.learning_rate", "train.batch_size", "train.epochs"
DEFAULT = {RATE: 5e-5, BATCH: 32}


def found(study: ReportInputs, start: str) -> Advice:
    (advice,) = [advice for advice in give_advice(study) if advice.do.startswith(start)]
    return advice


def absent(study: ReportInputs, start: str) -> bool:
    return not any(advice.do.startswith(start) for advice in give_advice(study))


def evaluations(*values: float) -> tuple[Evaluation, ...]:
    return tuple(Evaluation(10 * i, float(i), value, {}, 1.0, i) for i, value in enumerate(values, start=1))


def test_verdict_names_best_untuned_and_default(inputs: Make, trial: Trial) -> None:
    records = [trial(0, 0.6, params=DEFAULT), trial(1, 0.75), trial(2, 0.5, State.PRUNED), trial(3, None, State.FAIL)]
    verdict = give_verdict(inputs(records, 0.5))
    assert verdict.headline == (
        "Trial 1 is best with cosine_map@100 0.7500 at 64 dimensions: 0.2500 above the untuned tiny (0.5000) and "
        "0.1500 above the default recipe, trial 0 (0.6000)."
    )
    assert verdict.outcome == "Of 4 trials: 2 complete, 1 pruned, 1 failed."
    assert verdict.support == (
        "The best 3 trials lie within 0.2500 of each other (0.7500, 0.6000, 0.5000). Each score is a mean over "
        "100 queries, so one query can move it by 0.0100; the lead of the first trial is 0.1500."
    )


def test_verdict_says_when_the_first_two_are_as_good_as_equal(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.700), trial(1, 0.705)])
    assert within_one_query(study)
    assert "less than that, and the first two trials are as good as equal." in give_verdict(study).support
    assert (
        found(study, "Evaluate on more queries").why
        == "The lead of 0.0050 is less than one query of 100 can move a score."
    )
    for queries in (1000, None):
        assert not within_one_query(inputs([trial(0, 0.700), trial(1, 0.705)], queries=queries))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.4, "Trial 0 (the default recipe) is best with cosine_map@100 0.4000 at 64 dimensions: 0.1000 below the "
              "untuned tiny (0.5000)."),
        (0.5, "as good as the untuned tiny (0.5000)."),
    ],
)  # fmt: skip
def test_verdict_without_gain(inputs: Make, trial: Trial, value: float, says: str) -> None:
    study = inputs([trial(0, value, params=DEFAULT)])
    assert says in give_verdict(study).headline
    assert give_verdict(study).support.startswith("No other trial has a score to compare it with.")
    assert found(study, "Train more gently").why == "No trial is above the untuned model (0.5000)."


def test_verdict_without_any_score(inputs: Make, trial: Trial) -> None:
    verdict = give_verdict(inputs([trial(i, None, State.FAIL, reason="RuntimeError: no") for i in range(2)]))
    assert verdict.headline == "No trial has a score. Most common reason: RuntimeError: no"
    assert verdict.outcome == "Of 2 trials: 2 failed."
    assert give_verdict(inputs([])).outcome == "No trial has begun."


def test_verdict_says_that_the_best_was_pruned(inputs: Make, trial: Trial) -> None:
    headline = give_verdict(inputs([trial(0, 0.7, State.PRUNED)])).headline
    assert headline.endswith("It was pruned, so its score is of less training.")


def test_failures_alike_come_first(inputs: Make, trial: Trial) -> None:
    records = [trial(i, None, State.FAIL, reason=f"RuntimeError: {i} bytes\nmore") for i in range(2)]
    study = inputs([*records, trial(2, None).broken_off(Interruption.DIED, "x"), trial(3, 0.7)])
    advice = give_advice(study)[0]
    assert advice.do == "Fix first what makes trials fail: RuntimeError: 0 bytes"
    assert advice.why.startswith("2 of 4 trials failed with it")
    assert "trials/0000/trial.log" in advice.why


def test_trials_on_a_part_of_their_rows_are_told(inputs: Make, trial: Trial) -> None:
    records = [trial(0, 0.7, facts={"rows_share": 0.45}), trial(1, 0.6, facts={"rows_share": 0.95}), trial(2, 0.5)]
    advice = found(inputs(records), "Take train.batch_sampler=plain")
    assert advice.why.startswith(
        "1 of 3 trials saw less than 90% of the rows that train.epochs asks for; trial 0 saw 45%"
    )
    assert absent(inputs(records[1:]), "Take train.batch_sampler=plain")


def test_one_failure_is_not_a_pattern(inputs: Make, trial: Trial) -> None:
    assert absent(inputs([trial(0, None, State.FAIL, reason="x"), trial(1, 0.7)]), "Fix first")


def test_edge_is_found_on_the_log_scale(inputs: Make, trial: Trial) -> None:
    advice = found(inputs([trial(0, 0.7, params={RATE: 9e-4, BATCH: 32})]), f"Search {RATE}")
    assert advice.do == "Search train.learning_rate above 0.001, in a new study."
    assert advice.why == "Trial 0 took 0.0009, at the upper end of what was searched (log scale)."
    assert advice.override == "train.learning_rate='tag(log, interval(1e-05, 0.003))'"
    assert absent(inputs([trial(0, 0.7, params={RATE: 7e-4, BATCH: 32})]), f"Search {RATE}")


@pytest.mark.parametrize(
    ("distribution", "value", "widened"),
    [
        (FloatDistribution(0.2, 1.0), 0.99, "interval(0.2, 1.4)"),
        (FloatDistribution(0.2, 1.0), 0.2, "interval(0.1, 1)"),
        (FloatDistribution(0.0, 1.0), 0.0, None),
        (FloatDistribution(1e-5, 3e-4, log=True), 1e-5, "tag(log, interval(3.3e-06, 0.0003))"),
        (FloatDistribution(0.0, 1.0, step=0.25), 1.0, "range(0, 1.5, 0.25)"),
        (FloatDistribution(1.0, 1.0), 1.0, None),
        (FloatDistribution(0.0, 1.0), 0.5, None),
        (IntDistribution(1, 5), 5, "range(1, 7)"),
        (IntDistribution(1, 5), 1, None),
        (IntDistribution(8, 64, log=True), 64, "tag(log, range(8, 192))"),
        (IntDistribution(10, 30, step=10), 30, "range(10, 40, 10)"),
        (CategoricalDistribution([16, 64, 32]), 64, "choice(16, 32, 64, 128)"),
        (CategoricalDistribution([16, 64, 32]), 16, "choice(8, 16, 32, 64)"),
        (CategoricalDistribution([16, 64, 32]), 32, None),
        (CategoricalDistribution([16, 32]), 32, None),
        (CategoricalDistribution([0.0, 0.1, 0.2]), 0.2, "choice(0, 0.1, 0.2, 0.3)"),
        (CategoricalDistribution([0.0, 0.1, 0.2]), 0.0, None),
        (CategoricalDistribution([1, 2, 3]), 1, None),
        (CategoricalDistribution(["a", "b", "c"]), "a", None),
        (CategoricalDistribution([1, 2, None]), 1, None),
    ],
)
def test_find_edge(distribution: BaseDistribution, value: Any, widened: str | None) -> None:
    edge = find_edge("k", distribution, value)
    assert (edge.widened if edge else None) == widened


@settings(deadline=None, max_examples=100)
@given(st.floats(1e-6, 10), st.floats(1.1, 100), st.booleans(), st.floats(0, 1))
def test_widened_ranges_hold_the_old_ones_and_parse(low: float, ratio: float, log: bool, share: float) -> None:
    high = low * ratio
    edge = find_edge("train.learning_rate", FloatDistribution(low, high, log=log), low + share * (high - low))
    if edge is not None:
        (override,) = OverridesParser.create().parse_overrides([f"{edge.key}={edge.widened}"])
        sweep: Any = override.value()
        assert 0 < sweep.start <= low * 1.00001
        assert sweep.end >= high * 0.99999
        assert sweep.end - sweep.start > high - low


def test_equal_weights_are_no_edge(inputs: Make, trial: Trial) -> None:
    names = [f"loss.matryoshka.weights.{dim}" for dim in (64, 32)]
    space = dict.fromkeys(names, FloatDistribution(0.2, 1.0))
    level = inputs([trial(0, 0.7, params=dict.fromkeys(names, 1.0))], distributions=space)
    assert absent(level, "Search loss")
    uneven = inputs([trial(0, 0.7, params={names[0]: 1.0, names[1]: 0.5})], distributions=space)
    assert found(uneven, f"Search {names[0]} above 1")


def test_best_at_the_last_epoch_trains_longer(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.7)])
    advice = found(study, "Train longer")
    assert advice.override == "train.epochs=4"
    assert advice.why == "Trial 0 was best at its last evaluation, epoch 2 (0.6900, then 0.7000)."
    assert absent(inputs([trial(0, 0.7, State.PRUNED)]), "Train longer")
    assert absent(replace(study, evaluations={0: evaluations(0.7)}), "Train longer")


@pytest.mark.parametrize(("epochs", "override"), [(4, "train.epochs='choice(1, 2, 4, 8)'"), (2, None)])
def test_searched_epochs_are_widened_only_at_their_edge(
    inputs: Make, trial: Trial, epochs: int, override: str | None
) -> None:
    space = {EPOCHS: CategoricalDistribution([1, 2, 4])}
    given_advice = give_advice(inputs([trial(0, 0.7, params={EPOCHS: epochs})], distributions=space))
    assert [a.override for a in given_advice if a.do.startswith(("Train longer", "Search"))] == [override] * bool(
        override
    )


def test_best_at_the_first_epoch_trains_less(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.7, best_step=10)])
    falling = replace(study, evaluations={0: evaluations(0.7, 0.6, 0.5)})
    assert found(falling, "Train for fewer epochs").why == (
        "Trial 0 was best at the first of its 3 evaluations, epoch 1, and fell from 0.7000 to 0.5000."
    )
    assert absent(replace(study, evaluations={0: evaluations(0.7, 0.6)}), "Train for fewer")


def test_few_complete_trials_ask_for_more(inputs: Make, trial: Trial) -> None:
    advice = found(inputs([trial(i, 0.6 + i / 10) for i in range(3)]), "Run more trials")
    assert advice.override == "study.n_trials=20"
    assert advice.why.startswith("3 trials complete: too few")


def test_one_parameter_that_explains_most(inputs: Make, many: Callable[[int], list[TrialRecord]]) -> None:
    advice = found(inputs(many(60)), f"Search {RATE} more finely")
    assert "of the variance between" in advice.why


def test_choices_never_tried(inputs: Make, trial: Trial) -> None:
    advice = found(inputs([trial(0, 0.7)]), "Do not rule out")
    assert advice.do == "Do not rule out what was never tried: train.batch_size=16, train.batch_size=64."
    records = [trial(i, 0.7, params={RATE: 1e-4, BATCH: size}) for i, size in enumerate((16, 32, 64))]
    assert absent(inputs(records), "Do not rule out")


def test_settled_search_stops(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.9), *(trial(i, 0.7) for i in range(1, 12))])
    assert found(study, "Stop here").why == "The last 11 of 12 trials found nothing better."
    assert absent(inputs([trial(0, 0.9), trial(1, 0.7)]), "Stop here")


def test_unfinished_budget_goes_on(inputs: Make, trial: Trial) -> None:
    study = inputs([trial(0, 0.7)], definition={"n_trials": 5})
    assert found(study, "Finish the budget").why == "1 of 5 trials have ended."


def test_release_is_for_a_gain_whose_weights_are_there(inputs: Make, trial: Trial) -> None:
    kept = inputs([trial(0, 0.7, checkpoint="x")])
    assert found(kept, "Confirm trial 0 on the test split").override == "python -m embedtune release study.name=s"
    assert absent(inputs([trial(0, 0.7)]), "Confirm")
    assert absent(inputs([trial(0, 0.4, checkpoint="x")]), "Confirm")


def test_every_study_gets_advice_without_crashing(odd: ReportInputs) -> None:
    for advice in give_advice(odd):
        assert advice.do
        assert advice.why
    assert give_verdict(odd).headline
