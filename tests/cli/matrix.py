"""Every key of the schema with a value other than its default: a new key needs a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One key and how it is tried.

    Attributes:
        typed: Its value as it is typed; ``{model}``, ``{teacher}`` and ``{work}`` stand for folders of the test.
        value: What is recorded; None for what was typed.
        needs: What is typed beside it.
        effect: Where ``training.json`` shows it (a hyperparameter or a parameter of the loss), and what it shows.
        searched: The sweep to search it by, where it may be searched.
        below: What follows the key, for a mapping.
    """

    typed: str
    value: Any = None
    needs: tuple[str, ...] = ()
    effect: tuple[str, Any] | None = None
    searched: str | None = None
    below: str = ""


MINED = ("train.negatives.count=1",)
LORA = ("train=lora", "train.learning_rate=1e-3")

MATRIX: dict[str, Row] = {
    "model.name": Row("{model}", searched="choice(tiny, '{model}')"),
    "model.revision": Row("main", searched="choice(null, main)"),
    "model.max_seq_length": Row("16", 16, searched="choice(null, 16)"),
    "model.dtype": Row(
        "bf16", needs=("train.precision=bf16",), effect=("dtype", "bf16"), searched="choice(fp32, auto)"
    ),
    "model.attention": Row("eager", effect=("attention", "eager"), searched="choice(null, eager, sdpa)"),
    "model.prompts.query": Row("'query: '", "query: ", searched="choice('', 'query: ')"),
    "model.prompts.document": Row("'passage: '", "passage: ", searched="choice(null, 'passage: ')"),
    "model.learning_rates.default": Row("1e-4", effect=("learning_rate", 1e-4)),
    "model.learning_rates.search": Row("'choice(1e-5, 1e-4)'", "choice(1e-5, 1e-4)"),
    "model.learning_rates.grid": Row("'choice(1e-5, 1e-4)'", "choice(1e-5, 1e-4)"),
    "model.trust_remote_code": Row("true", True, searched="choice(true, false)"),
    "data.name": Row("mine"),
    "data.source": Row("pydocs", needs=("data=pydocs", "data.max_train=30", "data.max_queries=5")),
    "data.path": Row("{work}/other task"),
    "data.subset": Row("en"),
    "data.revision": Row("main"),
    "data.splits": Row(
        "{train:training.jsonl,validation:val.jsonl}", {"train": "training.jsonl", "validation": "val.jsonl"}
    ),
    "data.columns": Row("{anchor:question}", {"anchor": "question"}),
    "data.extra": Row("{more:rows.jsonl}", {"more": "rows.jsonl"}),
    "data.prompts": Row(
        "'ask: '", {"more": {"query": "ask: "}}, needs=("data.extra.more=rows.jsonl",), below=".more.query"
    ),
    "data.mix": Row("proportional", effect=("multi_dataset_batch_sampler", "proportional")),
    "data.split": Row("0.5/0.25/0.25", needs=("data.path='{work}/rows.jsonl'",)),
    "data.on_leak": Row("drop"),
    "data.near_duplicates": Row("0.95", 0.95),
    "data.relevant_from": Row("2", 2.0, needs=("data.path='{work}/rows.jsonl'",)),
    "data.skip_own": Row("false", False),
    "data.baselines": Row("none"),
    "data.seed": Row("7", 7),
    "data.max_train": Row("20", 20),
    "data.max_queries": Row("9", 9),
    "train.batch_size": Row("7", 7, effect=("per_device_train_batch_size", 7), searched="choice(7, 9)"),
    "train.epochs": Row("2", 2.0, effect=("num_train_epochs", 2.0), searched="choice(1, 2)"),
    "train.learning_rate": Row("1e-4", effect=("learning_rate", 1e-4), searched="tag(log, interval(1e-5, 1e-3))"),
    "train.warmup_ratio": Row("0.5", 0.5, searched="interval(0.0, 0.5)"),
    "train.weight_decay": Row("0.25", 0.25, effect=("weight_decay", 0.25), searched="choice(0.0, 0.25)"),
    "train.max_grad_norm": Row("0.5", 0.5, effect=("max_grad_norm", 0.5), searched="range(0.5, 1.5, 0.5)"),
    "train.scheduler": Row("cosine", effect=("lr_scheduler_type", "cosine"), searched="choice(linear, cosine)"),
    "train.precision": Row("fp32", searched="choice(fp32, auto)"),
    "train.batch_sampler": Row("no_duplicates", searched="choice(plain, no_duplicates, relevance)"),
    "train.chunks": Row("2", 2, searched="int(interval(1, 4))"),
    "train.kernels": Row("stock", searched="choice(auto, stock)"),
    "train.gradient_checkpointing": Row(
        "true", True, effect=("gradient_checkpointing", True), searched="choice(true, false)"
    ),
    "train.average": Row("tail", searched="choice(none, ema, tail)"),
    "train.seed": Row("7", 7, effect=("seed", 7), searched="choice(7, 8)"),
    "train.device": Row("cpu", searched="choice(cpu, auto)"),
    "train.negatives.count": Row("2", 2, searched="choice(0, 1, 2)"),
    "train.negatives.margin": Row("0.1", 0.1, needs=MINED, searched="interval(0.0, 0.2)"),
    "train.negatives.range": Row("[1,20]", [1, 20], needs=MINED),
    "train.negatives.model": Row("{model}", needs=MINED, searched="choice(null, '{model}', '{teacher}')"),
    "train.negatives.refresh": Row("1", 1, needs=MINED, searched="choice(null, 1)"),
    "train.lora.r": Row("4", 4, needs=LORA, searched="choice(2, 4)"),
    "train.lora.alpha": Row("8", 8, needs=LORA, searched="int(interval(4, 16))"),
    "train.lora.dropout": Row("0", 0.0, needs=LORA, searched="interval(0.0, 0.3)"),
    "train.lora.targets": Row("[query,value]", ["query", "value"], needs=LORA),
    "loss.name": Row("cached_mnrl", searched="choice(mnrl, cached_mnrl, gist)"),
    "loss.scale": Row("30", 30.0, searched="interval(10.0, 30.0)"),
    "loss.similarity": Row("dot", searched="choice(cosine, dot)"),
    "loss.directions": Row("symmetric", searched="choice(query, symmetric, all)"),
    "loss.partition": Row(
        "per_direction", needs=("loss.directions=symmetric",), searched="choice(joint, per_direction)"
    ),
    "loss.hardness": Row("5", 5.0, searched="interval(0.0, 9.0)"),
    "loss.hardness_on": Row("all", needs=("loss.hardness=5",), searched="choice(in_batch, hard, all)"),
    "loss.mask_false_negatives": Row("true", True, searched="choice(true, false)"),
    "loss.guide": Row("{model}", needs=("loss=gist",), searched="choice(null, '{model}')"),
    "loss.margin": Row("0.1", 0.1, needs=("loss=gist",), searched="interval(0.0, 0.2)"),
    "loss.margin_strategy": Row(
        "relative", needs=("loss=gist", "loss.margin=0.1"), searched="choice(absolute, relative)"
    ),
    "loss.teacher": Row(
        "{teacher}", needs=("loss=margin_mse", "data.path='{work}/triples'"), searched="choice('{teacher}')"
    ),
    "loss.matryoshka.dims": Row("[64,32]", [64, 32], effect=("matryoshka_dims", [64, 32])),
    "loss.matryoshka.weights": Row(
        "0.5", {"64": 0.5}, below=".64", effect=("matryoshka_weights", [0.5, 1.0, 1.0, 1.0, 1.0])
    ),
    "eval.objective": Row("dot_ndcg@10"),
    "eval.dim": Row("32", 32),
    "eval.second": Row("32", 32, needs=("pruner=none",)),
    "eval.split": Row("test"),
    "eval.every": Row("0.5", 0.5),
    "eval.batch_size": Row("7", 7),
    "eval.cutoffs": Row("[2,20]", [2, 20]),
    "eval.gain": Row("exponential"),
    "eval.distractors": Row("train"),
    "eval.corpus": Row("12", 12),
    "eval.folds": Row("2", 2),
    "study.name": Row("named"),
    "study.n_trials": Row("2", 2),
    "study.workers": Row("1", 1),
    "study.storage": Row("sqlite:///{work}/study.db"),
    "study.keep": Row("1", 1),
    "study.attempts": Row("1", 1),
    "study.resume": Row("false", False),
    "study.on_change": Row("new"),
    "tracking.enabled": Row("false", False),
    "tracking.uri": Row("sqlite:///{work}/mlflow.db", needs=("tracking.enabled=true",)),
    "tracking.experiment": Row("mine", needs=("tracking.enabled=true",)),
    "tracking.port": Row("5001", 5001),
    "release.name": Row("mine"),
    "release.trial": Row("0", 0),
    "release.candidates": Row("2", 2),
    "release.seeds": Row("1", 1),
    "release.soup": Row("true", True),
    "release.gate": Row("false", False),
    "release.level": Row("0.9", 0.9),
    "release.margin": Row("0.02", 0.02),
    "release.dim": Row("32", 32),
    "release.dim_margin": Row("0.02", 0.02),
    "release.register": Row("false", False),
    "release.alias": Row("mine"),
    "release.overwrite": Row("true", True),
    "release.license": Row("mit"),
    "release.language": Row("[en,de]", ["en", "de"]),
    "release.onnx": Row("fp32"),
    "release.push_to_hub": Row("me/mine"),
    "reproduce.tolerance": Row("0.1", 0.1),
    "generate.method": Row("extract"),
    "generate.url": Row("'http://127.0.0.1:1/v1'", "http://127.0.0.1:1/v1"),
    "generate.model": Row("mine"),
    "generate.key_env": Row("MY_KEY"),
    "generate.prompt": Row("'Ask {count} questions.'", "Ask {count} questions."),
    "generate.per_passage": Row("3", 3),
    "generate.chunk_tokens": Row("100", 100),
    "generate.overlap_tokens": Row("0", 0),
    "generate.top": Row("3", 3),
    "generate.out": Row("written"),
    "generate.concurrency": Row("2", 2),
    "generate.requests_per_minute": Row("30", 30.0),
    "generate.attempts": Row("2", 2),
    "generate.timeout": Row("5", 5.0),
    "paths.sweeps": Row("other sweeps"),
    "paths.mlruns": Row("other mlruns"),
    "paths.releases": Row("other releases"),
    "format": Row("json"),
    "run": Row("abc"),
}

TOGETHER = (
    "model.max_seq_length", "data.name", "train.batch_size", "train.learning_rate", "train.weight_decay",
    "train.max_grad_norm", "train.scheduler", "train.precision", "train.chunks", "train.seed", "train.device",
    "loss.scale", "loss.matryoshka.dims", "eval.objective", "eval.dim", "eval.every", "eval.batch_size",
    "eval.distractors", "study.name", "study.keep", "paths.sweeps", "format",
)  # fmt: skip
"""Rows that one run can try at once, in the short form of the matrix."""

OFFLINE = {
    "model": ("minilm", "tiny"), "data": ("files", "pydocs"),
}  # fmt: skip
"""Of these groups the choices that need no hub; of the others all."""

ROWS = {
    "triplet": "triples", "margin_mse": "triples", "kl": "triples",
    "cosent": "labels", "angle": "labels", "cosine_similarity": "labels", "contrastive": "labels",
    "online_contrastive": "labels",
}  # fmt: skip
"""Losses that need rows of their own: the folder that has them."""
