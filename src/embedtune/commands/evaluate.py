"""``evaluate``: score any model on a split, for every dimension."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from embedtune import archive
from embedtune.bench import full_dimension
from embedtune.commands.answer import Answer, workspace
from embedtune.config import Config, check_dims, measured_dims
from embedtune.data import load_task
from embedtune.errors import ConfigError
from embedtune.evaluation import evaluate_retrieval
from embedtune.model import load_model
from embedtune.paths import StudyPaths
from embedtune.quiet import quiet_libraries
from embedtune.reporting.tables import metrics_table
from embedtune.training import resolve_device

logger = logging.getLogger(__name__)


def evaluate(config: Config) -> Answer:
    """Score ``model.name``, or the checkpoint of ``run``, on ``eval.split``."""
    quiet_libraries()
    task = load_task(config.data)
    split = task.splits.get(config.eval.split)
    if split is None:
        raise ConfigError(
            f"eval.split must be a split the data has, but got {config.eval.split}. It has: {', '.join(task.splits)}."
        )
    if config.run is not None:
        config.model = replace(config.model, name=str(checkpoint_of(config)), revision=None)
    model = load_model(config.model, resolve_device(config.train.device))
    dim = full_dimension(model)
    check_dims(config, dim)
    if config.eval.split == "test":
        logger.warning(
            "The test split is for the last decision; a choice made by these scores is no longer blind to it."
        )
    scores = evaluate_retrieval(model, split, measured_dims(config, dim), batch_size=config.eval.batch_size)
    data = {"name": task.name, "split": config.eval.split, "queries": len(split.queries), "corpus": len(split.corpus)}
    document = {"model": config.model.name, "data": data, "dims": scores.metrics}
    title = (
        f"{config.model.name} on {task.name}, {config.eval.split}: {data['queries']} queries, {data['corpus']} passages"
    )
    return Answer(document, (metrics_table(scores.metrics, title),))


def checkpoint_of(config: Config) -> Path:
    """The weights of a recorded run: by MLflow run id, or by the folder of its trial.

    Raises:
        ConfigError: There is no such run, or it keeps no weights.
    """
    wanted = config.run or ""
    for study in workspace(config).studies():
        for record in archive.read_records(study):
            folder = study.trial(record.number).root
            if record.run_id == wanted or folder == Path(wanted).resolve():
                return _kept(study, record.number, wanted)
    raise ConfigError(
        f"run must be the MLflow run id or the folder of a trial below {workspace(config).sweeps}, but got {wanted}. "
        "See embedtune leaderboard format=json."
    )


def _kept(study: StudyPaths, number: int, wanted: str) -> Path:
    if not study.checkpoint(number).is_dir():
        kept = ", ".join(path.name for path in sorted(study.checkpoints.glob("*"))) or "none"
        raise ConfigError(f"run must be a trial that keeps its weights, but got {wanted}. In {study.name}: {kept}.")
    return study.checkpoint(number)
