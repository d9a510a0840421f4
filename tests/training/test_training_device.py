from __future__ import annotations

import logging
import sys

import pytest
import torch

from embedtune.config import Config, Precision, TrainConfig
from embedtune.errors import ConfigError
from embedtune.training import (
    Progress,
    device_problems,
    peak_memory,
    reset_peak_memory,
    resolve_device,
    resolve_precision,
)
from embedtune.training import device as devices
from embedtune.trial.meter import Meter

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


def test_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == "cpu"


@without_cuda
def test_auto_without_cuda_is_the_cpu() -> None:
    assert resolve_device("auto") == "cpu"


@without_cuda
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
def test_an_absent_device_is_refused(device: str) -> None:
    with pytest.raises(ConfigError, match=rf"train\.device must be a device of this machine, but got {device} and"):
        resolve_device(device)


@pytest.mark.parametrize("device", ["gpu", "", "cuda:", "cuda:x", "cpu:1", "mps:0"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(ConfigError, match=r"train\.device must be auto, cpu, cuda, cuda:N or mps, but got"):
        resolve_device(device)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has mps")
def test_mps_is_refused_where_there_is_none() -> None:
    with pytest.raises(ConfigError, match=r"train\.device must be a device of this machine, but got mps"):
        resolve_device("mps")


@without_cuda
def test_mps_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert (resolve_device("auto"), resolve_device("mps")) == ("mps", "mps")
    assert (peak_memory("mps"), Meter("mps").facts["peak_memory_bytes"]) == (None, None)
    for newer, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_, newer=newer: newer)
        assert resolve_precision(Precision.auto, "mps") == expected
    assert resolve_precision(Precision.fp16, "mps") == "fp16"
    with pytest.raises(ConfigError, match="on mps, which has no bf16"):
        resolve_precision(Precision.bf16, "mps")


def test_fp16_is_refused_on_the_cpu() -> None:
    with pytest.raises(ConfigError, match=r"train\.precision must be auto, bf16 or fp32 on the CPU, but got fp16"):
        resolve_precision(Precision.fp16, "cpu")
    (problem,) = device_problems(Config(train=TrainConfig(precision=Precision.fp16, device="cpu")))
    assert "fp16" in problem
    (problem,) = device_problems(Config(train=TrainConfig(precision=Precision.fp16, device="gpu")))
    assert problem.startswith("train.device must be")
    assert list(device_problems(Config(train=TrainConfig(device="cpu")))) == []


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_cuda_has_bf16_from_ampere_on(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    assert resolve_precision(Precision.auto, "cuda") == expected
    assert resolve_precision(Precision.fp16, "cuda") == "fp16"
    if expected == "fp32":
        with pytest.raises(ConfigError, match=r"on cuda \(Tesla T4\), which has no bf16, but got bf16\. Try fp16"):
            resolve_precision(Precision.bf16, "cuda")


@pytest.mark.parametrize("precision", [Precision.bf16, Precision.fp32])
def test_a_named_precision_is_taken(precision: Precision) -> None:
    assert resolve_precision(precision, "cpu") == precision.value


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({"avx512f", "avx512_bf16"}, "bf16"), ({"amx_bf16"}, "bf16"), ({"avx2", "avx512f"}, "fp32"), (set(), "fp32")],
)
def test_auto_on_a_cpu_asks_its_flags(flags: set[str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_cpu_flags", lambda: frozenset(flags))
    assert resolve_precision(Precision.auto, "cpu") == expected


def test_memory_of_this_process_is_measured_in_bytes() -> None:
    used = peak_memory("cpu")
    assert used is not None
    assert 10**7 < used < 10**12


def test_without_the_module_resource_memory_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Windows."""
    monkeypatch.setitem(sys.modules, "resource", None)
    with caplog.at_level(logging.INFO):
        reset_peak_memory("cpu")
    assert peak_memory("cpu") is None
    assert "peak_memory_bytes is not measured" in caplog.text
    meter = Meter("cpu")
    assert meter.facts["peak_memory_bytes"] is None
    assert meter.stepped(Progress(1, 2, 0.5, 0.1, 1e-5, 8)).memory == 0


@pytest.mark.gpu
def test_auto_with_cuda_is_cuda() -> None:
    assert resolve_device("auto") == "cuda"
    assert resolve_precision(Precision.auto, "cuda") in ("bf16", "fp32")
