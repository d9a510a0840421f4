from __future__ import annotations

from typing import Any

import pytest

from embedtune.config import Baselines
from embedtune.inspection.baselines import judged_split, left_out, score_baselines
from embedtune.inspection.lengths import EDGES, SAMPLE, count_tokens
from embedtune.records import RetrievalSet, TaskData


def test_tokens_are_counted_with_prompt_and_before_the_cut(tiny: Any) -> None:
    texts = ["one", "two words", "long " * 500]
    found = count_tokens(tiny, "document", "", texts)
    prompted = count_tokens(tiny, "document", "passage: ", texts)
    assert found is not None
    assert prompted is not None
    by_hand = [len(tiny.tokenizer(text, truncation=False)["input_ids"]) for text in texts]
    assert (found.largest, found.median) == (max(by_hand), sorted(by_hand)[1])
    assert found.limit == tiny.max_seq_length
    assert found.cut == sum(count > tiny.max_seq_length for count in by_hand) == 1
    assert sum(found.histogram.values()) == found.counted == found.total == 3
    assert prompted.mean > found.mean
    assert set(found.histogram) <= {*map(str, EDGES), "more"}


def test_a_large_set_is_sampled_evenly_and_an_empty_one_is_not_counted(tiny: Any) -> None:
    found = count_tokens(tiny, "query", "", ["a"] * (SAMPLE + 1))
    assert found is not None
    assert found.total == SAMPLE + 1
    assert SAMPLE / 2 <= found.counted <= SAMPLE
    assert count_tokens(tiny, "query", "", []) is None


def test_both_baselines_on_validation_and_never_on_test(tiny: Any, small_set: RetrievalSet) -> None:
    scores = score_baselines(small_set, tiny)
    assert set(scores) == {"bm25", "untuned"}
    assert scores["bm25"]["map@100"] == pytest.approx(1.0, abs=0.02), "queries name their passage's subject"
    assert score_baselines(small_set, None).keys() == {"bm25"}
    only_test = TaskData("t", "s", (), {"test": small_set}, {})
    assert judged_split(only_test) is None
    assert judged_split(TaskData("t", "s", (), {"train": small_set, "validation": small_set}, {})) == "validation"


def test_what_takes_long_is_left_out_and_said(small_set: RetrievalSet) -> None:
    large = RetrievalSet({"q": "a"}, {str(i): "a" for i in range(6000)}, {"q": frozenset({"0"})})
    assert left_out(small_set, Baselines.auto) is None
    assert "6,001 texts" in str(left_out(large, Baselines.auto))
    assert left_out(large, Baselines.all) is None
    assert "data.baselines=none" in str(left_out(small_set, Baselines.none))
