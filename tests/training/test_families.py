"""Every family of models trains, is measured and is saved as sentence-transformers does it, with prompts or without."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import cos_sim, dot_score

from embedtune.config import Config, LossConfig, MatryoshkaConfig, ModelConfig, Precision, PromptsConfig, TrainConfig
from embedtune.evaluation import evaluate_retrieval
from embedtune.models.load import load_model
from embedtune.models.probe import probe_model
from embedtune.records import RetrievalSet, TrainingSet
from embedtune.training import Attempt, Listener, chunked, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset
from families import FAMILIES, family
from stock import trained_losses

MERGE = chunked._merge
PROMPTS = {"query": "query: ", "document": "a text: "}
QUICK = ("bert", "decoder", "decoder_without_prompt", "static")
CASES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAMILIES]
FAST = {name for name in FAMILIES if name not in ("static", "router")}
"""Whose batches go through the encoder in pieces; a table of words has none, a router reads more than tokens."""
STEPS = 10


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def configured(folder: Path, prompts: bool) -> Config:
    model = ModelConfig(str(folder), prompts=PromptsConfig(**PROMPTS) if prompts else PromptsConfig())
    train = TrainConfig(batch_size=7, epochs=2, learning_rate=1e-3, precision=Precision.fp32, device="cpu")
    return Config(model=model, train=train, loss=LossConfig(matryoshka=MatryoshkaConfig(dims=[16, 8])))


def stock_losses(model: SentenceTransformer, rows: TrainingSet, config: Config, folder: Path) -> list[float]:
    arguments = training_arguments(config.train, folder, "cpu", "fp32")
    roles = {column: "query" if column == "anchor" else "document" for column in rows.columns}
    arguments.prompts = {column: model.prompts[role] for column, role in roles.items()}
    arguments.router_mapping = roles if "Router" in str(type(model[0])) else {}
    return trained_losses(model, arguments, to_dataset([rows]), build_loss(model, config))


def stock_metrics(model: SentenceTransformer, retrieval: RetrievalSet, dim: int) -> dict[str, float]:
    found = InformationRetrievalEvaluator(
        dict(retrieval.queries), dict(retrieval.corpus), {query: set(ids) for query, ids in retrieval.relevant.items()},
        truncate_dim=dim, score_functions={"cosine": cos_sim, "dot": dot_score}, write_csv=False,
        query_prompt=model.prompts["query"], corpus_prompt=model.prompts["document"],
    ).compute_all_metrics(model)  # fmt: skip
    return {
        f"{similarity}_{kind.removesuffix('k')}{k}": value
        for similarity, kinds in found.items()
        for kind, values in kinds.items()
        for k, value in values.items()
    }


@pytest.mark.parametrize("prompts", [False, True])
def test_training_measuring_and_saving_are_those_of_the_library(
    name: str,
    prompts: bool,
    small_training: TrainingSet,
    small_set: RetrievalSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = configured(family(name, {}, tmp_path / "model"), prompts)
    model, theirs = load_model(config.model, "cpu"), load_model(config.model, "cpu")
    probe_model(model, config.model)
    assert [model.prompts[role] for role in PROMPTS] == (list(PROMPTS.values()) if prompts else ["", ""])

    losses: list[float] = []
    listener = Listener(lambda _: None, lambda progress: losses.append(progress.loss or 0.0))
    pieces: list[int] = []
    monkeypatch.setattr(chunked, "_merge", lambda columns: pieces.append(1) or MERGE(columns))
    train_model(model, [small_training], config, Attempt(tmp_path), listener)
    assert bool(pieces) == (name in FAST)
    expected = stock_losses(theirs, small_training, config, tmp_path / "stock")
    assert losses[:STEPS] == pytest.approx(expected[:STEPS], rel=1e-4, abs=1e-5)  # of a sum of some 3
    assert len(losses) == len(expected) >= STEPS

    dims = [model.get_embedding_dimension(), 8]
    metrics = evaluate_retrieval(model, small_set, dims).metrics
    for dim in dims:
        assert metrics[str(dim)] == pytest.approx(stock_metrics(model, small_set, dim), abs=1e-6)

    model.save(str(tmp_path / "saved"))
    loaded = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    queries, corpus = list(small_set.queries.values()), list(small_set.corpus.values())
    torch.testing.assert_close(loaded.encode_query(queries), model.encode_query(queries), rtol=0, atol=1e-6)
    torch.testing.assert_close(loaded.encode_document(corpus), model.encode_document(corpus), rtol=0, atol=1e-6)
    assert loaded.prompts == model.prompts
    again = evaluate_retrieval(loaded, small_set, dims).metrics
    for dim in map(str, dims):
        assert again[dim] == pytest.approx(metrics[dim], abs=1e-6)
