"""The rules of places and names: ``study.*``, ``model.*`` and ``tracking.*``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.config.grammar import parse
from embedtune.config.rules.registry import experiment_problems
from embedtune.config.schema import Config, LearningRatesConfig
from embedtune.errors import ConfigError, must

MAX_NAME = 200
"""Characters of a study's or a release's name: a disk takes 255, and folders have more behind it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(value: Any) -> bool:
    """Whether a value can name a study or a release, which is the name of its folder."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None and len(value) <= MAX_NAME


def place_problems(config: Config) -> Iterator[str]:
    """Every broken rule of places and names."""
    yield from _study_problems(config)
    yield from _model_problems(config)


def _study_problems(config: Config) -> Iterator[str]:
    study = config.study
    total = study.n_trials is None or study.n_trials >= 1
    yield from must(total, "study.n_trials", "be at least 1", study.n_trials, "It is the study's total.")
    whole = isinstance(study.workers, int) and not isinstance(study.workers, bool) and study.workers >= 0
    yield from must(
        study.workers == "auto" or whole,
        "study.workers",
        "be auto or a whole number from 0",
        study.workers,
        "0 runs trials in this process.",
    )
    yield from must(
        study.attempts >= 1, "study.attempts", "be at least 1", study.attempts, "1 lets no trial be tried again."
    )
    known = study.storage is None or study.storage.startswith(("sqlite:///", "postgresql://", "postgresql+"))
    yield from must(
        known,
        "study.storage",
        "be null, sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE",
        str(study.storage).partition(":")[0],  # the rest may hold a password
        "null keeps a journal file in the study's folder.",
    )
    yield from must(
        study.keep >= 1, "study.keep", "be at least 1", study.keep, "The best trial's weights are always kept."
    )
    for key, name in (("study.name", study.name), ("release.name", config.release.name)):
        yield from must(
            name is None or is_name(name), key, "be letters, digits, '.', '_' and '-'", name,
            f"It names a folder, and has at most {MAX_NAME} characters.",
        )  # fmt: skip


def _model_problems(config: Config) -> Iterator[str]:
    length, port = config.model.max_seq_length, config.tracking.port
    yield from must(
        length is None or length >= 1, "model.max_seq_length", "be at least 1", length, "null takes the model's own."
    )
    yield from prompt_problems("model.prompts", vars(config.model.prompts))
    yield from _rate_problems(config.model.learning_rates)
    yield from must(0 < port < 65536, "tracking.port", "be from 1 to 65535", port, "Try 5000.")
    yield from experiment_problems(config.tracking.experiment)


def _rate_problems(rates: LearningRatesConfig) -> Iterator[str]:
    usual = rates.default
    yield from must(
        usual > 0 and math.isfinite(usual), "model.learning_rates.default", "be above 0", usual, "Try 5e-5."
    )
    for name in ("search", "grid"):
        text = getattr(rates, name)
        yield from must(
            _is_sweep(text), f"model.learning_rates.{name}", "be a sweep", text,
            "Type train.learning_rate=SWEEP instead, or write it in a file of conf/model: choice(1e-5, 1e-4).",
        )  # fmt: skip


def _is_sweep(text: str) -> bool:
    try:
        (override,) = parse([f"key={text}"])
    except ConfigError:
        return False
    return override.is_sweep_override()


def prompt_problems(key: str, prompts: Mapping[str, str | None]) -> Iterator[str]:
    """Every broken rule of the prompts under a key."""
    for role, prompt in prompts.items():
        yield from must(
            "\\n" not in (prompt or ""), f"{key}.{role}", "have line breaks as they are, not as \\n", prompt,
            "In bash type $'...' around the whole word, or write it in a file of conf/model.",
        )  # fmt: skip
