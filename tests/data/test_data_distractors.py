from __future__ import annotations

from embedtune.data import add_distractors
from embedtune.records import RetrievalSet, TrainingSet

DATA = RetrievalSet(
    {"q1": "Who lit the lamp?"}, {"d1": "The keeper lit it.", "d2": "A harbour, café."}, {"q1": frozenset({"d1"})}
)


def passages(*rows: tuple[str, ...]) -> list[str]:
    columns = ("anchor", "positive", "negative")[: len(rows[0])]
    training = TrainingSet("t", dict(zip(columns, zip(*rows, strict=True), strict=True)))
    found = add_distractors(DATA, (training,))
    assert found.queries == DATA.queries
    assert found.relevant == DATA.relevant
    assert {key: found.corpus[key] for key in DATA.corpus} == DATA.corpus
    return [text for key, text in found.corpus.items() if key not in DATA.corpus]


def test_positives_and_negatives_join_once() -> None:
    assert passages(("a", "new", "newer"), ("b", "new", "日本")) == ["new", "newer", "日本"]


def test_repetitions_of_a_passage_stay_out() -> None:
    assert passages(("a", "the  KEEPER lit it.\n"), ("b", "a harbour, CAFÉ.")) == []


def test_other_answers_to_a_query_stay_out() -> None:
    assert passages(("who lit the lamp?", "Its keeper."), ("who lit the fire?", "The cook.")) == ["The cook."]


def test_nothing_to_train_on_adds_nothing() -> None:
    assert add_distractors(DATA, ()).corpus == DATA.corpus
