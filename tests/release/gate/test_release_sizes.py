from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sentence_transformers.util.quantization import quantize_embeddings

from embedtune.release.gate.quantise import through_binary, through_int8
from embedtune.release.gate.sizes import Precision, Size, judge_sizes
from embedtune.statistics import Criterion

QUERIES = 200
GROUPS = np.arange(QUERIES) // 2
CRITERION = Criterion(margin=0.01, resamples=1000)
FULL = np.random.default_rng(0).uniform(0.2, 0.8, QUERIES)


def size(dim: int, loss: float, precision: Precision = Precision.FLOAT32, spread: float = 0.005) -> Size:
    noise: NDArray[np.float64] = np.random.default_rng(dim).normal(0, spread, QUERIES)
    return Size(dim, precision, FULL - loss + noise - noise.mean() if loss else FULL)


def test_the_smallest_size_within_the_margin() -> None:
    sizes = [size(64, 0.005), size(384, 0), size(32, 0.1), size(128, 0.004), size(384, 0.003, Precision.BINARY)]

    report = judge_sizes(sizes, GROUPS, CRITERION)

    assert [row.size.name for row in report.rows] == [
        "384 float32", "384 binary", "128 float32", "64 float32", "32 float32",
    ]  # fmt: skip
    assert [row.sufficient for row in report.rows] == [True, True, True, True, False]
    assert report.smallest_dim == 64
    assert report.cheapest.name == "384 binary"


def test_noise_beyond_the_margin_shows_nothing() -> None:
    report = judge_sizes([size(384, 0), size(64, 0.001, spread=0.3)], GROUPS, CRITERION)

    assert report.smallest_dim == 384
    assert report.cheapest.dim == 384


def test_one_size_suffices_for_itself() -> None:
    report = judge_sizes([size(384, 0)], GROUPS, CRITERION)

    assert report.smallest_dim == 384
    assert report.rows[0].comparison is None


def test_equal_scores_suffice() -> None:
    report = judge_sizes([size(384, 0), Size(64, Precision.INT8, FULL)], GROUPS, replace(CRITERION, margin=0.0001))

    assert report.cheapest.name == "64 int8"


@pytest.mark.parametrize(
    ("dim", "precision", "expected"),
    [
        (384, Precision.FLOAT32, 1_536),
        (384, Precision.INT8, 384),
        (384, Precision.BINARY, 48),
        (4, Precision.BINARY, 1),
    ],
)
def test_bytes_of_a_million_documents(dim: int, precision: Precision, expected: int) -> None:
    assert Size(dim, precision, FULL).bytes_per_million == expected * 1_000_000


def test_int8_is_within_half_a_bucket_and_in_the_library_s_bucket() -> None:
    corpus = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    corpus[:, 3] = 0.25  # a number that never changes

    restored = through_int8(corpus)

    step = (corpus.amax(0) - corpus.amin(0)) / 255
    assert ((restored - corpus).abs() <= step / 2 + 1e-6).all()
    buckets = quantize_embeddings(corpus.numpy(), "int8", calibration_embeddings=corpus.numpy()).astype(int) + 128
    middles = corpus.amin(0) + (torch.tensor(buckets) + 0.5) * step
    assert torch.allclose(restored, middles, atol=1e-6)
    assert (restored[:, 3] == 0.25).all()


def test_binary_keeps_the_sign_the_library_keeps() -> None:
    corpus = torch.tensor([[0.5, -0.1, 0.0, 2.0, -3.0, 1e-9, -0.0, 7.0]])

    assert through_binary(corpus).tolist() == [[1, -1, -1, 1, -1, 1, -1, 1]]
    packed = quantize_embeddings(corpus.numpy(), "ubinary")
    assert np.unpackbits(packed).tolist() == [1, 0, 0, 1, 0, 1, 0, 1]
