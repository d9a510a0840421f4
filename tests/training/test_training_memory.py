from __future__ import annotations

import pytest
import torch

from embedtune.config import Config, LossConfig, TrainConfig
from embedtune.training import is_out_of_memory, smaller_mini_batch


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_is_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected


def test_smaller_mini_batch_halves_down_to_one() -> None:
    config = Config(train=TrainConfig(batch_size=20))
    tried: list[int] = []
    size = smaller_mini_batch(config, None)
    while size is not None:
        tried.append(size)
        size = smaller_mini_batch(config, size)
    assert tried == [10, 5, 2, 1]


def test_smaller_mini_batch_of_a_cached_loss_starts_below_its_own() -> None:
    config = Config(train=TrainConfig(batch_size=256), loss=LossConfig(name="cached_mnrl"))
    assert smaller_mini_batch(config, None) == 16
