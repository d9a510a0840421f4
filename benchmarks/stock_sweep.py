"""A study as a careful user writes it with public APIs alone; nothing of embedtune is imported.

Optuna, SentenceTransformerTrainer with its defaults, one evaluator for each dimension, MLflow's callback.

    uv run python benchmarks/stock_sweep.py --data FOLDER --model FOLDER --configurations FILE --out FOLDER

The folder of data has training.jsonl and val.jsonl, each one JSON object with questions, relevant_contexts and corpus.
The file holds a JSON list of configurations, which are run in turn; `benchmarks/study.py` draws them and times both.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import optuna
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator, SequentialEvaluator
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentence_transformers.util import cos_sim, dot_score

SAMPLERS = {"plain": "batch_sampler", "no_duplicates": "no_duplicates"}


def read(path: Path) -> dict[str, Any]:
    """One split."""
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def pairs(split: dict[str, Any]) -> Dataset:
    """Question and passage for each relevant pair."""
    rows = [
        {"anchor": split["questions"][query], "positive": split["corpus"][passage]}
        for query, found in split["relevant_contexts"].items()
        for passage in found
    ]
    return Dataset.from_list(rows)


def evaluator(split: dict[str, Any], dims: list[int]) -> SequentialEvaluator:
    """One retrieval evaluation for each dimension; the score is that of the largest."""
    relevant = {query: set(found) for query, found in split["relevant_contexts"].items()}
    parts = [
        InformationRetrievalEvaluator(
            split["questions"], split["corpus"], relevant, truncate_dim=dim, name=str(dim), write_csv=False,
            score_functions={"cosine": cos_sim, "dot": dot_score},
        )
        for dim in dims
    ]  # fmt: skip
    return SequentialEvaluator(parts, main_score_function=lambda scores: scores[0])


def train(options: argparse.Namespace, number: int, config: dict[str, Any], data: tuple[Dataset, Any]) -> float:
    """One configuration; returns the best validation score."""
    model = SentenceTransformer(str(options.model), device="cpu")
    size = int(model.get_embedding_dimension())
    dims = [size, 256, 128, 64, 32] if size == 384 else [size // 2**power for power in range(5)]
    weights = [config.get(f"loss.matryoshka.weights.{dim}", 1.0) for dim in dims]
    loss = MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), matryoshka_dims=dims, matryoshka_weights=weights)
    metric = f"eval_{size}_cosine_map@100"
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(options.out / f"trial-{number}"), num_train_epochs=config["train.epochs"],
        per_device_train_batch_size=config["train.batch_size"], learning_rate=config["train.learning_rate"],
        warmup_steps=config["train.warmup_ratio"], batch_sampler=SAMPLERS[config["train.batch_sampler"]],
        eval_strategy="epoch", save_strategy="epoch", save_total_limit=1, load_best_model_at_end=True,
        metric_for_best_model=metric, greater_is_better=True, logging_steps=10, report_to=["mlflow"], seed=42,
        run_name=f"trial-{number}", use_cpu=True, dataloader_pin_memory=False,
    )  # fmt: skip
    rows, evaluate = data
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=rows, loss=loss, evaluator=evaluate)
    trainer.train()
    while mlflow.active_run():
        mlflow.end_run()
    return float(trainer.state.best_metric)


def main() -> None:
    """Run all configurations; the last line of the output is JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "model", "configurations", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    started = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{options.out.resolve()}/mlflow.db")
    mlflow.set_experiment("stock")
    configurations = json.loads(options.configurations.read_text(encoding="utf-8"))
    training, validation = read(options.data / "training.jsonl"), read(options.data / "val.jsonl")
    data = pairs(training), evaluator(validation, [384, 256, 128, 64, 32])
    scores: list[tuple[float, float]] = []

    def objective(trial: optuna.Trial) -> float:
        value = train(options, trial.number, configurations[trial.number], data)
        scores.append((time.perf_counter() - started, value))
        return value

    study = optuna.create_study(direction="maximize", storage=f"sqlite:///{options.out.resolve()}/optuna.db")
    study.optimize(objective, n_trials=len(configurations))
    print(json.dumps({"seconds": time.perf_counter() - started, "scores": scores}))


if __name__ == "__main__":
    main()
