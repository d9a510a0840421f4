"""Graded relevance and other cutoffs, beside trec_eval's own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config import DataConfig, EvalConfig, Gain
from embedtune.config.rules.evaluation import METRICS, metrics_at, objectives_at
from embedtune.data import inspect_task
from embedtune.data.digest import retrieval_digest
from embedtune.errors import DataError
from embedtune.evaluation import Measures, score_embeddings
from embedtune.evaluation.judgements import Judgements
from embedtune.records import RetrievalSet

CUTOFFS = [2, 7, 20]
PASSAGES = [f"d{number:02d}" for number in range(12)]
grades = st.dictionaries(st.sampled_from(PASSAGES), st.integers(1, 4), min_size=1, max_size=8)
binary = st.dictionaries(st.sampled_from(PASSAGES), st.just(1), min_size=1, max_size=8)
rankings = st.permutations(range(len(PASSAGES)))


def retrieval(judged: dict[str, dict[str, int]], least: int = 1) -> RetrievalSet:
    queries = {query: query for query in judged}
    relevant = {query: frozenset(p for p, grade in own.items() if grade >= least) for query, own in judged.items()}
    graded = {query: {p: float(g) for p, g in own.items()} for query, own in judged.items() if set(own.values()) != {1}}
    return RetrievalSet(queries, {passage: passage for passage in PASSAGES}, relevant, graded)


def measured(data: RetrievalSet, ranked: list[list[int]], gain: Gain = Gain.linear) -> dict[str, Any]:
    measures = Measures(metrics_at(CUTOFFS), gain)
    return Judgements.of(data, np.arange(len(PASSAGES)), measures).measure(np.array(ranked))


@settings(deadline=None, max_examples=80)
@given(judged=st.lists(st.one_of(grades, binary), min_size=1, max_size=4), order=st.data())
def test_every_metric_is_trec_evals(judged: list[dict[str, int]], order: st.DataObject) -> None:
    qrels = {f"q{number}": own for number, own in enumerate(judged)}
    ranked = [order.draw(rankings) for _ in qrels]
    found = measured(retrieval(qrels), ranked)
    run = {
        query: {PASSAGES[place]: float(len(PASSAGES) - rank) for rank, place in enumerate(ranked[row])}
        for row, query in enumerate(qrels)
    }
    cuts = ",".join(map(str, [1, 3, 5, 10, *CUTOFFS]))
    wanted = {f"{kind}.{cuts}" for kind in ("ndcg_cut", "P", "recall", "success")}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
    names = {"ndcg": "ndcg_cut", "precision": "P", "recall": "recall", "accuracy": "success"}
    for name, values in found.items():
        kind, _, k = name.partition("@")
        if kind in names:
            expected = [theirs[query][f"{names[kind]}_{k}"] for query in qrels]
            assert values == pytest.approx(expected, abs=1e-6), name


def test_gains_by_hand() -> None:
    data = retrieval({"q": {"d00": 3, "d01": 1}})
    ranked = [[1, 2, 0, *range(3, 12)]]
    discount = 1 / np.log2(np.arange(2, 5))
    linear = (1 * discount[0] + 3 * discount[2]) / (3 * discount[0] + 1 * discount[1])
    exponential = (1 * discount[0] + 7 * discount[2]) / (7 * discount[0] + 1 * discount[1])
    assert measured(data, ranked)["ndcg@10"][0] == pytest.approx(linear)
    assert measured(data, ranked, Gain.exponential)["ndcg@10"][0] == pytest.approx(exponential)
    plain = retrieval({"q": {"d00": 1, "d01": 1}})
    assert measured(data, ranked, Gain.binary)["ndcg@10"][0] == measured(plain, ranked)["ndcg@10"][0]


def test_a_grade_whose_gain_is_no_number_is_refused() -> None:
    data = retrieval({"q": {"d00": 5000, "d01": 1}})
    with pytest.raises(DataError, match=r"eval\.gain must be linear or binary for grades above 500"):
        measured(data, [list(range(12))], Gain.exponential)
    assert measured(data, [list(range(12))])["ndcg@10"][0] == 1.0


def test_a_threshold_counts_for_all_but_the_gain() -> None:
    low, all_of_it = retrieval({"q": {"d00": 3, "d01": 1}}, least=2), retrieval({"q": {"d00": 3, "d01": 1}})
    ranked = [[1, 0, *range(2, 12)]]
    assert measured(low, ranked)["mrr@10"][0] == 0.5
    assert measured(low, ranked)["ndcg@10"][0] == measured(all_of_it, ranked)["ndcg@10"][0]


def test_names_of_further_cutoffs() -> None:
    assert metrics_at(()) == METRICS
    assert metrics_at((10, 100))[len(METRICS) :] == (
        "map@10", "accuracy@100", "precision@100", "recall@100", "ndcg@100", "mrr@100",
    )  # fmt: skip
    assert "dot_recall@50" in objectives_at((), "cosine_recall@50")
    assert Measures.of(EvalConfig(cutoffs=[500])).depth == 500
    assert Measures().depth == 100


def test_an_own_passage_is_left_out_of_its_ranking() -> None:
    vectors = torch.nn.functional.one_hot(torch.arange(4)).float()
    queries = torch.tensor([[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    corpus = dict.fromkeys(("a", "b", "c", "d"), "text")
    data = RetrievalSet(
        {"a": "x", "z": "y"}, corpus, {"a": frozenset({"b"}), "z": frozenset({"b"})}, own=frozenset({"a"})
    )
    scores = score_embeddings(queries, vectors, data, [4], chunk_size=2)
    assert scores.per_query[4]["cosine_mrr@10"].tolist() == [1.0, 1.0]
    kept = score_embeddings(queries, vectors, RetrievalSet(data.queries, corpus, data.relevant), [4])
    assert kept.per_query[4]["cosine_mrr@10"].tolist() == [0.5, 1.0]


def write(folder: Path, qrels: str, ids: str = "q") -> Path:
    texts = {"corpus": [f"d{n}" for n in range(4)], "queries": [f"{ids}{n}" for n in range(3)]}
    for name, own in texts.items():
        lines = [json.dumps({"_id": key, "text": f"{name} {key[-1]}"}) for key in own]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "qrels" / "test.tsv").write_text(qrels)
    return folder


def task(folder: Path, **keys: Any) -> tuple[RetrievalSet, tuple[str, ...]]:
    report = inspect_task(DataConfig(name="small", source="files", path=str(folder), **keys))
    assert report.task is not None, report.problems
    return report.task.splits["test"], report.warnings


QRELS = "q0\td0\t3\nq0\td1\t1\nq1\td1\t1\nq2\td2\t1\nq2\td3\t0\n"


def test_grades_are_read_and_part_of_the_digest(tmp_path: Path) -> None:
    graded, warnings = task(write(tmp_path, QRELS))
    assert graded.grades == {"q0": {"d0": 3.0, "d1": 1.0}}
    assert graded.relevant["q0"] == {"d0", "d1"}
    assert any("1 of 4 judgements have a grade other than 1" in warning for warning in warnings)
    plain, _ = task(write(tmp_path, QRELS.replace("\t3", "\t1")))
    assert plain.grades == {}
    assert retrieval_digest(plain) == retrieval_digest(RetrievalSet(graded.queries, graded.corpus, graded.relevant))
    assert retrieval_digest(plain) != retrieval_digest(graded)


def test_json_objects_of_grades_are_the_same_task(tmp_path: Path) -> None:
    graded, _ = task(write(tmp_path, QRELS))
    document = {
        "queries": dict(graded.queries), "corpus": dict(graded.corpus),
        "relevant_docs": {"q0": {"d0": 3, "d1": 1}, "q1": {"d1": 1}, "q2": {"d2": 1.0, "d3": 0}},
    }  # fmt: skip
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "test.json").write_text(json.dumps(document))
    found, _ = task(tmp_path / "json")
    assert found == graded
    document["relevant_docs"]["q1"] = {"d1": "high"}
    (tmp_path / "json" / "test.json").write_text(json.dumps(document))
    report = inspect_task(DataConfig(name="small", source="files", path=str(tmp_path / "json")))
    assert "must have a number as the grade of 'd1', but got 'high'" in report.problems[0]


def test_a_threshold_drops_queries_that_nothing_is_left_for(tmp_path: Path) -> None:
    found, warnings = task(write(tmp_path, QRELS), relevant_from=2.0)
    assert found.relevant == {"q0": frozenset({"d0"})}
    assert found.grades == {"q0": {"d0": 3.0, "d1": 1.0}}
    assert any(
        "3 of 4 judgements are below data.relevant_from=2; 2 of 3 queries are left without" in w for w in warnings
    )


def test_own_passages_are_those_of_equal_ids_that_do_not_answer(tmp_path: Path) -> None:
    qrels = "d0\td1\t1\nd1\td1\t1\nd2\td0\t1\n"
    found, warnings = task(write(tmp_path, qrels, ids="d"))
    assert found.own == {"d0", "d2"}
    assert any("2 of 3 queries have a passage of the same id" in warning for warning in warnings)
    kept, _ = task(tmp_path, skip_own=False)
    assert kept.own == frozenset()
    assert retrieval_digest(kept) != retrieval_digest(found)
