from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from embedtune.config import BatchSampler, Config, Kernels, MatryoshkaConfig, ModelConfig, Precision
from embedtune.errors import ConfigError, TrialError
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, TrainingOutcome, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.collate import column_prompts
from embedtune.training.kernels.masks import KeepMasks
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset
from stock import trained_losses

OUTPUT = Path("output")


@pytest.fixture(autouse=True)
def elsewhere(workdir: Path) -> None:
    """The trainer makes its folder, here below the working directory."""


def configured(**train: Any) -> Config:
    config = Config(model=ModelConfig(name="tiny"))
    values = {"batch_size": 8, "epochs": 1, "learning_rate": 1e-3, "precision": Precision.fp32, "device": "cpu"} | train
    for name, value in values.items():
        setattr(config.train, name, value)
    return config


def fresh(dropout: bool = True) -> SentenceTransformer:
    model = load_model(ModelConfig(name="tiny"), "cpu")
    for module in model.modules():
        if not dropout and isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def train(
    model: SentenceTransformer,
    sets: TrainingSet | list[TrainingSet],
    config: Config,
    on_evaluate: Callable[[Progress], None] = lambda _: None,
) -> tuple[TrainingOutcome, list[Progress]]:
    steps: list[Progress] = []
    sets = [sets] if isinstance(sets, TrainingSet) else sets
    OUTPUT.mkdir(exist_ok=True)
    outcome = train_model(model, sets, config, Attempt(OUTPUT), Listener(on_evaluate, steps.append))
    assert not list(OUTPUT.iterdir())
    return outcome, steps


def fingerprint(model: SentenceTransformer) -> str:
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()


def stock_losses(model: SentenceTransformer, sets: list[TrainingSet], config: Config) -> list[float]:
    arguments = training_arguments(config.train, OUTPUT, "cpu", "fp32", column_prompts(model, sets))
    return trained_losses(model, arguments, to_dataset(sets), build_loss(model, config))


def with_negatives(rows: TrainingSet) -> TrainingSet:
    return TrainingSet("triplets", dict(rows.columns) | {"negative": rows.columns["positive"][::-1]})


@pytest.mark.parametrize("matryoshka", [MatryoshkaConfig(dims=[64, 16], weights={"16": 0.5}), None])
@pytest.mark.parametrize("negatives", [False, True])
def test_losses_are_those_of_the_library(
    small_training: TrainingSet, matryoshka: MatryoshkaConfig | None, negatives: bool
) -> None:
    config = configured(epochs=2, warmup_ratio=0.2)
    config.loss.matryoshka = matryoshka
    sets = [with_negatives(small_training) if negatives else small_training]
    _, steps = train(fresh(dropout=False), sets, config)
    expected = stock_losses(fresh(dropout=False), sets, config)
    assert [progress.loss for progress in steps] == pytest.approx(expected, rel=1e-4)
    assert len(steps) == 8


@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("matryoshka", [MatryoshkaConfig(dims=[64, 16]), None])
@pytest.mark.parametrize("loss", ["mnrl", "cached_mnrl"])
def test_prompts_of_the_model_are_trained_with_as_the_library_does(
    small_training: TrainingSet, include_prompt: bool, matryoshka: MatryoshkaConfig | None, loss: str
) -> None:
    config, sets = configured(), [with_negatives(small_training)]
    config.loss.name, config.loss.matryoshka = loss, matryoshka
    ours, theirs, bare = fresh(dropout=False), fresh(dropout=False), fresh(dropout=False)
    for model in (ours, theirs):
        model.prompts |= {"query": "ask: ", "document": "a passage to find: "}
        model.set_pooling_include_prompt(include_prompt)
    _, steps = train(ours, sets, config)
    expected = stock_losses(theirs, sets, config)
    assert [progress.loss for progress in steps] == pytest.approx(expected, rel=1e-4)
    _, without = train(bare, sets, config)
    assert [progress.loss for progress in without] != pytest.approx(expected, rel=1e-3)


def test_what_is_trained_is_read_as_evaluation_reads_it(
    small_training: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedtune.training.collate import TokenCollator

    model, batches = fresh(), list[tuple[Any, Any]]()
    model.prompts |= {"query": "ask: ", "document": "passage: "}
    collate = TokenCollator.__call__

    def watch(self: TokenCollator, rows: Any) -> dict[str, Any]:
        batches.append((rows, collate(self, rows)))
        return batches[-1][1]

    monkeypatch.setattr(TokenCollator, "__call__", watch)
    train(model, small_training, configured())
    rows, batch = batches[0]
    for column, prompt in (("anchor", "ask: "), ("positive", "passage: ")):
        expected = model.preprocess([row[column] for row in rows], prompt=prompt)
        assert torch.equal(batch[f"{column}_input_ids"], expected["input_ids"])


def test_two_sets_with_prompts_train(small_training: TrainingSet) -> None:
    ours, theirs = fresh(dropout=False), fresh(dropout=False)
    for model in (ours, theirs):
        model.prompts["query"] = "ask: "
    sets = [small_training, TrainingSet("few", {name: texts[:16] for name, texts in small_training.columns.items()})]
    _, steps = train(ours, sets, configured())
    assert [progress.loss for progress in steps] == pytest.approx(stock_losses(theirs, sets, configured()), rel=1e-4)


def test_cached_loss_trains_as_the_library_does(small_training: TrainingSet) -> None:
    config = configured()
    config.loss.name = "cached_mnrl"
    _, steps = train(fresh(dropout=False), small_training, config)
    expected = stock_losses(fresh(dropout=False), [small_training], config)
    assert [progress.loss for progress in steps] == pytest.approx(expected, rel=1e-4)


def test_the_same_configuration_gives_the_same_weights_bit_by_bit(small_training: TrainingSet) -> None:
    first, other, again = fresh(), fresh(), fresh()
    train(first, small_training, configured())
    train(other, small_training, configured(seed=7, precision=Precision.bf16, chunks=2))
    train(again, small_training, configured())
    assert fingerprint(first) == fingerprint(again)
    assert fingerprint(first) != fingerprint(other)


def test_bf16_trains_close_to_fp32(small_training: TrainingSet) -> None:
    fp32, bf16 = (
        train(fresh(dropout=False), small_training, configured(precision=precision))[1]
        for precision in (Precision.fp32, Precision.bf16)
    )
    assert [p.loss for p in bf16] == pytest.approx([p.loss for p in fp32], rel=0.02)
    assert [p.loss for p in bf16] != [p.loss for p in fp32]


def test_an_evaluation_sees_the_plain_model_and_training_goes_on(small_training: TrainingSet) -> None:
    model = fresh()
    modes: list[tuple[bool, bool, bool]] = []

    def on_evaluate(_: Progress) -> None:
        embedding = model.encode(["The harbour"], convert_to_tensor=True)
        alone = type(model).forward(model, model.preprocess(["The harbour"]))["sentence_embedding"]
        modes.append((model.training, "forward" in vars(model), torch.equal(embedding, alone.detach())))

    config = configured(precision=Precision.bf16, epochs=2)
    config.eval.every = 3
    outcome, steps = train(model, small_training, config, on_evaluate)
    assert modes == [(False, False, True)] * 3
    assert [progress.step for progress in outcome.logs] == [3, 6, 8]
    assert [progress.step for progress in steps] == list(range(1, 9))


def test_evaluations_do_not_change_the_training(small_training: TrainingSet) -> None:
    often, seldom = fresh(), fresh()
    config = configured()
    config.eval.every = 1
    train(often, small_training, config, lambda _: often.encode(["a"]))
    train(seldom, small_training, configured())
    assert fingerprint(often) == fingerprint(seldom)


def test_progress_tells_mean_loss_rate_and_epoch(small_training: TrainingSet) -> None:
    config = configured(epochs=1.5)
    config.eval.every = 0.5
    outcome, steps = train(fresh(), small_training, config)
    assert [(p.step, p.total_steps, p.epoch) for p in outcome.logs] == [(2, 6, 0.5), (4, 6, 1.0), (6, 6, 1.5)]
    losses = [p.loss for p in steps]
    assert outcome.logs[1].loss == pytest.approx((losses[2] + losses[3]) / 2)
    assert outcome.loss == outcome.logs[-1].loss
    assert [p.learning_rate for p in steps] == pytest.approx([1e-3 * (6 - done) / 6 for done in range(6)])
    assert outcome.steps == 6
    assert outcome.seconds > 0


def test_tokens_are_counted_without_padding(small_training: TrainingSet) -> None:
    model = fresh()
    expected = sum(
        int(model.preprocess([text])["attention_mask"].sum())
        for texts in small_training.columns.values()
        for text in texts
    )
    outcome, _ = train(model, small_training, configured(epochs=2))
    assert outcome.tokens == 2 * expected


def test_what_on_evaluate_raises_comes_out_and_leaves_no_trace(small_training: TrainingSet) -> None:
    class Pruned(Exception):
        pass

    model, raised = fresh(), Pruned("enough")
    before = set(vars(model))

    def prune(_: Progress) -> None:
        raise raised

    config = configured(precision=Precision.bf16)
    config.eval.every = 1
    with pytest.raises(Pruned) as caught:
        train(model, small_training, config, prune)
    assert caught.value is raised
    assert set(vars(model)) == before
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    outcome, _ = train(model, small_training, config)
    assert outcome.steps == 4


def test_a_loss_that_is_not_finite_ends_the_training(small_training: TrainingSet) -> None:
    model = fresh()

    def spoil(progress: Progress) -> None:
        with torch.no_grad():
            next(model.parameters()).fill_(math.nan)

    config = configured()
    config.eval.every = 2
    with pytest.raises(TrialError, match=r"loss must be finite, but got nan at step 3\. Lower train\.learning_rate"):
        train(model, small_training, config, spoil)


def test_weights_of_zero_alone_are_refused(small_training: TrainingSet) -> None:
    config = configured()
    config.loss.matryoshka = MatryoshkaConfig(dims=[64, 32], weights={"64": 0.0, "32": 0.0})
    with pytest.raises(ConfigError, match=r"loss\.matryoshka\.weights must have one above 0, but got 0 for all of"):
        train(fresh(), small_training, config)


def test_no_duplicates_keeps_equal_texts_apart(small_training: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    from embedtune.training.collate import TokenCollator

    batches: list[list[str]] = []
    collate = TokenCollator.__call__

    def watch(self: TokenCollator, rows: Any) -> dict[str, Any]:
        batches.append([text for row in rows for text in row.values()])
        return collate(self, rows)

    monkeypatch.setattr(TokenCollator, "__call__", watch)
    train(fresh(), small_training, configured(batch_sampler=BatchSampler.no_duplicates))
    assert len(batches) >= 4
    assert all(len(set(batch)) == len(batch) for batch in batches)
    batches.clear()
    train(fresh(), small_training, configured())
    assert any(len(set(batch)) < len(batch) for batch in batches)


def test_two_sets_take_turns_until_the_smaller_is_used_up(small_training: TrainingSet) -> None:
    few = TrainingSet("few", {name: texts[:16] for name, texts in with_negatives(small_training).columns.items()})
    sets = [small_training, few]
    _, steps = train(fresh(dropout=False), sets, configured(epochs=2))
    assert len(steps) == 2 * 2 * 2
    expected = stock_losses(fresh(dropout=False), sets, configured(epochs=2))
    assert [progress.loss for progress in steps] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rows", [1, 3, 9])
def test_odd_sizes_train(small_training: TrainingSet, rows: int) -> None:
    few = TrainingSet("few", {name: texts[:rows] for name, texts in small_training.columns.items()})
    outcome, _ = train(fresh(), few, configured(batch_size=8))
    assert outcome.steps == math.ceil(rows / 8)
    assert len(outcome.logs) == 1


def test_an_empty_text_trains() -> None:
    rows = TrainingSet("odd", {"anchor": ("", "who", "a\u2028b"), "positive": ("the answer", "", "c")})
    outcome, steps = train(fresh(), rows, configured())
    assert outcome.steps == 1
    assert steps[0].loss is not None
    assert math.isfinite(steps[0].loss)


def test_a_model_without_attention_mask_trains() -> None:
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "who": 1, "the": 2, "harbour": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu")
    before = fingerprint(model)
    rows = TrainingSet("rows", {"anchor": ("who", "the harbour"), "positive": ("the who", "harbour")})
    outcome, _ = train(model, rows, configured())
    assert outcome.steps == 1
    assert fingerprint(model) != before


def test_nothing_is_written_or_printed(
    small_training: TrainingSet, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fresh()
    capsys.readouterr()
    train(model, small_training, configured())
    assert list(workdir.rglob("*")) == [workdir / OUTPUT]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("kernels", "loss", "drawn"),
    [(Kernels.auto, "mnrl", True), (Kernels.stock, "mnrl", False), (Kernels.auto, "cached_mnrl", False)],
)
def test_masks_are_ours_only_where_a_batch_is_encoded_once(
    small_training: TrainingSet, monkeypatch: pytest.MonkeyPatch, kernels: Kernels, loss: str, drawn: bool
) -> None:
    calls: list[int] = []
    draw = KeepMasks.draw

    def noted(self: KeepMasks, shape: Any, p: float, dtype: torch.dtype) -> torch.Tensor:
        calls.append(1)
        return draw(self, shape, p, dtype)

    monkeypatch.setattr(KeepMasks, "draw", noted)
    config = configured(kernels=kernels)
    config.loss.name = loss
    _, steps = train(fresh(), small_training, config)
    assert bool(calls) == drawn
    assert all(math.isfinite(step.loss or math.nan) for step in steps)


def test_our_kernels_train_to_the_same_bits_again(small_training: TrainingSet) -> None:
    found = []
    for _ in range(2):
        model = fresh()
        train(model, small_training, configured(kernels=Kernels.auto))
        found.append(fingerprint(model))
    assert found[0] == found[1]
