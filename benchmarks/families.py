"""How much faster a training step is than sentence-transformers' own, for each family of models.

    uv run python benchmarks/families.py [--rounds N] [--steps N] [--only NAME,NAME]

Each family is a random model of one small shape with a prompt for each role, trained on the same batches by
``train_model`` and by ``SentenceTransformerTrainer``, in turns in one process on one core. What is counted is the CPU
time of the process, which other processes on the machine change little. Stock is in fp32; ours in fp32 and in ``auto``.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from logging import getLogger
from pathlib import Path

import torch
from step import StepLog, StockTrainer
from transformers import PrinterCallback
from transformers.utils import logging

from embedtune.config import Config, LossConfig, MatryoshkaConfig, ModelConfig, Precision, PromptsConfig, TrainConfig
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.collate import column_prompts, column_routes
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from families import FAMILIES, Shape, family

SHAPE = Shape(dim=128, layers=3, inner=512, head=32, length=128)
BATCH = 20
PROMPTS = PromptsConfig(query="query: ", document="passage: ")


class CpuLog(StepLog):
    """The CPU time of the process at the end of each step."""

    def step(self, progress: Progress) -> None:
        """As a listener of ``train_model``."""
        self.times.append(time.process_time())

    def on_step_end(self, *_: object, **__: object) -> None:
        """As a callback of the stock trainer."""
        self.times.append(time.process_time())


def rows(count: int) -> TrainingSet:
    """Questions of some 20 letters and passages of some 80, a few much longer, as texts are."""
    draw = random.Random(0)

    def text(mean: float) -> str:
        return "".join(draw.choices("abcdefghij ", k=max(4, round(draw.lognormvariate(0, 0.5) * mean))))

    pairs = [(text(18), text(72)) for _ in range(count)]
    return TrainingSet("rows", {"anchor": tuple(q for q, _ in pairs), "positive": tuple(p for _, p in pairs)})


def ours(config: Config, training: TrainingSet) -> list[float]:
    """CPU seconds of each step of ``train_model``."""
    log = CpuLog()
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(config.model, "cpu")
        train_model(model, [training], config, Attempt(Path(folder)), Listener(lambda _: None, log.step))
    return log.seconds


def stock(config: Config, training: TrainingSet) -> list[float]:
    """CPU seconds of each step of the library's trainer."""
    log, model = CpuLog(), load_model(config.model, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        arguments = training_arguments(config.train, Path(folder), "cpu", "fp32", column_prompts(model, [training]))
        arguments.router_mapping = column_routes(model, [training])
        trainer = StockTrainer(
            model=model, args=arguments, train_dataset=to_dataset([training]), loss=build_loss(model, config),
            callbacks=[log],
        )  # fmt: skip
        trainer.log_to = log
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return log.seconds


def compare(name: str, steps: int, rounds: int) -> str:
    """A row of the table: medians over all steps but the first of each round."""
    training, seconds = rows(BATCH * (steps + 1)), {"stock": [], "fp32": [], "auto": []}
    with tempfile.TemporaryDirectory() as folder:
        model = ModelConfig(str(family(name, {}, Path(folder, "model"), SHAPE)), prompts=PROMPTS)
        loss = LossConfig(matryoshka=MatryoshkaConfig(dims=[64, 32]))
        for _ in range(rounds):
            for kind, values in seconds.items():
                precision = Precision.auto if kind == "auto" else Precision.fp32
                train = TrainConfig(batch_size=BATCH, epochs=1, precision=precision, device="cpu")
                config = Config(model=model, train=train, loss=loss)
                values.extend((stock if kind == "stock" else ours)(config, training))
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    cells = [f"{medians[kind]:.3f} s" for kind in ("stock", "fp32", "auto")]
    ratios = [f"{medians['stock'] / medians[kind]:.2f}" for kind in ("fp32", "auto")]
    return f"| {name} | {cells[0]} | {cells[1]} | {ratios[0]} | {cells[2]} | {ratios[1]} |"


def main() -> None:
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--only", default=",".join(FAMILIES))
    given = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    getLogger("sentence_transformers").setLevel("ERROR")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    print("| family | stock, fp32 | ours, fp32 | ratio | ours, auto | ratio |\n|---|---|---|---|---|---|")
    for name in given.only.split(","):
        print(compare(name, given.steps, given.rounds), flush=True)


if __name__ == "__main__":
    main()
