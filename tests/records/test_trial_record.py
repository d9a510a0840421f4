"""Records survive JSON, and derive what they promise."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.records import (
    DatasetFacts,
    Evaluation,
    Interruption,
    RetrievalScores,
    State,
    TrainingFacts,
    TrainingSet,
    TrialRecord,
)

text = st.text(max_size=8)
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 2**47)
scalars = st.none() | st.booleans() | st.integers() | number | text
metrics = st.dictionaries(st.sampled_from(["384", "64"]), st.dictionaries(text, number, max_size=3))

records = st.builds(
    TrialRecord,
    study=text,
    number=st.integers(-1, 20_000),
    state=st.sampled_from(State),
    params=st.dictionaries(text, scalars, max_size=3),
    value=st.none() | number,
    best_step=st.none() | count,
    best_epoch=st.none() | number,
    metrics=metrics,
    reason=st.none() | text,
    interrupted=st.none() | st.sampled_from(Interruption),
    run_id=st.none() | text,
    checkpoint=st.none() | text,
    started=count,
    seconds=number,
    facts=st.dictionaries(text.map("fact {}".format), scalars | st.dictionaries(text, text, max_size=2), max_size=3),
)
evaluations = st.builds(
    Evaluation,
    step=count,
    epoch=number,
    value=number,
    metrics=metrics,
    seconds=number,
    timestamp=count,
    loss=st.none() | number,
    learning_rate=st.none() | number,
)


@settings(max_examples=40, deadline=None)
@given(records)
def test_trial_record_survives_json(record: TrialRecord) -> None:
    copy = TrialRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert copy == record
    assert type(copy.state) is State
    assert set(record.to_dict()) == {field.name for field in fields(TrialRecord)}


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (State.FAIL, "interrupted", Interruption.STOPPED),
        (State.FAIL, "interrupted: its worker died", Interruption.DIED),
        (State.FAIL, "interrupted: RuntimeError: CUDA error", Interruption.DIED),
        (State.FAIL, "interruptedly: no", None),
        (State.FAIL, "RuntimeError: no", None),
        (State.FAIL, None, None),
        (State.PRUNED, "interrupted", None),
        (State.COMPLETE, None, None),
    ],
)
def test_records_of_older_versions_tell_an_interruption_by_their_reason(
    state: State, reason: str | None, expected: Interruption | None
) -> None:
    values = TrialRecord("s", 0, state, reason=reason).to_dict()
    del values["interrupted"]
    assert TrialRecord.from_dict(values).interrupted is expected


@pytest.mark.parametrize("why", Interruption)
def test_a_trial_that_broke_off_says_so_as_older_versions_do(why: Interruption) -> None:
    record = TrialRecord("s", 0, State.RUNNING).broken_off(why, "said" if why is Interruption.DIED else "")
    assert record.reason == ("interrupted: said" if why is Interruption.DIED else "interrupted")
    older = record.to_dict()
    del older["interrupted"]
    assert TrialRecord.from_dict(older) == record


@settings(max_examples=40, deadline=None)
@given(evaluations)
def test_evaluation_survives_json(evaluation: Evaluation) -> None:
    assert Evaluation(**json.loads(json.dumps(asdict(evaluation), ensure_ascii=False))) == evaluation


def test_trial_record_is_named_like_its_folder() -> None:
    baseline, seventh = TrialRecord("s", -1, State.COMPLETE), TrialRecord("s", 7, State.PRUNED)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    assert (seventh.name, seventh.is_baseline) == ("0007", False)


def test_trial_record_of_an_unknown_state_is_refused() -> None:
    values = TrialRecord("s", 0, State.FAIL).to_dict() | {"state": "lost"}
    with pytest.raises(ValueError, match="lost"):
        TrialRecord.from_dict(values)


def test_trial_record_cannot_be_changed() -> None:
    record = TrialRecord("s", 0, State.RUNNING)
    with pytest.raises(FrozenInstanceError):
        record.state = State.COMPLETE


def test_states_are_optuna_s() -> None:
    assert {state.value for state in State} == {state.name.lower() for state in optuna.trial.TrialState}


def test_training_facts_survive_json() -> None:
    facts = TrainingFacts(
        losses=("MatryoshkaLoss", "MultipleNegativesRankingLoss"),
        loss_parameters={"matryoshka_dims": [64, 32]},
        citations={"MatryoshkaLoss": "@misc{...}"},
        hyperparameters={"learning_rate": 5e-5, "seed": 42},
        non_default=("learning_rate",),
        datasets=(
            DatasetFacts("small", 30, {"anchor": {"min": 3, "mean": 4.5, "max": 9}}, ({"anchor": "wër\u2028"},)),
        ),
        architecture="SentenceTransformer(...)",
        base_model="tiny",
        base_revision=None,
        dimension=64,
        max_seq_length=64,
        similarity="cosine",
        device="cpu",
        precision="fp32",
        versions={"torch": "2"},
    )
    copy = TrainingFacts.from_dict(json.loads(json.dumps(asdict(facts))))
    assert copy == facts


def test_retrieval_scores_average_over_queries() -> None:
    scores = RetrievalScores(("a", "b"), {64: {"dot_map@100": np.array([0.25, 0.75])}, 8: {"dot_map@100": np.zeros(2)}})
    assert scores.metrics == {"64": {"dot_map@100": 0.5}, "8": {"dot_map@100": 0.0}}
    assert list(scores.metrics) == ["64", "8"]
    assert json.loads(json.dumps(scores.metrics)) == scores.metrics


def test_training_set_is_as_long_as_its_columns(small_training: TrainingSet) -> None:
    assert len(small_training) == 30
