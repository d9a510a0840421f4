"""How much faster a training step is than sentence-transformers' own, and that it computes the same.

    uv run python benchmarks/step.py --data training.jsonl          # steps per second of both, and the ratio
    uv run python benchmarks/step.py --data training.jsonl --check  # the first losses of both, fp32, without dropout

Both train the same model on the same batches in one process, in turns, because machines are noisy. Ours is
``train_model`` as ``python -m embedtune`` calls it; stock is ``SentenceTransformerTrainer`` in fp32 with its own
collator and the same other arguments.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch import nn
from transformers import PrinterCallback, TrainerCallback
from transformers.utils import logging

from embedtune.config import Config, Kernels, ModelConfig, Precision
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, resolve_device, resolve_precision, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset

TOLERANCE = 1e-4
"""Largest relative difference between two losses that counts as the same computation."""


class StepLog(TrainerCallback):
    """The times at which steps ended, and their losses."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []

    def step(self, progress: Progress) -> None:
        """As a listener of ``train_model``."""
        self.times.append(time.perf_counter())
        self.losses.append(progress.loss or 0.0)

    def on_step_end(self, *_: object, **__: object) -> None:
        """As a callback of the stock trainer."""
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """Of each step but the first, which warms up."""
        return [end - start for start, end in zip(self.times, self.times[1:], strict=False)]


class StockTrainer(SentenceTransformerTrainer):
    """The library's own, with its losses noted at full precision."""

    log_to: StepLog

    def training_step(self, *args: object, **kwargs: object) -> object:
        """One step."""
        loss = super().training_step(*args, **kwargs)
        self.log_to.losses.append(loss.item())
        return loss


def load(config: Config, check: bool) -> SentenceTransformer:
    """A fresh model; without dropout for a check, because the two draw it differently."""
    model = load_model(config.model, resolve_device(config.train.device))
    if check:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            elif hasattr(module, "dropout_prob"):
                module.dropout_prob = 0.0
    return model


def ours(config: Config, rows: TrainingSet, check: bool) -> StepLog:
    """Train with ``train_model``."""
    log = StepLog()
    with tempfile.TemporaryDirectory() as folder:
        train_model(load(config, check), [rows], config, Attempt(Path(folder)), Listener(lambda _: None, log.step))
    return log


def stock(config: Config, rows: TrainingSet, check: bool) -> StepLog:
    """Train with the library's trainer."""
    log = StepLog()
    model = load(config, check)
    with tempfile.TemporaryDirectory() as folder:
        arguments = training_arguments(config.train, Path(folder), resolve_device(config.train.device), "fp32")
        trainer = StockTrainer(
            model=model,
            args=arguments,
            train_dataset=to_dataset([rows]),
            loss=build_loss(model, config),
            callbacks=[log],
        )
        trainer.log_to = log
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return log


def read_rows(path: Path | None, count: int) -> TrainingSet:
    """The first ``count`` (question, passage) pairs of a one-object JSON file, or of the embedded data."""
    if path is None:
        from embedtune.config import DataConfig
        from embedtune.data import load_task

        (whole, *_) = load_task(DataConfig(max_train=600)).training
        return TrainingSet("rows", {name: texts[:count] for name, texts in whole.columns.items()})
    document = json.loads(path.read_text(encoding="utf-8"))
    queries = document.get("questions") or document["queries"]
    relevant = document.get("relevant_contexts") or document["relevant_docs"]
    passages = document.get("corpus") or document["contexts"]
    pairs = [(text, passages[relevant[key][0]]) for key, text in queries.items()][:count]
    return TrainingSet("rows", {"anchor": tuple(q for q, _ in pairs), "positive": tuple(p for _, p in pairs)})


def report_speed(config: Config, rows: TrainingSet, rounds: int) -> None:
    """Both in turns, and the medians."""
    device = resolve_device(config.train.device)
    seconds: dict[str, list[float]] = {"stock": [], "ours": []}
    for number in range(rounds):
        seconds["stock"] += stock(config, rows, False).seconds
        seconds["ours"] += ours(config, rows, False).seconds
        print(
            f"round {number + 1}: ratio so far {_median(seconds['stock']) / _median(seconds['ours']):.2f}", flush=True
        )
    for name, values in seconds.items():
        precision = "fp32" if name == "stock" else resolve_precision(config.train.precision, device)
        print(f"{name:5} {precision}  {1 / _median(values):6.2f} steps/s  {_median(values):.3f} s/step")
    print(f"ratio {_median(seconds['stock']) / _median(seconds['ours']):.2f}")


def check_losses(config: Config, rows: TrainingSet) -> None:
    """The losses of both, and a failure if they differ."""
    config.train.precision = Precision.fp32
    pairs = list(zip(stock(config, rows, True).losses, ours(config, rows, True).losses, strict=True))
    for number, (theirs, mine) in enumerate(pairs, 1):
        print(f"step {number:3}  stock {theirs:.7f}  ours {mine:.7f}")
    worst = max(abs(mine - theirs) / abs(theirs) for theirs, mine in pairs)
    print(f"largest relative difference {worst:.1e}, allowed {TOLERANCE:.0e}")
    if worst > TOLERANCE:
        raise SystemExit(1)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="as model.name")
    parser.add_argument("--data", type=Path, help="one-object JSON with queries, relevant and corpus; else pydocs")
    parser.add_argument("--steps", type=int, default=11, help="steps of each in a round (20 for --check)")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kernels", default="auto", choices=[own.value for own in Kernels], help="as train.kernels")
    parser.add_argument("--check", action="store_true", help="compare losses instead of speed")
    options = parser.parse_args()
    logging.disable_progress_bar()
    config = Config(model=ModelConfig(name=options.model))
    config.train.epochs = 1
    config.train.kernels = Kernels(options.kernels)
    steps = 20 if options.check else options.steps
    rows = read_rows(options.data, steps * config.train.batch_size)
    if options.check:
        check_losses(config, rows)
    else:
        report_speed(config, rows, options.rounds)


def _median(values: list[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
