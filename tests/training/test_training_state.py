"""A training that stops and goes on ends with the weights of one that never stopped, bit by bit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from embedtune.config import BatchSampler, Config, LoraConfig, Mix, ModelConfig, Precision
from embedtune.errors import ResumeError
from embedtune.models.adapters import attach
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, TrainingState, read_state, train_model
from embedtune.training import train as train_module
from embedtune.training.state import restore_loss_scale


def configured(**train: Any) -> Config:
    config = Config(model=ModelConfig(name="tiny"))
    values = {"batch_size": 8, "epochs": 2, "learning_rate": 1e-3, "precision": Precision.fp32, "device": "cpu"} | train
    config.train = replace(config.train, warmup_ratio=0.2, **values)
    return config


def run(
    folder: Path,
    config: Config,
    sets: Sequence[TrainingSet],
    *,
    resumed: TrainingState | None = None,
    mini_batch_size: int | None = None,
) -> tuple[SentenceTransformer, list[Progress]]:
    """Train; the state at each evaluation is left in ``folder/<step>``."""
    model = load_model(ModelConfig(name="tiny"), "cpu")
    if config.train.lora is not None:
        attach(model, config.train.lora, config.train.seed)
    evaluations: list[Progress] = []

    def on_evaluate(progress: Progress) -> None:
        model.encode(["an evaluation"])
        evaluations.append(progress)

    def on_saving(write: Callable[[Path], None]) -> None:
        place = folder / str(evaluations[-1].step)
        place.mkdir(parents=True, exist_ok=True)
        write(place)

    attempt = Attempt(folder, mini_batch_size, resumed)
    train_model(model, sets, config, attempt, Listener(on_evaluate, save=on_saving))
    return model, evaluations


def run_again(folder: Path, step: int, config: Config, sets: Sequence[TrainingSet], **more: Any) -> Any:
    """What a new process would do: nothing of the first is left but its folder."""
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    return run(folder, config, sets, resumed=read_state(folder / str(step)), **more)


def equal(one: SentenceTransformer, other: SentenceTransformer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    ("sampler", "count", "every"),
    [
        (BatchSampler.plain, 1, 3),
        (BatchSampler.plain, 2, "epoch"),
        (BatchSampler.no_duplicates, 2, 3),
        pytest.param(BatchSampler.no_duplicates, 1, 3, marks=pytest.mark.slow),
        pytest.param(BatchSampler.no_duplicates, 1, "epoch", marks=pytest.mark.slow),
        pytest.param(BatchSampler.no_duplicates, 2, "epoch", marks=pytest.mark.slow),
        pytest.param(BatchSampler.plain, 1, "epoch", marks=pytest.mark.slow),
        pytest.param(BatchSampler.plain, 2, 3, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_goes_on_ends_with_the_same_weights(
    small_training: TrainingSet, tmp_path: Path, sampler: BatchSampler, count: int, every: Any
) -> None:
    other = TrainingSet("other", {name: texts[:19][::-1] for name, texts in small_training.columns.items()})
    sets = [small_training, other][:count]
    config = configured(batch_sampler=sampler, epochs=3 if every == "epoch" else 1.9)
    config.eval.every = every
    whole, evaluations = run(tmp_path, config, sets)
    assert len(evaluations) >= 3
    again, after = run_again(tmp_path, evaluations[1].step, config, sets)
    assert after == evaluations[2:]  # losses, learning rates and tokens too
    assert equal(whole, again)


def test_a_proportional_mix_goes_on_too(small_training: TrainingSet, tmp_path: Path) -> None:
    sets = [small_training, replace(small_training.select(range(19)), name="other")]
    config = configured(batch_sampler=BatchSampler.relevance)
    config.data.mix, config.eval.every = Mix.proportional, 3
    whole, evaluations = run(tmp_path, config, sets)
    again, after = run_again(tmp_path, evaluations[1].step, config, sets)
    assert after == evaluations[2:]
    assert equal(whole, again)


def test_a_training_of_adapters_goes_on_too(small_training: TrainingSet, tmp_path: Path) -> None:
    config = configured(lora=LoraConfig(r=4, dropout=0.1), learning_rate=1e-2)
    config.eval.every = 3
    whole, evaluations = run(tmp_path, config, [small_training])
    again, after = run_again(tmp_path, evaluations[0].step, config, [small_training])
    assert after == evaluations[1:]
    assert equal(whole, again)
    weights = [name for name in load_file(tmp_path / "3" / "training.safetensors") if name.startswith("weight/")]
    assert sum("lora_" in name for name in weights) > 0
    assert not any("lora_" not in name and name.endswith("weight") for name in weights), "adapters alone are kept"


def test_a_training_that_changes_nothing_says_so(small_training: TrainingSet, tmp_path: Path) -> None:
    model = load_model(ModelConfig(name="tiny"), "cpu")
    nothing = configured(learning_rate=1e-30, epochs=0.5)
    listener = Listener(lambda _: None)
    assert not train_model(model, [small_training], nothing, Attempt(tmp_path), listener).moved
    assert train_model(model, [small_training], configured(epochs=0.5), Attempt(tmp_path), listener).moved


@pytest.mark.slow
def test_the_cached_loss_goes_on_too(small_training: TrainingSet, tmp_path: Path) -> None:
    whole, _ = run(tmp_path, configured(), [small_training], mini_batch_size=4)
    again, _ = run_again(tmp_path, 4, configured(), [small_training], mini_batch_size=4)
    assert equal(whole, again)


class Scaled(train_module.Trainer):
    """Scales its losses as in fp16, which does not run on a CPU; its scale grows in a few steps."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)


def test_the_loss_scale_goes_on_too(
    small_training: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "Trainer", Scaled)
    config = configured(max_grad_norm=0.0)
    config.eval.every = 2
    whole, evaluations = run(tmp_path, config, [small_training])
    saved = read_state(tmp_path / "4").values["loss_scale"]
    assert saved["scale"] == 2048.0, "it grew once"
    assert saved["_growth_tracker"] == 1
    again, after = run_again(tmp_path, 4, config, [small_training])
    assert after == [progress for progress in evaluations if progress.step > 4]
    assert equal(whole, again)
    assert read_state(tmp_path / str(evaluations[-2].step)).values["loss_scale"]["scale"] > 2048.0


def test_a_loss_scale_belongs_to_its_precision(saved: Path) -> None:
    state, scaler = read_state(saved), torch.amp.GradScaler("cpu")
    restore_loss_scale(state, None)
    with pytest.raises(ResumeError, match="another precision"):
        restore_loss_scale(state, scaler)
    scaled = replace(state, values=dict(state.values) | {"loss_scale": scaler.state_dict()})
    restore_loss_scale(scaled, scaler)
    for wrong in ({}, {"scale": 1.0}):
        with pytest.raises(ResumeError):
            restore_loss_scale(replace(state, values=dict(state.values) | {"loss_scale": wrong}), scaler)
    with pytest.raises(ResumeError, match="another precision"):
        restore_loss_scale(scaled, None)
    older = {name: value for name, value in state.values.items() if name != "loss_scale"}
    restore_loss_scale(replace(state, values=older), None)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", list(Precision))
def test_dropout_on_a_cuda_device_goes_on_too(
    small_training: TrainingSet, tmp_path: Path, precision: Precision
) -> None:
    config = configured(device="cuda", precision=precision, epochs=4)
    _, evaluations = run(tmp_path, config, [small_training])
    _, after = run_again(tmp_path, 4, config, [small_training])
    assert [p.tokens for p in after] == [p.tokens for p in evaluations[1:]]
    # Sums on the device come in no fixed order, which bf16 makes visible.
    assert [p.loss for p in after] == pytest.approx([p.loss for p in evaluations[1:]], rel=1e-3)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, small_training: TrainingSet) -> Iterator[Path]:
    """The state of a training of 8 steps after step 4."""
    folder = tmp_path_factory.mktemp("saved")
    run(folder, configured(), [small_training])
    assert {path.name for path in folder.iterdir()} == {"4"}, "the last evaluation saves nothing"
    return folder / "4"


def test_a_state_is_safetensors_and_json(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {"training.safetensors", "trainer_state.json"}
    names = set(load_file(saved / "training.safetensors"))
    assert {name.partition("/")[0] for name in names} == {"weight", "optimiser", "random"}
    state = read_state(saved)
    assert (state.step, state.values["scheduler"]["last_epoch"]) == (4, 4)
    assert state.seen.tokens > state.seen.rows == 30


@pytest.mark.parametrize("keep", [-1, 0, 100])
def test_a_torn_state_is_told(saved: Path, tmp_path: Path, keep: int) -> None:
    for name in ("training.safetensors", "trainer_state.json"):
        folder = tmp_path / name
        folder.mkdir()
        for path in saved.iterdir():
            content = path.read_bytes()
            (folder / path.name).write_bytes(content[:keep] if path.name == name else content)
        if name == "trainer_state.json" and keep == -1:
            (folder / name).write_text("{")
        with pytest.raises(ResumeError):
            read_state(folder)


def test_a_state_without_values_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResumeError):
        read_state(tmp_path / "nowhere")
    (tmp_path / "trainer_state.json").write_text("{}")
    save_file({"weight/x": torch.ones(1)}, tmp_path / "training.safetensors")
    with pytest.raises(ResumeError):
        read_state(tmp_path)


def test_a_state_of_another_training_is_refused(saved: Path, small_training: TrainingSet, tmp_path: Path) -> None:
    state = read_state(saved)
    fewer = {name: value for name, value in state.tensors.items() if "embeddings" not in name}
    wider = {name: value[None] if name.startswith("weight") else value for name, value in state.tensors.items()}
    forgetful = {name: value for name, value in state.tensors.items() if not name.startswith("random")}
    others = [replace(state, tensors=tensors) for tensors in (fewer, wider, forgetful)]
    others.append(replace(state, values=dict(state.values) | {"groups": []}))
    for other in others:
        with pytest.raises(ResumeError):
            run(tmp_path, configured(), [small_training], resumed=other)


def test_dropout_goes_on_with_the_next_draw(saved: Path, small_training: TrainingSet, tmp_path: Path) -> None:
    state = read_state(saved)
    other = dict(state.tensors) | {"random/cpu": torch.Generator().manual_seed(7).get_state()}
    one, _ = run(tmp_path, configured(), [small_training], resumed=state)
    two, _ = run(tmp_path, configured(), [small_training], resumed=replace(state, tensors=other))
    assert not equal(one, two)
