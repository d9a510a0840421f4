"""Attention and dropout of our own against torch's, and what they leave behind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from embedtune.config import ModelConfig
from embedtune.models.load import load_model
from embedtune.training.kernels.attention import Attention
from embedtune.training.kernels.dropout import dropout
from embedtune.training.kernels.install import own_kernels
from embedtune.training.kernels.masks import KeepMasks


class AllStay(KeepMasks):
    """Drops nothing, so that results can be compared."""

    def draw(self, shape: Any, p: float, dtype: torch.dtype) -> Tensor:
        return torch.full(tuple(shape), 1 - p, dtype=dtype)  # undoes the scaling of those that stay


@given(st.floats(0.0, 0.9), st.integers(1, 60_001))
@settings(max_examples=30, deadline=None)
def test_the_share_that_is_dropped_is_the_one_asked_for(p: float, count: int) -> None:
    masks = KeepMasks()
    masks.reseed()
    keep = masks.draw((count,), p, torch.float32)
    assert keep.shape == (count,)
    assert set(keep.unique().tolist()) <= {0.0, 1.0}
    share = 1 - float(keep.mean())
    assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / count) + 1 / (1 << 16)


def test_a_probability_is_met_over_many_draws() -> None:
    masks = KeepMasks()
    masks.reseed()
    share = 1 - float(masks.draw((4_000_000,), 0.1, torch.float32).mean())
    assert abs(share - 0.1) < 0.0005


def test_the_same_state_of_torch_gives_the_same_masks() -> None:
    masks, found = KeepMasks(), []
    for _ in range(2):
        torch.manual_seed(5)
        masks.reseed()
        found.append(torch.cat([masks.draw((7, 3), 0.5, torch.float32) for _ in range(3)]))
    assert torch.equal(found[0], found[1])
    masks.reseed()
    assert not torch.equal(masks.draw((7, 3), 0.5, torch.float32), found[0][:7])


def attention_inputs(rows: int = 3, heads: int = 2, tokens: int = 7, size: int = 8) -> tuple[Tensor, ...]:
    torch.manual_seed(1)
    return tuple(torch.randn(rows, heads, tokens, size, requires_grad=True) for _ in range(3))


def padded(rows: int = 3, tokens: int = 7) -> Tensor:
    """Rows of 7, 5 and 1 tokens."""
    lengths = torch.tensor([tokens, tokens - 2, 1])[:rows]
    return (torch.arange(tokens) < lengths[:, None])[:, None, None, :].expand(rows, 1, tokens, tokens)


class Layer(nn.Module):
    """As far as an attention function looks at its layer."""

    is_causal = False


@pytest.mark.parametrize("mask", [None, padded()], ids=["no padding", "padding"])
def test_attention_is_torchs_where_nothing_is_dropped(mask: Tensor | None) -> None:
    inputs = attention_inputs()
    ours, _ = Attention(AllStay())(Layer(), *inputs, mask, dropout=0.25)
    theirs = nn.functional.scaled_dot_product_attention(*inputs, attn_mask=mask).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    weight = torch.randn_like(theirs)
    mine = torch.autograd.grad((ours * weight).sum(), inputs)
    stock = torch.autograd.grad((theirs * weight).sum(), inputs)
    for own, other in zip(mine, stock, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)


def test_gradients_with_dropout_are_those_of_the_function() -> None:
    inputs = tuple(value.detach().double().requires_grad_() for value in attention_inputs(2, 1, 4, 3))

    def attend(*values: Tensor) -> Tensor:
        torch.manual_seed(3)
        masks = KeepMasks()
        masks.reseed()
        out, _ = Attention(masks)(Layer(), *values, None, dropout=0.4)
        return out

    # The softmax is in fp32, so finite differences are coarse.
    assert torch.autograd.gradcheck(attend, inputs, eps=1e-2, atol=2e-2, rtol=2e-2, nondet_tol=0)


def test_under_autocast_the_products_are_in_bf16_and_the_result_is_close() -> None:
    inputs = attention_inputs(tokens=33, size=16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, _ = Attention(AllStay())(Layer(), *inputs, None, dropout=0.1)
    theirs = nn.functional.scaled_dot_product_attention(*inputs).transpose(1, 2)
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.float(), theirs, rtol=0.05, atol=0.03)


@pytest.mark.parametrize(
    "case", [{"dropout": 0.0}, {"is_causal": True, "dropout": 0.1}, {"position_bias": torch.zeros(1), "dropout": 0.1}]
)
def test_what_it_is_not_made_for_goes_to_the_library(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(
        "embedtune.training.kernels.attention.sdpa_attention_forward",
        lambda *_args, **_kwargs: called.append("library") or (torch.empty(0), None),
    )
    Attention(KeepMasks())(Layer(), *attention_inputs(), None, **case)
    assert called == ["library"]


def test_dropout_scales_up_what_stays_and_drops_it_from_the_gradient() -> None:
    masks, layer = KeepMasks(), nn.Dropout(0.25)
    values = torch.ones(100, 50, requires_grad=True)
    out = dropout(layer, masks, values)
    out.sum().backward()
    assert {round(value, 4) for value in out.detach().unique().tolist()} == {0.0, 1.3333}
    assert values.grad is not None
    assert torch.equal(values.grad, out.detach())
    layer.eval()
    assert dropout(layer, masks, values) is values


@pytest.fixture
def model() -> SentenceTransformer:
    return load_model(ModelConfig(name="tiny"), "cpu")


def embed(model: SentenceTransformer, texts: list[str]) -> Tensor:
    features = model.preprocess(texts)
    found: Tensor = model(dict(features))["sentence_embedding"]
    return found


def test_a_model_is_left_as_it_was(model: SentenceTransformer, tmp_path: Path) -> None:
    before = embed(model.eval(), ["one", "another text"])
    with own_kernels(model) as masks:
        model.train()
        masks.reseed()
        one, other = embed(model, ["some text"]), embed(model, ["some text"])
        assert not torch.equal(one, other)
        model.eval()
        torch.testing.assert_close(embed(model, ["one", "another text"]), before, rtol=0, atol=1e-6)
        model.save(str(tmp_path / "inside"), create_model_card=False)
    assert model.transformers_model.config._attn_implementation == "sdpa"
    assert not [module for module in model.modules() if "forward" in vars(module)]
    assert torch.equal(embed(model, ["one", "another text"]), before)
    model.save(str(tmp_path / "after"), create_model_card=False)
    inside, after = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("inside", "after"))
    assert inside == after
    assert "embedtune" not in json.dumps(inside)


def test_its_attention_is_used(model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    draw = KeepMasks.draw
    monkeypatch.setattr(
        KeepMasks, "draw", lambda self, shape, p, dtype: seen.append(len(shape)) or draw(self, shape, p, dtype)
    )
    with own_kernels(model.train()):
        embed(model, ["a text", "a longer text"])
    assert seen.count(4) == 2  # the weights of two layers
    assert seen.count(3) == 5  # the embeddings, and twice in each layer


def test_expected_output_is_that_of_the_library(model: SentenceTransformer) -> None:
    """Means over many masks: dropout of ours has the distribution of torch's."""
    texts = ["some text to embed"]
    torch.manual_seed(0)
    model.train()
    with torch.no_grad():
        theirs = torch.cat([embed(model, texts * 50) for _ in range(20)])
        with own_kernels(model) as masks:
            masks.reseed()
            ours = torch.cat([embed(model, texts * 50) for _ in range(20)])
    error = (theirs.var(dim=0) / len(theirs) + ours.var(dim=0) / len(ours)).sqrt()
    assert float(((ours.mean(dim=0) - theirs.mean(dim=0)) / error).abs().max()) < 4.5
    torch.testing.assert_close(ours.std(dim=0), theirs.std(dim=0), rtol=0.15, atol=0)
