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


def test_apple_gpus_get_an_optimiser_that_every_torch_has_there(tmp_path: Path) -> None:
    arguments = training_arguments(TrainConfig(), tmp_path, "mps", "fp32")
    assert (arguments.optim, arguments.use_cpu, arguments.fp16) == ("adamw_torch", False, False)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_the_precision_is_handed_on(precision: str, tmp_path: Path) -> None:
    arguments = training_arguments(TrainConfig(), tmp_path, "cuda", precision)
    assert (arguments.bf16, arguments.fp16) == (precision == "bf16", precision == "fp16")


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_one_cuda_device_is_used_whole(device: str, tmp_path: Path) -> None:
    arguments = training_arguments(TrainConfig(), tmp_path, device, "bf16")
    assert arguments.device == torch.device("cuda", 0)
    assert arguments.n_gpu == 1
    assert arguments.train_batch_size == TrainConfig().batch_size
