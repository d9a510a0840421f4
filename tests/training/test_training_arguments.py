from __future__ import annotations

from pathlib import Path

import pytest
import torch

from embedtune.config import TrainConfig
from embedtune.training.arguments import training_arguments, with_index


@pytest.mark.parametrize(("device", "index"), [("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)])
def test_a_device_gets_its_number(device: str, index: int) -> None:
    assert with_index(device) == torch.device("cuda", index)


def test_the_cpu_is_used_when_asked_for(tmp_path: Path) -> None:
    assert training_arguments(TrainConfig(), tmp_path, "cpu", "fp32").device == torch.device("cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_one_cuda_device_is_used_whole(device: str, tmp_path: Path) -> None:
    arguments = training_arguments(TrainConfig(), tmp_path, device, "bf16")
    assert arguments.device == torch.device("cuda", 0)
    assert arguments.n_gpu == 1
    assert arguments.train_batch_size == TrainConfig().batch_size
