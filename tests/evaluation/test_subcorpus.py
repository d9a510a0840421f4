"""A part of a corpus: what is judged, the hardest, others; the same whatever the order of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from embedtune.config import EvalConfig
from embedtune.evaluation import evaluate_retrieval
from embedtune.evaluation.subcorpus import corpus_problems, draw, hardest, judged_passages, narrowed
from embedtune.records import RetrievalSet


def key(text: str) -> str:
    return text[::-1]


@st.composite
def tasks(draws: st.DrawFn) -> tuple[RetrievalSet, int, list[np.ndarray]]:
    passages = draws(st.integers(1, 30))
    ids = [f"d{number:02}" for number in range(passages)]
    queries = draws(st.integers(1, 5))
    answers = [draws(st.sets(st.sampled_from([*ids, "absent"]), min_size=1, max_size=4)) for _ in range(queries)]
    retrieval = RetrievalSet(
        {f"q{row}": "?" for row in range(queries)},
        {own: f"text {own}" for own in draws(st.permutations(ids))},
        {f"q{row}": frozenset(own) for row, own in enumerate(answers)},
        grades={"q0": {draws(st.sampled_from(ids)): 0.5}},
    )
    size = draws(st.integers(len(judged_passages(retrieval)), passages))
    depth = draws(st.integers(1, passages))
    rankings = [
        np.array([draws(st.permutations(range(passages)))[:depth] for _ in range(queries)], dtype=np.int64)
        for _ in range(2)
    ]
    return retrieval, size, rankings


@given(tasks())
def test_as_many_as_asked_for_with_all_that_is_judged(task: tuple[RetrievalSet, int, list[np.ndarray]]) -> None:
    retrieval, size, rankings = task
    drawn = draw(retrieval, size, rankings, key)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == size
    assert judged_passages(retrieval) <= set(drawn) <= set(retrieval.corpus)
    again = replace(retrieval, corpus=dict(sorted(retrieval.corpus.items())))
    assert draw(again, size, rankings, key) == drawn
    assert list(narrowed(retrieval, drawn).corpus) == drawn


def test_the_hardest_come_rank_by_rank_and_the_rest_by_key() -> None:
    ids = [f"d{number}" for number in range(10)]
    retrieval = RetrievalSet({"q": "?"}, {own: own for own in ids}, {"q": frozenset({"d0"})})
    rankings = [np.array([[9, 0, 8, 7]]), np.array([[6, 5, 4, 3]])]
    assert draw(retrieval, 5, rankings, key) == ["d0", "d1", "d5", "d6", "d9"]  # three quarters of four are hard


def test_a_passage_left_out_of_a_ranking_may_be_left_out_of_the_corpus() -> None:
    retrieval = RetrievalSet({"d1": "?"}, {"d0": "a", "d1": "b"}, {"d1": frozenset({"d0"})}, own=frozenset({"d1"}))
    assert narrowed(retrieval, ["d0"]).own == frozenset()
    assert narrowed(retrieval, ["d0", "d1"]).own == {"d1"}


def test_a_model_and_words_find_the_hardest(tiny: SentenceTransformer, small_set: RetrievalSet) -> None:
    by_model, by_words = hardest(tiny, small_set, 8, cosine=True)
    assert by_model.shape == by_words.shape == (len(small_set.queries), len(small_set.corpus))
    ids = sorted(small_set.corpus)
    first = [
        ids[place] in small_set.relevant[query] for query, place in zip(small_set.queries, by_model[:, 0], strict=True)
    ]
    scores = evaluate_retrieval(tiny, small_set, [64]).metrics["64"]["cosine_accuracy@1"]
    assert np.mean(first) == pytest.approx(scores)


@pytest.mark.parametrize(("size", "count"), [(None, 0), (9, 1), (10, 0), (1_000, 0)])
def test_too_few_for_what_is_judged_is_a_problem(small_set: RetrievalSet, size: int | None, count: int) -> None:
    assert len(list(corpus_problems(small_set, EvalConfig(corpus=size)))) == count
