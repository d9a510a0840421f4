from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data.digest import retrieval_digest, text_id, training_digest
from embedtune.records import RetrievalSet, TrainingSet

pairs = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), min_size=1, max_size=8)
pure = settings(deadline=None, max_examples=50)


def numbered(rows: list[tuple[str, str]], prefix: str = "") -> RetrievalSet:
    """One query and one passage a row, equal texts included."""
    ids = [f"{prefix}{i}" for i in range(len(rows))]
    queries = dict(zip(ids, (query for query, _ in rows), strict=True))
    corpus = dict(zip(ids, (passage for _, passage in rows), strict=True))
    return RetrievalSet(queries, corpus, {row: frozenset({row}) for row in ids})


@pure
@given(rows=pairs, order=st.randoms())
def test_digest_ignores_ids_and_order(rows: list[tuple[str, str]], order: random.Random) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert retrieval_digest(numbered(rows)) == retrieval_digest(numbered(shuffled, "other"))


@pure
@given(one=pairs, other=pairs)
def test_digest_tells_different_content_apart(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    same = sorted(one) == sorted(other)
    assert (retrieval_digest(numbered(one)) == retrieval_digest(numbered(other))) == same


def test_digest_sees_relevance_distractors_and_repeated_passages() -> None:
    queries, corpus = {"q": "query"}, {"a": "one", "b": "two"}
    base = RetrievalSet(queries, corpus, {"q": frozenset("a")})
    variants = [
        RetrievalSet(queries, corpus, {"q": frozenset("b")}),
        RetrievalSet(queries, corpus, {"q": frozenset("ab")}),
        RetrievalSet(queries, {"a": "one"}, {"q": frozenset("a")}),
        RetrievalSet(queries, corpus | {"c": "two"}, {"q": frozenset("a")}),
    ]
    assert len({retrieval_digest(data) for data in [base, *variants]}) == 5


def test_training_digest_is_of_all_rows_whatever_set_they_are_in() -> None:
    both = TrainingSet("all", {"anchor": ("a", "b"), "positive": ("p", "q")})
    first = TrainingSet("first", {"anchor": ("a",), "positive": ("p",)})
    second = TrainingSet("second", {"anchor": ("b",), "positive": ("q",)})
    swapped = TrainingSet("all", {"anchor": ("a", "b"), "positive": ("q", "p")})
    assert training_digest([both]) == training_digest([second, first])
    assert len({training_digest(sets) for sets in ([both], [first], [swapped], [both, first])}) == 4


def test_text_id_is_short_and_known() -> None:
    assert text_id("") == "e3b0c44298fc1c14"


def test_digest_of_known_content_stays_what_it_was() -> None:
    assert (
        retrieval_digest(numbered([("q", "p")])) == "69168f838e1c33a1923b2b31d365ce015652e38dcc73760365af7af7056cb5e4"
    )
