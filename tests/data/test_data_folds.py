from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data import folds_problems, make_folds
from embedtune.errors import ConfigError
from embedtune.records import TrainingSet


def training_set(rows: list[tuple[str, ...]], name: str = "rows") -> TrainingSet:
    columns = ("anchor", "positive", "negative")[: len(rows[0])]
    return TrainingSet(name, dict(zip(columns, zip(*rows, strict=True), strict=True)))


TWENTY = training_set([(f"question {i}", f"passage {i // 2}") for i in range(20)])

# Few distinct texts, so that rows share some; a query is never a passage, as in most data.
rows_of_texts = st.lists(
    st.tuples(st.integers(0, 30).map("q{}".format), st.integers(0, 30).map("p{}".format)), min_size=2, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(rows_of_texts, st.integers(2, 4))
def test_every_query_is_held_out_once_from_all_that_share_its_texts(rows: list[tuple[str, ...]], count: int) -> None:
    training = (training_set(rows),)
    if folds_problems(training, count):
        return
    folds = make_folds(training, count)
    held_out = [query for fold in folds for query in fold.held_out.queries.values()]
    assert sorted(held_out) == sorted({anchor for anchor, _ in rows})
    for fold in folds:
        trained = {text for part in fold.training for column in part.columns.values() for text in column}
        answers = {fold.held_out.corpus[key] for keys in fold.held_out.relevant.values() for key in keys}
        assert not trained & (set(fold.held_out.queries.values()) | answers)
        assert sorted(fold.held_out.corpus.values()) == sorted({positive for _, positive in rows})
        assert sum(map(len, fold.training)) > 0


def test_folds_are_of_equal_size_and_do_not_depend_on_the_order_of_rows() -> None:
    folds = make_folds((TWENTY,), 5)
    assert [len(fold.held_out.queries) for fold in folds] == [4] * 5
    assert [len(fold.training[0]) for fold in folds] == [16] * 5
    rows = list(zip(*TWENTY.columns.values(), strict=True))
    again = make_folds((training_set(rows[::-1]),), 5)
    assert [set(fold.held_out.queries) for fold in again] == [set(fold.held_out.queries) for fold in folds]


def test_a_query_in_two_rows_keeps_both_answers() -> None:
    rows = [("q", "p1"), ("q", "p2"), ("r", "p3"), ("s", "p4")]
    fold = next(fold for fold in make_folds((training_set(rows),), 2) if "q" in fold.held_out.queries.values())
    query = next(key for key, text in fold.held_out.queries.items() if text == "q")
    assert {fold.held_out.corpus[key] for key in fold.held_out.relevant[query]} == {"p1", "p2"}


def test_negatives_are_searched_but_hold_nothing_together() -> None:
    training = (training_set([(f"q{i}", f"p{i}", "the same negative ü") for i in range(4)]),)
    folds = make_folds(training, 4)
    assert all(len(fold.held_out.queries) == 1 for fold in folds)
    assert all("the same negative ü" in fold.held_out.corpus.values() for fold in folds)
    assert all(set(fold.training[0].columns) == {"anchor", "positive", "negative"} for fold in folds)


def test_several_sets_are_divided_together_and_each_evenly() -> None:
    small = training_set([(f"small question {i}", f"passage {i}") for i in range(4)], "small")
    folds = make_folds((TWENTY, small), 4)
    for fold in folds:
        assert [part.name for part in fold.training] == ["rows", "small"]
        assert 2 <= len(fold.training[1]) <= 4
        trained = {text for part in fold.training for column in part.columns.values() for text in column}
        assert not trained & set(fold.held_out.queries.values())


def test_more_folds_than_groups_is_a_problem() -> None:
    with pytest.raises(ConfigError, match=r"eval\.folds must not exceed the 10 groups of training rows .* but got 11"):
        make_folds((TWENTY,), 11)
    assert folds_problems((training_set([("a", "b"), ("a", "c")]),), 2)


def test_a_set_whose_rows_hang_together_is_a_problem() -> None:
    tied = training_set([(f"tied {i}", "one passage") for i in range(4)], "tied")
    (problem,) = folds_problems((TWENTY, tied), 2)
    assert "takes all of tied" in problem
