"""Facts of a trial known before it runs: what it trains with, and on how much of the requested data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from embedtune.config import Config, plain
from embedtune.config.redaction import redact
from embedtune.machine.environment import git_revision, library_versions
from embedtune.models.prompts import prompts_of
from embedtune.records import (
    CORPUS_DIGEST,
    EMBEDDING_SIZE,
    PARAMETERS,
    PROMPTS,
    ROWS_SHARE,
    SYNTHETIC,
    TrainingSet,
    TrialRecord,
)
from embedtune.training import planned, processor_threads, resolve_precision, too_few_rows
from embedtune.trial.bench import Bench

logger = logging.getLogger(__name__)


def facts_at_start(config: Config, bench: Bench, record: TrialRecord, device: str) -> dict[str, Any]:
    """The facts of a trial that begins; those its record brings count more."""
    return {
        "data": bench.task.name,
        "digests": dict(bench.task.digests),
        **bench.drawn,
        **({SYNTHETIC: bench.task.synthetic.to_dict()} if bench.task.synthetic else {}),
        "base_model": config.model.name,
        **({"base_revision": config.model.revision} if config.model.revision else {}),
        **_model_facts(bench),
        **bench.objective.to_dict(),
        "device": device,
        "precision": resolve_precision(config.train.precision, device),
        "threads": processor_threads(),
        "git_revision": git_revision(),
        "versions": library_versions(),
        **record.facts,
    }


def _model_facts(bench: Bench) -> dict[str, Any]:
    """The size of what is trained, and the prompts that it reads before texts."""
    prompts = {role: prompt for role, prompt in prompts_of(bench.model).items() if prompt}
    parameters = sum(weights.numel() for weights in bench.model.parameters())
    return {EMBEDDING_SIZE: bench.dim, PARAMETERS: parameters, **({PROMPTS: prompts} if prompts else {})}


def identity(config: Config, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that must not have changed for a trial to resume as if it had not stopped."""
    values = recorded_config(config)
    same = {key: facts[key] for key in ("digests", "device", "precision", "versions")}
    model = {key: value for key, value in values["model"].items() if key != "learning_rates"}  # no part in a trial
    same |= {"mix": values["data"]["mix"]}
    same |= {CORPUS_DIGEST: facts[CORPUS_DIGEST]} if CORPUS_DIGEST in facts else {}
    return same | {"model": model, **{key: values[key] for key in ("train", "loss", "eval")}}


def recorded_config(config: Config) -> dict[str, Any]:
    """Without the passwords that an address in it may hold: it is written to files."""
    values: dict[str, Any] = redact(plain(config))
    return values


def amount_facts(config: Config, training: Sequence[TrainingSet], number: int) -> dict[str, Any]:
    """How much of what was asked for the training will see; said where it is much less."""
    amount = planned(training, config.train, config.data.mix)
    if fewer := too_few_rows(training, config.train, amount):
        logger.warning("Trial %d: %s", number, fewer)
    return {"rows_asked": amount.asked, ROWS_SHARE: round(amount.share, 4)}
