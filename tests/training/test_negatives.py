"""Mined negatives: the passages ranked highest that answer the query nowhere."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from embedtune.config import NegativesConfig
from embedtune.errors import TrialError
from embedtune.records import RetrievalSet, TrainingSet
from embedtune.training import Miner, mine, with_negatives
from embedtune.training.negatives import Mined


def miner(
    model: SentenceTransformer, count: int = 2, margin: float | None = None, ranks: tuple[int, int] = (0, 100)
) -> Miner:
    return Miner(model, None, NegativesConfig(count=count, margin=margin, range=list(ranks)), 8, 0)


def found(own: Miner, *training: TrainingSet, **splits: RetrievalSet) -> list[Mined]:
    return mine(own, training, splits)


def ranked(model: SentenceTransformer, anchor: str, passages: list[str]) -> list[str]:
    """By brute force."""
    texts = list(dict.fromkeys(passages))
    scores = model.encode_document(texts, normalize_embeddings=True) @ model.encode_query(
        anchor, normalize_embeddings=True
    )
    return [texts[place] for place in np.argsort(-scores, kind="stable")]


def test_the_highest_that_answer_nothing(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    (mined,) = found(miner(tiny, 3), small_training)
    assert mined.filled == 0
    anchors, positives = small_training.columns["anchor"], small_training.columns["positive"]
    for anchor, positive, negatives in zip(anchors, positives, mined.rows, strict=True):
        others = [text for text in ranked(tiny, anchor, list(positives)) if text != positive]
        assert list(negatives) == others[:3]


def test_no_passage_that_answers_the_query_in_any_row_or_split(tiny: SentenceTransformer) -> None:
    rows = TrainingSet(
        "rows",
        {"anchor": ("who", "Who ", "what", "where"), "positive": ("a", "b", "c", "d")},
    )
    split = RetrievalSet({"q": "WHO"}, {"1": "c", "2": "unseen"}, {"q": frozenset({"1", "2"})})
    (mined,) = found(miner(tiny, 4), rows, test=split)
    assert set(mined.rows[0]) == set(mined.rows[1]) == {"d"}
    assert mined.filled > 0
    assert not any("unseen" in row for row in mined.rows), "it is in no training corpus"


def test_repeated_texts_of_an_answer_are_none(tiny: SentenceTransformer) -> None:
    rows = TrainingSet("rows", {"anchor": ("q1", "q2", "q3"), "positive": ("The  Answer", "the answer", "other")})
    (mined,) = found(miner(tiny, 1), rows)
    assert mined.rows[0] == mined.rows[1] == ("other",)


def test_negatives_that_the_rows_have_are_not_mined_again(
    tiny: SentenceTransformer, small_training: TrainingSet
) -> None:
    (first,) = found(miner(tiny, 1), small_training)
    own = replace(small_training, columns={**small_training.columns, "negative": tuple(row[0] for row in first.rows)})
    (second,) = found(miner(tiny, 1), own)
    assert all(row[0] != negative for row, negative in zip(second.rows, own.columns["negative"], strict=True))
    both = with_negatives(own, second.rows)
    assert list(both.columns) == ["anchor", "positive", "negative_1", "negative_2"]
    assert both.columns["negative_1"] == own.columns["negative"]


def test_many_negatives_of_the_rows_leave_the_next_ones(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    (first,) = found(miner(tiny, 7), small_training)
    given = {f"negative_{place + 1}": tuple(row[place] for row in first.rows) for place in range(7)}
    own = replace(small_training, columns={**small_training.columns, **given})
    (mined,) = found(miner(tiny, 1), own)
    assert mined.filled == 0


def test_a_set_keeps_its_prompts(small_training: TrainingSet) -> None:
    own = replace(small_training, prompts={"query": "ask: "})
    assert with_negatives(own, [("a",)] * len(own)).prompts == {"query": "ask: "}
    assert own.select([0, 1]).prompts == {"query": "ask: "}


def test_the_corpus_of_the_training_split_is_searched(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    text = small_training.columns["anchor"][0]  # as similar to the first query as can be
    corpus = RetrievalSet({"q": "another"}, {"d": text + "!"}, {"q": frozenset({"d"})})
    (without,), (within,) = found(miner(tiny, 1), small_training), found(miner(tiny, 1), small_training, train=corpus)
    assert text + "!" not in {negative for row in without.rows for negative in row}
    assert text + "!" in {negative for row in within.rows for negative in row}


def test_a_margin_leaves_out_what_is_close_to_the_answer(
    tiny: SentenceTransformer, small_training: TrainingSet
) -> None:
    (mined,) = found(miner(tiny, 1, margin=0.02), small_training)
    plain = found(miner(tiny, 1), small_training)[0]
    assert mined.rows != plain.rows
    anchors, positives = small_training.columns["anchor"], small_training.columns["positive"]
    drawn = 0
    for anchor, positive, (negative,) in zip(anchors, positives, mined.rows, strict=True):
        query, answer, other = tiny.encode([anchor, positive, negative], normalize_embeddings=True)
        drawn += query @ other > query @ answer * 0.98 + 1e-6
    assert drawn <= mined.filled


def test_ranks(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    (mined,) = found(miner(tiny, 1, ranks=(2, 6)), small_training)
    anchors, positives = small_training.columns["anchor"], small_training.columns["positive"]
    for anchor, positive, negatives in zip(anchors, positives, mined.rows, strict=True):
        others = [text for text in ranked(tiny, anchor, list(positives)) if text != positive]
        assert negatives[0] in others[1:6]


def test_the_same_again(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    assert found(miner(tiny, 12), small_training) == found(miner(tiny, 12), small_training)


def test_a_single_passage_leaves_nothing_to_mine(tiny: SentenceTransformer) -> None:
    rows = TrainingSet("rows", {"anchor": ("a", "b"), "positive": ("same", "same")})
    with pytest.raises(TrialError, match=r"train\.negatives\.count must be 0"):
        found(miner(tiny, 1), rows)


def test_a_set_is_mined_with_its_own_prompts(tiny: SentenceTransformer, small_training: TrainingSet) -> None:
    prompts = {"query": "ask about the following: ", "document": "answer: "}
    own = replace(small_training, name="own", prompts=prompts)
    plain, asked = found(miner(tiny, 3), small_training, own)
    model = copy.copy(tiny)
    model.prompts = {**tiny.prompts, **prompts}
    assert asked == found(miner(model, 3), small_training)[0]
    assert plain == found(miner(tiny, 3), small_training)[0] != asked
