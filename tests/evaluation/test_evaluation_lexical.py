from __future__ import annotations

import pytest

from embedtune.evaluation.lexical import score_bm25
from embedtune.records import RetrievalSet


def test_words_in_common_rank_first() -> None:
    data = RetrievalSet(
        {"a": "the red lamp", "b": "bell"},
        {"1": "a bell rings", "2": "a lamp in red", "3": "nothing"},
        {"a": frozenset({"2"}), "b": frozenset({"1"})},
    )
    found = score_bm25(data)
    assert found["map@100"] == found["accuracy@1"] == 1.0
    assert found["recall@10"] == 1.0


def test_ties_and_unknown_words_are_ranked_by_ascending_id() -> None:
    corpus = {"b": "same words", "a": "same words", "c": "other"}
    by_tie = score_bm25(RetrievalSet({"q": "same"}, corpus, {"q": frozenset({"b"})}))
    assert by_tie["map@100"] == pytest.approx(1 / 2)
    unknown = score_bm25(RetrievalSet({"q": "zzz"}, corpus, {"q": frozenset({"c"})}))
    assert unknown["map@100"] == pytest.approx(1 / 3)


def test_unicode_one_passage_and_texts_without_words() -> None:
    assert score_bm25(RetrievalSet({"q": "№7?"}, {"d": "café"}, {"q": frozenset({"d"})}))["map@100"] == 1.0
    assert score_bm25(RetrievalSet({"q": "..."}, {"d": "!", "e": "?"}, {"q": frozenset({"e"})}))["map@100"] == 0.5
