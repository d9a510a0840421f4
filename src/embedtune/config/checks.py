"""The rules of the configuration, and the one conversion from Hydra's result to a checked ``Config``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from embedtune.config.schema import DIMENSION, SMALLEST, Config, EvalConfig, LossConfig, ReleaseConfig, TrainConfig
from embedtune.errors import ConfigError, join_problems

SPLITS = ("train", "validation", "test")
SOURCES = ("pydocs", "files", "hub")
LOSSES = ("mnrl", "cached_mnrl")
SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt")
SIMILARITIES = ("cosine", "dot")
CUTOFFS = (1, 3, 5, 10)
METRICS = tuple(
    [f"{kind}@{k}" for kind in ("accuracy", "precision", "recall") for k in CUTOFFS] + ["ndcg@10", "mrr@10", "map@100"]
)
OBJECTIVES = tuple(f"{similarity}_{metric}" for similarity in SIMILARITIES for metric in METRICS)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|multilingual|code")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def to_config(cfg: DictConfig) -> Config:
    """Convert what Hydra composed and check every rule.

    Raises:
        ConfigError: With every broken rule, one a line.
    """
    try:
        config = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise ConfigError(str(error)) from error
    if not isinstance(config, Config):
        raise ConfigError(
            f"config must extend the schema, but got {type(config).__name__}. Add 'schema' to its defaults."
        )
    found = [*_unknown_keys(cfg, config), *problems(config)]
    if found:
        raise ConfigError(join_problems(found))
    return config


def _unknown_keys(cfg: DictConfig, node: Any, prefix: str = "") -> Iterator[str]:
    """Keys added with ``+`` that nothing would read."""
    known = {field.name for field in fields(node)}
    for name in map(str, cfg):
        value = getattr(node, name, None)
        if name not in known:
            yield f"{prefix}{name} must be a key of the configuration, but there is none of that name. Remove it."
        elif is_dataclass(value):
            yield from _unknown_keys(cfg[name], value, f"{prefix}{name}.")


def problems(config: Config) -> list[str]:
    """Every broken rule that can be seen without reading data or a model."""
    return [
        *_train_problems(config.train),
        *_loss_problems(config.loss),
        *_eval_problems(config.eval),
        *_second_problems(config.eval),
        *_data_problems(config),
        *_study_problems(config),
        *_release_problems(config.release),
        *_export_problems(config.release),
        *_reproduce_problems(config),
        *_place_problems(config),
    ]


def _must(holds: bool, key: str, rule: str, value: Any, remedy: str) -> Iterator[str]:
    if not holds:
        yield f"{key} must {rule}, but got {value}. {remedy}"


def _train_problems(train: TrainConfig) -> Iterator[str]:
    yield from _must(
        train.batch_size >= 2, "train.batch_size", "be at least 2", train.batch_size,
        "The other rows of a batch are its negatives; try 20.",
    )  # fmt: skip
    yield from _must(
        train.epochs > 0 and math.isfinite(train.epochs), "train.epochs", "be above 0", train.epochs, "Try 5."
    )
    yield from _must(
        train.learning_rate > 0 and math.isfinite(train.learning_rate), "train.learning_rate", "be above 0",
        train.learning_rate, "Try 5e-5.",
    )  # fmt: skip
    yield from _must(
        0 <= train.warmup_ratio < 1, "train.warmup_ratio", "be at least 0 and below 1", train.warmup_ratio,
        "It is the share of all steps; try 0.1.",
    )  # fmt: skip
    yield from _must(
        0 <= train.weight_decay < math.inf, "train.weight_decay", "be at least 0", train.weight_decay, "Try 0.01."
    )
    yield from _must(
        train.max_grad_norm >= 0, "train.max_grad_norm", "be at least 0", train.max_grad_norm, "0 turns clipping off."
    )
    yield from _must(
        train.scheduler in SCHEDULERS, "train.scheduler", f"be one of {', '.join(SCHEDULERS)}", train.scheduler,
        "Try linear.",
    )  # fmt: skip
    yield from _must(train.chunks >= 1, "train.chunks", "be at least 1", train.chunks, "1 runs a batch in one piece.")


def _loss_problems(loss: LossConfig) -> Iterator[str]:
    yield from _must(loss.name in LOSSES, "loss.name", f"be one of {', '.join(LOSSES)}", loss.name, "Try mnrl.")
    positive = loss.scale > 0 and math.isfinite(loss.scale)
    yield from _must(positive, "loss.scale", "be above 0", loss.scale, "Try 20.")
    if loss.matryoshka is None:
        return
    dims, weights = loss.matryoshka.dims, loss.matryoshka.weights
    if dims is not None:
        yield from _must(
            bool(dims), "loss.matryoshka.dims", "name at least one dimension", dims, "null takes the default."
        )
        yield from _must(min(dims, default=1) > 0, "loss.matryoshka.dims", "be above 0", dims, "Remove the others.")
        yield from _must(len(set(dims)) == len(dims), "loss.matryoshka.dims", "not repeat", dims, "Remove the doubles.")
    for dim, weight in weights.items():
        known = dim.isdecimal() and dim == str(int(dim)) and (dims is None or int(dim) in dims)
        yield from _must(
            known, f"loss.matryoshka.weights.{dim}", "be the weight of one of loss.matryoshka.dims", f"dims {dims}",
            "Add the dimension or remove the weight.",
        )  # fmt: skip
        yield from _must(
            weight >= 0 and math.isfinite(weight), f"loss.matryoshka.weights.{dim}", "be at least 0", weight, "Try 1."
        )


def _eval_problems(evaluation: EvalConfig) -> Iterator[str]:
    yield from _must(
        evaluation.objective in OBJECTIVES, "eval.objective", "be cosine_ or dot_ and one of " + ", ".join(METRICS),
        evaluation.objective, "Try cosine_map@100.",
    )  # fmt: skip
    yield from _must(
        evaluation.split in SPLITS, "eval.split", f"be one of {', '.join(SPLITS)}", evaluation.split, "Try validation."
    )
    every = evaluation.every
    number = isinstance(every, int | float) and not isinstance(every, bool) and math.isfinite(every)
    valid = every == "epoch" or (number and (0 < every < 1 or (every >= 1 and every == int(every))))
    yield from _must(
        valid, "eval.every", "be epoch, a whole number of steps, or a fraction of an epoch", every, "Try epoch or 0.5."
    )
    yield from _must(evaluation.batch_size >= 1, "eval.batch_size", "be at least 1", evaluation.batch_size, "Try 32.")
    yield from _must(
        evaluation.folds == 0 or evaluation.folds >= 2, "eval.folds", "be 0 or at least 2", evaluation.folds,
        "0 judges a trial on the validation split alone.",
    )  # fmt: skip
    if evaluation.dim is not None:
        yield from _must(evaluation.dim > 0, "eval.dim", "be above 0", evaluation.dim, "null takes the full size.")


def _second_problems(evaluation: EvalConfig) -> Iterator[str]:
    second = evaluation.second
    if second is None:
        return
    whole = isinstance(second, int) and not isinstance(second, bool) and second > 0
    yield from _must(
        whole or second in (SMALLEST, DIMENSION), "eval.second", f"be a dimension, {SMALLEST}, {DIMENSION} or null",
        second, f"{SMALLEST} is the smallest dimension measured; {DIMENSION} minimises eval.dim.",
    )  # fmt: skip
    yield from _must(
        evaluation.folds == 0, "eval.folds", "be 0 with eval.second", evaluation.folds,
        "Two objectives are judged on the validation split.",
    )  # fmt: skip


def _data_problems(config: Config) -> Iterator[str]:
    data = config.data
    yield from _must(
        data.source in SOURCES,
        "data.source",
        f"be one of {', '.join(SOURCES)}",
        data.source,
        "Use data=pydocs, files or hub.",
    )
    if data.source in ("files", "hub"):
        yield from _must(
            bool(data.path),
            "data.path",
            "be given",
            data.path,
            f"Say where the data is: data={data.source} data.path=PATH.",
        )
    for split in data.splits:
        yield from _must(split in SPLITS, f"data.splits.{split}", f"be one of {', '.join(SPLITS)}", split, "Rename it.")
    for key in ("max_train", "max_queries"):
        value = getattr(data, key)
        yield from _must(value is None or value > 0, f"data.{key}", "be above 0", value, "null takes all.")


def _study_problems(config: Config) -> Iterator[str]:
    study = config.study
    total = study.n_trials is None or study.n_trials >= 1
    yield from _must(total, "study.n_trials", "be at least 1", study.n_trials, "It is the study's total.")
    whole = isinstance(study.workers, int) and not isinstance(study.workers, bool) and study.workers >= 0
    yield from _must(
        study.workers == "auto" or whole,
        "study.workers",
        "be auto or a whole number from 0",
        study.workers,
        "0 runs trials in this process.",
    )
    yield from _must(
        study.attempts >= 1, "study.attempts", "be at least 1", study.attempts, "1 lets no trial be tried again."
    )
    known = study.storage is None or study.storage.startswith(("sqlite:///", "postgresql://", "postgresql+"))
    yield from _must(
        known,
        "study.storage",
        "be null, sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE",
        str(study.storage).partition(":")[0],  # the rest may hold a password
        "null keeps a journal file in the study's folder.",
    )
    yield from _must(
        study.keep >= 1, "study.keep", "be at least 1", study.keep, "The best trial's weights are always kept."
    )
    for key, name in (("study.name", study.name), ("release.name", config.release.name)):
        valid = name is None or (_NAME.fullmatch(name) is not None and PurePath(name).name == name)
        yield from _must(valid, key, "be letters, digits, '.', '_' and '-'", name, "It names a folder.")


def _release_problems(release: ReleaseConfig) -> Iterator[str]:
    yield from _must(release.candidates >= 1, "release.candidates", "be at least 1", release.candidates, "Try 5.")
    yield from _must(release.seeds >= 0, "release.seeds", "be at least 0", release.seeds, "0 trains nothing again.")
    yield from _must(
        0.5 <= release.level < 1, "release.level", "be at least 0.5 and below 1", release.level, "Try 0.95."
    )
    for key in ("margin", "dim_margin"):
        value = getattr(release, key)
        yield from _must(0 <= value < 1, f"release.{key}", "be at least 0 and below 1", value, "Try 0.01.")
    if release.dim is not None:
        yield from _must(release.dim >= 1, "release.dim", "be at least 1", release.dim, "null takes the full size.")
    named = release.trial is not None and (release.soup or release.seeds > 0)
    yield from _must(
        not named, "release.trial", "stand without release.soup and release.seeds", release.trial,
        "They choose among several trials; remove them or release.trial.",
    )  # fmt: skip


def _export_problems(release: ReleaseConfig) -> Iterator[str]:
    yield from _must(
        release.alias not in ("champion", "previous_champion"), "release.alias", "not be given by hand", release.alias,
        "The gate promotes champions; try candidate.",
    )  # fmt: skip
    yield from _must(
        release.onnx in (None, "fp32", "int8"), "release.onnx", "be null, fp32 or int8", release.onnx, "Try fp32."
    )
    hub = release.push_to_hub
    yield from _must(
        hub is None or _HUB_ID.fullmatch(hub) is not None, "release.push_to_hub", "be ORGANISATION/NAME", hub,
        "null uploads nothing.",
    )  # fmt: skip
    licence, languages = release.license, release.language
    yield from _must(
        licence is None or _LICENCE.fullmatch(licence) is not None, "release.license", "be an identifier of a licence",
        licence, "Try apache-2.0, or other.",
    )  # fmt: skip
    listed = languages if isinstance(languages, list) else [languages]
    valid = languages is None or all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in listed)
    yield from _must(
        valid, "release.language", "be a code such as en, or a list of them", languages,
        "Try en, or [en,de]; quote 'no'.",
    )  # fmt: skip


def _reproduce_problems(config: Config) -> Iterator[str]:
    tolerance = config.reproduce.tolerance
    yield from _must(
        0 <= tolerance < math.inf, "reproduce.tolerance", "be at least 0", tolerance, "0 asks for equal bits."
    )


def _place_problems(config: Config) -> Iterator[str]:
    length, port = config.model.max_seq_length, config.tracking.port
    yield from _must(
        length is None or length >= 1, "model.max_seq_length", "be at least 1", length, "null takes the model's own."
    )
    yield from _must(0 < port < 65536, "tracking.port", "be from 1 to 65535", port, "Try 5000.")
