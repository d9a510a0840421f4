"""Equality with the stock evaluator, and the cases at the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import cos_sim, dot_score
from torch import Tensor

from embedtune.config import ModelConfig
from embedtune.errors import ConfigError, TrialError
from embedtune.evaluation import METRIC_NAMES, Encoder, evaluate_retrieval, ranking, score_embeddings
from embedtune.models.load import load_model
from embedtune.records import RetrievalScores, RetrievalSet


@dataclass
class Given:
    """An encoder whose embeddings are given by text; the stock evaluator asks it for slices."""

    queries: dict[str, Tensor]
    corpus: dict[str, Tensor]
    calls: int = 0

    def encode_query(self, inputs: Sequence[str], *, truncate_dim: int | None = None, **_: Any) -> Tensor:
        self.calls += 1
        return torch.stack([self.queries[text][:truncate_dim] for text in inputs])

    def encode_document(self, inputs: Sequence[str], *, truncate_dim: int | None = None, **_: Any) -> Tensor:
        self.calls += 1
        return torch.stack([self.corpus[text][:truncate_dim] for text in inputs])


def given_encoder(queries: Tensor, corpus: Tensor, retrieval: RetrievalSet) -> Given:
    return Given(
        dict(zip(retrieval.queries.values(), queries, strict=True)),
        dict(zip(retrieval.corpus.values(), corpus, strict=True)),
    )


def stock_metrics(encoder: Any, retrieval: RetrievalSet, dim: int, chunk_size: int = 50_000) -> dict[str, float]:
    evaluator = InformationRetrievalEvaluator(
        dict(retrieval.queries),
        dict(retrieval.corpus),
        {query: set(ids) for query, ids in retrieval.relevant.items()},
        corpus_chunk_size=chunk_size,
        truncate_dim=dim,
        score_functions={"cosine": cos_sim, "dot": dot_score},
        write_csv=False,
    )
    return {
        f"{similarity}_{kind.removesuffix('k')}{k}": value
        for similarity, kinds in evaluator.compute_all_metrics(encoder).items()
        for kind, values in kinds.items()
        for k, value in values.items()
    }


def assert_equal_to_stock(scores: RetrievalScores, encoder: Any, retrieval: RetrievalSet, chunk_size: int) -> None:
    for dim, metrics in scores.metrics.items():
        expected = stock_metrics(encoder, retrieval, int(dim), chunk_size)
        assert set(metrics) == set(expected)
        for name, value in metrics.items():
            assert value == pytest.approx(expected[name], abs=1e-6), (dim, name)


def task(n_queries: int, passage_ids: Sequence[str], relevant: Sequence[frozenset[str]]) -> RetrievalSet:
    queries = {f"q{i}": f"question {i}" for i in range(n_queries)}
    return RetrievalSet(
        queries, {id_: f"passage {id_}" for id_ in passage_ids}, dict(zip(queries, relevant, strict=True))
    )


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Tensor, Tensor, RetrievalSet, list[int]]:
    """Small-integer embeddings tie often; ids as text (10 < 2) come in an order of their own."""
    n_queries, n_passages, full = draw(st.integers(1, 4)), draw(st.integers(1, 230)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    high = draw(st.sampled_from([1, 2, 4]))

    def embeddings(rows: int) -> Tensor:
        return torch.tensor(rng.integers(-1, high, (rows, full)), dtype=torch.float32)

    ids = [str(i) for i in rng.permutation(n_passages)]
    most = draw(st.sampled_from([1, 3, n_passages]))
    relevant = [
        frozenset(rng.choice(ids, size=rng.integers(1, min(most, n_passages) + 1), replace=False).tolist())
        for _ in range(n_queries)
    ]
    dims = draw(st.lists(st.integers(1, full), min_size=1, max_size=3, unique=True))
    return embeddings(n_queries), embeddings(n_passages), task(n_queries, ids, relevant), dims


@settings(max_examples=60, deadline=None)
@given(tasks(), st.sampled_from([1, 7, 64, 101, 50_000]))
def test_tied_embeddings_score_as_the_stock_evaluator_does(
    case: tuple[Tensor, Tensor, RetrievalSet, list[int]], chunk_size: int
) -> None:
    queries, corpus, retrieval, dims = case
    encoder = given_encoder(queries, corpus, retrieval)
    scores = evaluate_retrieval(encoder, retrieval, dims, chunk_size=chunk_size)
    assert encoder.calls == 2
    assert_equal_to_stock(scores, encoder, retrieval, chunk_size)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([40, 50_000]))
def test_real_valued_embeddings_with_duplicates_score_as_the_stock_evaluator_does(seed: int, chunk_size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries, corpus = torch.randn(5, 48, generator=generator), torch.randn(150, 48, generator=generator)
    corpus[100:140] = corpus[7]
    ids = [f"d{i}" for i in torch.randperm(150, generator=generator).tolist()]
    retrieval = task(5, ids, [frozenset(ids[i * 20 : i * 25 + 3]) for i in range(5)])
    scores = score_embeddings(queries, corpus, retrieval, [48, 32, 16, 5, 1], chunk_size=chunk_size)
    assert_equal_to_stock(scores, given_encoder(queries, corpus, retrieval), retrieval, chunk_size)


def test_many_queries_are_ranked_in_blocks_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randint(-1, 2, (23, 6), generator=generator).float()
    corpus = torch.randint(-1, 2, (150, 6), generator=generator).float()
    positions = ranking.id_positions([str(i) for i in range(150)])
    left_out = torch.arange(23) - 1

    def ranked(chunk_size: int) -> Tensor:
        return ranking.rank_passages(
            queries, corpus, positions, cosine=False, depth=40, chunk_size=chunk_size, left_out=left_out
        )

    whole = ranked(50_000)
    for values in (1, 150, 1_000, 150 * 22):
        monkeypatch.setattr(ranking, "SCORED_AT_ONCE", values)
        assert torch.equal(ranked(50_000), whole)
        assert torch.equal(ranked(40), whole)
    assert ranking.rank_passages(queries[:0], corpus, positions, cosine=True, depth=3, chunk_size=9).shape[0] == 0


def test_half_precision_is_scored_in_full_precision_like_the_stock_evaluator() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(6, 32, generator=generator).bfloat16()
    corpus = torch.randn(120, 32, generator=generator).bfloat16()
    retrieval = task(6, [str(i) for i in range(120)], [frozenset({str(i), str(i + 60)}) for i in range(6)])
    scores = score_embeddings(queries, corpus, retrieval, [32, 8])
    assert_equal_to_stock(scores, given_encoder(queries, corpus, retrieval), retrieval, 50_000)


def test_tiny_model_scores_as_the_stock_evaluator_does(tiny: SentenceTransformer, small_set: RetrievalSet) -> None:
    scores = evaluate_retrieval(tiny, small_set, [64, 32, 16, 8, 4])
    assert_equal_to_stock(scores, tiny, small_set, 50_000)


def test_prompts_of_the_model_are_used(small_set: RetrievalSet) -> None:
    model = load_model(ModelConfig(name="tiny"), "cpu")
    plain = evaluate_retrieval(model, small_set, [64])
    model.prompts = {"query": "zebra zebra: ", "document": "text: "}
    prompted = evaluate_retrieval(model, small_set, [64])
    assert prompted.metrics != plain.metrics
    assert_equal_to_stock(prompted, model, small_set, 50_000)


def test_tiny_model_takes_ugly_texts(tiny: SentenceTransformer) -> None:
    retrieval = RetrievalSet(
        queries={"empty": "", "line\u2028break": "one\u2028two", "same": "the same text"},
        corpus={"a": "the same text", "b": "", "c": "the same text", "ß": "日本語 \U0001f600"},
        relevant={"empty": frozenset({"b"}), "line\u2028break": frozenset({"ß"}), "same": frozenset({"a", "c"})},
    )
    scores = evaluate_retrieval(tiny, retrieval, [64, 4])
    assert scores.per_query[64]["cosine_recall@3"][2] == 1
    assert_equal_to_stock(scores, tiny, retrieval, 50_000)


@pytest.mark.slow
def test_minilm_scores_as_the_stock_evaluator_does(small_set: RetrievalSet) -> None:
    model = load_model(ModelConfig(name="minilm"), "cpu")
    scores = evaluate_retrieval(model, small_set, [384, 256, 128, 64, 32])
    assert scores.metrics["384"]["cosine_map@100"] > 0.9
    assert_equal_to_stock(scores, model, small_set, 50_000)


def test_equal_scores_rank_by_ascending_id() -> None:
    retrieval = task(1, ["b", "a", "10", "9"], [frozenset({"9"})])
    scores = score_embeddings(torch.ones(1, 2), torch.ones(4, 2), retrieval, [2])
    assert scores.per_query[2]["dot_mrr@10"][0] == 1 / 2  # 10, 9, a, b


def test_ties_at_the_last_kept_rank_keep_the_lowest_ids() -> None:
    ids = [f"{i:03}" for i in range(150)][::-1]
    retrieval = task(1, ids, [frozenset({"000", "099", "100"})])
    for chunk_size in (1, 99, 100, 149, 150):
        scores = score_embeddings(torch.ones(1, 2), torch.ones(150, 2), retrieval, [2], chunk_size=chunk_size)
        assert scores.per_query[2]["cosine_map@100"][0] == pytest.approx((1 + 2 / 100) / 3)


def test_cosine_scales_the_slice_to_length_1_and_dot_does_not() -> None:
    # The first value alone says that b is longer; a points the same way.
    queries, corpus = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 9.0], [2.0, 9.0]])
    scores = score_embeddings(queries, corpus, task(1, ["a", "b"], [frozenset({"a"})]), [1])
    assert scores.per_query[1]["cosine_accuracy@1"][0] == 1
    assert scores.per_query[1]["dot_accuracy@1"][0] == 0


def test_one_query_and_one_passage() -> None:
    scores = score_embeddings(torch.ones(1, 1), torch.ones(1, 1), task(1, ["only"], [frozenset({"only"})]), [1])
    assert scores.metrics["1"] | {"cosine_precision@10": 0.1} == scores.metrics["1"]
    assert scores.metrics["1"]["dot_map@100"] == 1


def test_zero_embeddings_tie_instead_of_dividing_by_zero() -> None:
    retrieval = task(1, ["b", "a"], [frozenset({"b"})])
    scores = score_embeddings(torch.zeros(1, 3), torch.zeros(2, 3), retrieval, [3])
    assert scores.per_query[3]["cosine_mrr@10"][0] == 1 / 2


def test_relevant_passage_that_the_corpus_lacks_lowers_recall() -> None:
    retrieval = task(1, ["a"], [frozenset({"a", "gone"})])
    scores = score_embeddings(torch.ones(1, 2), torch.ones(1, 2), retrieval, [2])
    assert scores.per_query[2]["cosine_recall@10"][0] == 1 / 2


def test_scores_keep_the_order_of_queries_and_sort_dimensions() -> None:
    retrieval = RetrievalSet({"z": "1", "a": "2"}, {"p": "1", "q": "2"}, {"a": frozenset({"q"}), "z": frozenset({"p"})})
    scores = score_embeddings(torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.5]]), retrieval, [1, 2, 1])
    assert scores.query_ids == ("z", "a")
    assert list(scores.per_query) == [2, 1]
    assert tuple(scores.per_query[1]) == METRIC_NAMES
    np.testing.assert_array_equal(scores.per_query[2]["cosine_accuracy@1"], [1, 1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e25])
def test_embeddings_that_are_not_finite_are_refused(value: float) -> None:
    corpus = torch.ones(3, 2)
    corpus[1, 1] = value
    retrieval = task(2, ["a", "b", "c"], [frozenset({"a"})] * 2)
    with pytest.raises(TrialError, match=r"embeddings must be finite, but got NaN.* in 1 of 3 passages"):
        score_embeddings(torch.ones(2, 2), corpus, retrieval, [1])
    with pytest.raises(TrialError, match=r"in 1 of 3 queries\. Lower train\.learning_rate"):
        score_embeddings(corpus, corpus, task(3, ["a", "b", "c"], [frozenset({"a"})] * 3), [1])


def test_dims_the_embedding_lacks_are_refused_together(tiny: SentenceTransformer, small_set: RetrievalSet) -> None:
    with pytest.raises(ConfigError) as raised:
        evaluate_retrieval(tiny, small_set, [128, 64, 0])
    assert str(raised.value).splitlines() == [
        "loss.matryoshka.dims must be from 1 to the model's 64, but got 128. Remove it.",
        "loss.matryoshka.dims must be from 1 to the model's 64, but got 0. Remove it.",
    ]


def test_sentence_transformer_is_an_encoder(tiny: SentenceTransformer) -> None:
    encoder: Encoder = tiny
    embeddings = encoder.encode_query(["a"], batch_size=1, convert_to_tensor=True, show_progress_bar=False)
    assert embeddings.shape == (1, 64)
