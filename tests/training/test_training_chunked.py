from __future__ import annotations

import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.config import ModelConfig
from embedtune.models.load import load_model
from embedtune.training.chunked import ChunkedEncoder, embeddings_pass_through

ANCHORS = ["who", "", "a much longer question about the harbour and the lantern", "who finds the orchard", "é"]
PASSAGES = ["The harbour stands.", "x " * 300, "short", "", "The violin stands at number 4, and so on and on."]


@pytest.fixture
def model() -> SentenceTransformer:
    return load_model(ModelConfig(name="tiny"), "cpu").eval()


def plain(model: SentenceTransformer, columns: list[list[str]]) -> list[Tensor]:
    return [model(model.preprocess(texts))["sentence_embedding"] for texts in columns]


@pytest.mark.parametrize("pieces", [1, 2, 4, 50])
@pytest.mark.parametrize("look_up_once", [True, False])
@pytest.mark.parametrize("columns", [[ANCHORS, PASSAGES], [ANCHORS, PASSAGES, ANCHORS[::-1]], [["one row"], ["one"]]])
def test_embeddings_and_gradients_are_those_of_the_plain_forward(
    model: SentenceTransformer, columns: list[list[str]], pieces: int, look_up_once: bool
) -> None:
    encoder = ChunkedEncoder(model, pieces)
    assert encoder._word_embeddings is not None
    encoder._piece_cost = 0
    if not look_up_once:
        encoder._word_embeddings = None
    weights = [torch.randn(len(texts), 64, generator=torch.Generator().manual_seed(1)) for texts in columns]

    def run(embeddings: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        model.zero_grad()
        torch.stack([(e * w).sum() for e, w in zip(embeddings, weights, strict=True)]).sum().backward()
        return embeddings, [p.grad.clone() for p in model.parameters() if p.grad is not None]

    expected, expected_gradients = run(plain(model, columns))
    found, gradients = run(encoder([dict(model.preprocess(texts)) for texts in columns]))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
    for mine, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_that_reads_ids_otherwise_is_given_ids(
    model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = model[0].model.get_input_embeddings()
    # As in models that scale their word embeddings outside the table.
    monkeypatch.setattr(model[0].model, "get_input_embeddings", lambda: lambda ids: 2 * table(ids))
    encoder = ChunkedEncoder(model, 4)
    assert encoder._word_embeddings is None
    (found,) = encoder([dict(model.preprocess(PASSAGES))])
    torch.testing.assert_close(found, plain(model, [PASSAGES])[0], rtol=0, atol=1e-6)


def test_the_probe_leaves_the_mode_of_the_model(model: SentenceTransformer) -> None:
    model.train()
    ChunkedEncoder(model, 4)
    assert model.training


def test_embeddings_pass_through_and_texts_are_still_run(model: SentenceTransformer) -> None:
    embeddings = torch.ones(2, 64)
    (expected,) = plain(model, [PASSAGES])
    with embeddings_pass_through(model):
        assert model({"sentence_embedding": embeddings})["sentence_embedding"] is embeddings
        assert torch.equal(model(model.preprocess(PASSAGES))["sentence_embedding"], expected)
    assert "forward" not in vars(model)
