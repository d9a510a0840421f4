"""Which rows stand together, and how much a training trains."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

from embedtune.config import BatchSampler, Config, DataConfig, Mix, ModelConfig, TrainConfig
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, planned, too_few_rows, train_model
from embedtune.training.batches import Apart, Row, first_fit

rows_of_texts = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40)
sizes = st.integers(2, 8)


def pairs(rows: list[tuple[int, int]]) -> TrainingSet:
    """Anchors and positives by number; an anchor may be a positive elsewhere."""
    columns = {"anchor": tuple(f"t{a}" for a, _ in rows), "positive": tuple(f"t{b}" for _, b in rows)}
    return TrainingSet("pairs", columns)


def answers(rows: int, distinct: int, name: str = "pairs") -> TrainingSet:
    """Questions that are all different, and few answers."""
    columns = {
        "anchor": tuple(f"q{i}" for i in range(rows)),
        "positive": tuple(f"a{i % distinct}" for i in range(rows)),
    }
    return TrainingSet(name, columns)


def apart(part: TrainingSet, size: int, epochs: int = 3) -> Apart:
    return Apart(tuple(part.columns.values()), size, 42, epochs)


def of_the_library(part: TrainingSet, size: int, epoch: int) -> list[list[int]]:
    """Every batch of one pass; what the trainer leaves out for its estimate of their number is here too."""
    dataset = Dataset.from_dict({name: list(texts) for name, texts in part.columns.items()})
    sampler = NoDuplicatesBatchSampler(dataset, size, False, generator=torch.Generator(), seed=42)
    sampler.set_epoch(epoch)
    return list(sampler)


@settings(max_examples=150, deadline=None)
@given(rows_of_texts, sizes, st.integers(0, 2))
def test_batches_are_those_of_the_library(rows: list[tuple[int, int]], size: int, epoch: int) -> None:
    part = pairs(rows)
    expected, batches = of_the_library(part, size, epoch), apart(part, size)
    assume(len(expected) >= math.ceil(len(rows) / size))  # else it draws rows again
    found = batches.batches(epoch)
    left_out = [batch for batch in expected if batch not in found]
    assert [batch for batch in expected if batch in found] == found
    assert len(found) == len(batches)
    needed = math.ceil(len(rows) / size)
    assert all(len(batch) <= min(map(len, found)) for batch in left_out)
    if len(expected) == needed:  # nothing is left over
        assert found == expected


@settings(max_examples=150, deadline=None)
@given(rows_of_texts, sizes)
def test_no_text_comes_twice_in_a_batch_and_no_row_twice_in_an_epoch(rows: list[tuple[int, int]], size: int) -> None:
    batches = apart(pairs(rows), size)
    for epoch in range(3):
        seen = [row for batch in batches.batches(epoch) for row in batch]
        assert len(seen) == len(set(seen))
        for batch in batches.batches(epoch):
            counts = Counter(text for row in batch for text in set(rows[row]))
            assert set(counts.values()) == {1}
            assert 1 <= len(batch) <= size
        assert batches.sizes(epoch) == [len(batch) for batch in batches.batches(epoch)]
        assert len(batches.sizes(epoch)) == len(batches)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 9), min_size=1, max_size=3), max_size=40), sizes)
def test_first_fit_is_what_its_name_says(rows: list[frozenset[int]], size: int) -> None:
    naive: list[list[int]] = []
    for row, own in enumerate(rows):
        fits = (b for b in naive if len(b) < size and all(rows[other].isdisjoint(own) for other in b))
        batch = next(fits, None)
        if batch is None:
            naive.append(batch := [])
        batch.append(row)
    assert first_fit([Row(own, own) for own in rows], range(len(rows)), size) == naive


judged = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(judged, sizes, st.integers(0, 2), st.booleans())
def test_no_row_holds_an_answer_to_the_query_of_another(
    rows: list[tuple[int, int, int]], size: int, epoch: int, negatives: bool
) -> None:
    columns = {"anchor": tuple(f"q{a}" for a, _, _ in rows), "positive": tuple(f"P  {b}" for _, b, _ in rows)}
    columns |= {"negative": tuple(f"p {c}" for _, _, c in rows)} if negatives else {}
    batches = Apart(tuple(columns.values()), size, 42, 3, by_relevance=True)
    answers_of = {a: {b for other, b, _ in rows if other == a} for a, _, _ in rows}
    for batch in batches.batches(epoch):
        assert 1 <= len(batch) <= size
        for one, other in permutations(batch, 2):
            passages = {rows[other][1], *([rows[other][2]] if negatives else [])}
            assert passages.isdisjoint(answers_of[rows[one][0]])
    assert batches.sizes(epoch) == [len(batch) for batch in batches.batches(epoch)]
    seen = [row for batch in batches.batches(epoch) for row in batch]
    assert len(seen) == len(set(seen))


def test_rows_that_share_a_query_text_but_no_answer_stand_together_by_relevance() -> None:
    columns = (("a", "b", "c", "d"), ("1", "2", "3", "4"), ("x", "x", "x", "x"))
    assert Apart(columns, 4, 42, 1, by_relevance=True).sizes(0) == [4]
    assert Apart(columns, 4, 42, 1).sizes(0) == [1, 1, 1, 1]


def test_few_answers_are_all_trained_on_in_smaller_batches() -> None:
    train = TrainConfig(batch_size=32, epochs=2, batch_sampler=BatchSampler.no_duplicates)
    amount = planned([answers(120, 5)], train)
    assert (amount.epoch_steps, amount.steps, amount.rows, amount.asked) == (24, 48, 240, 240)
    assert too_few_rows([answers(120, 5)], train, amount) is None


def test_a_row_without_any_negative_is_left_out_and_counted() -> None:
    train = TrainConfig(batch_size=8, epochs=1, batch_sampler=BatchSampler.no_duplicates)
    lonely = TrainingSet("one answer", {"anchor": tuple("abcdefghij"), "positive": (*"1234", *["same"] * 6)})
    amount = planned([lonely], train)
    assert (amount.epoch_steps, amount.rows, amount.asked, amount.share) == (2, 6, 10, 0.6)
    said = too_few_rows([lonely], train, amount)
    assert said is not None
    assert said.startswith("The training sees 6 of the 10 rows that train.epochs=1 asks for (60%): equal texts")
    alike = TrainingSet("alike", {"anchor": tuple("abcdefghij"), "positive": ("same",) * 10})
    assert planned([alike], train).steps == 2, "no batch is of any use, but a training has steps"
    own = TrainingSet("triplets", dict(lonely.columns) | {"negative": tuple("ABCDEFGHIJ")})
    assert planned([own], train).rows == 10


def test_sets_in_turn_stop_at_the_smallest() -> None:
    sets, train = [answers(48, 48), answers(10, 10, "extra")], TrainConfig(batch_size=8, epochs=1)
    amount = planned(sets, train)
    assert (amount.epoch_steps, amount.rows, amount.asked) == (4, 26, 58)
    assert str(too_few_rows(sets, train, amount)).startswith(
        "The training sees 26 of the 58 rows that train.epochs=1 asks for (45%): sets are visited in turn until the "
        "smallest, extra with 10 rows, is used up."
    )


@pytest.mark.parametrize("epochs", [0.5, 1, 1.5, 2])
@pytest.mark.parametrize("sampler", BatchSampler)
@pytest.mark.parametrize("sets", [[answers(30, 4)], [answers(30, 4), answers(17, 17, "other")]], ids=["one", "two"])
def test_what_is_planned_is_what_is_trained(
    tmp_path: Path, sets: list[TrainingSet], sampler: BatchSampler, epochs: float
) -> None:
    train = TrainConfig(batch_size=8, epochs=epochs, batch_sampler=sampler, device="cpu")
    config, steps = Config(model=ModelConfig(name="tiny"), train=train), list[Progress]()
    model = load_model(config.model, "cpu")
    train_model(model, sets, config, Attempt(tmp_path), Listener(lambda _: None, steps.append))
    amount = planned(sets, train)
    assert len(steps) == steps[-1].total_steps == amount.steps
    assert steps[-1].rows == amount.rows
    assert steps[-1].learning_rate > 0
    assert all(one.rows < other.rows for one, other in pairwise(steps))


@pytest.mark.parametrize("sampler", BatchSampler)
def test_a_proportional_mix_trains_on_all_rows_of_all_sets(tmp_path: Path, sampler: BatchSampler) -> None:
    sets = [answers(30, 4), answers(17, 17, "other")]
    train = TrainConfig(batch_size=8, epochs=2, batch_sampler=sampler, device="cpu")
    config = Config(model=ModelConfig(name="tiny"), train=train, data=DataConfig(mix=Mix.proportional))
    steps: list[Progress] = []
    model = load_model(config.model, "cpu")
    train_model(model, sets, config, Attempt(tmp_path), Listener(lambda _: None, steps.append))
    amount = planned(sets, train, Mix.proportional)
    assert len(steps) == steps[-1].total_steps == amount.steps
    assert steps[-1].rows == amount.rows == amount.asked == 94
