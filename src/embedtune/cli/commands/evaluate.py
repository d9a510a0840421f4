"""``evaluate``: score any model on a split, for every dimension."""

from __future__ import annotations

import logging
from pathlib import Path

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.openings import open_test
from embedtune.cli.output import quiet_libraries
from embedtune.cli.overrides import typed_command, typed_keys
from embedtune.cli.recorded import recorded_recipe
from embedtune.config import Config, Distractors, Dtype, ModelConfig, check_dims, measured_dims
from embedtune.data import add_distractors, load_task
from embedtune.data.digest import require_same
from embedtune.errors import ConfigError
from embedtune.evaluation import Measures, evaluate_retrieval
from embedtune.models.load import load_model
from embedtune.models.probe import probe_model
from embedtune.models.prompts import prompts_of
from embedtune.paths import StudyPaths
from embedtune.records import TaskData
from embedtune.reporting.tables import metrics_table, prompt_lines
from embedtune.training import resolve_device
from embedtune.trial.bench import full_dimension

logger = logging.getLogger(__name__)


def evaluate(config: Config) -> Answer:
    """Score ``model.name``, or the checkpoint of ``run``, on ``eval.split``."""
    quiet_libraries()
    if config.run is not None:
        config = _as_recorded(config)
    task = load_task(config.data)
    if config.run is not None and "data" not in typed_keys():
        _require_recorded(config, task)
    split = task.splits.get(config.eval.split)
    if split is None:
        raise ConfigError(
            f"eval.split must be a split the data has, but got {config.eval.split}. It has: {', '.join(task.splits)}."
        )
    device = resolve_device(config.train.device)
    model = load_model(config.model, "cpu")
    probe_model(model, config.model)
    model.to(device)
    dim = full_dimension(model)
    check_dims(config, dim)
    if config.eval.distractors == Distractors.train:
        split = add_distractors(split, task.training)
    openings = _open_test(config, task) if config.eval.split == "test" else {}
    dims, measures = measured_dims(config, dim), Measures.of(config.eval)
    scores = evaluate_retrieval(model, split, dims, batch_size=config.eval.batch_size, measures=measures)
    data = {"name": task.name, "split": config.eval.split, "queries": len(split.queries), "corpus": len(split.corpus)}
    document = {"model": config.model.name, "data": data, "dims": scores.metrics}
    prompts = {role: prompt for role, prompt in prompts_of(model).items() if prompt}
    if prompts:
        document["prompts"] = prompts
    if config.eval.split == "test":
        document["test_openings"] = openings
    title = (
        f"{config.model.name} on {task.name}, {config.eval.split}: {data['queries']} queries, {data['corpus']} passages"
    )
    return Answer(document, (metrics_table(scores.metrics, title), *prompt_lines(prompts)))


def _open_test(config: Config, task: TaskData) -> dict[str, int]:
    """Note in every study that has this test split that it is read now; returns how often each was read by now."""
    logger.warning("The test split is for the last decision; a choice made by these scores is no longer blind to it.")
    reason, command = f"evaluate {config.run or config.model.name}", typed_command("evaluate")
    return {name: len(found) for name, found in open_test(config, task.digests["test"], reason, command).items()}


def _require_recorded(config: Config, task: TaskData) -> None:
    """Check that the data read is the data that the trial was scored on.

    Raises:
        DataError: It changed since.
    """
    record = archive.read_record(*find_run(config))
    parts = {config.eval.split, *(["training"] if config.eval.distractors == Distractors.train else [])}
    digests = record.facts.get("digests", {}) if record else {}
    require_same({part: digest for part, digest in digests.items() if part in parts}, task.digests)


def _as_recorded(config: Config) -> Config:
    """Take the data, the sizes and the batches of the recorded run, and its checkpoint as the model.

    Data and dimensions typed on the command line stand in for the recorded ones; ``data=NAME`` is other data.
    """
    study, number = find_run(config)
    recorded = recorded_recipe(config, study, number)
    typed = typed_keys()
    if any(key.startswith("loss") for key in typed):
        recorded.loss = config.loss
    if "eval.distractors" in typed or config.eval.split != "validation":
        recorded.eval.distractors = config.eval.distractors  # a study has them on validation alone
    recorded.eval.split = config.eval.split
    recorded.train.device = config.train.device
    recorded.model = ModelConfig(
        name=str(_kept(study, number, config.run or "")),
        trust_remote_code=config.model.trust_remote_code,
        dtype=Dtype.auto,
    )
    recorded.run, recorded.paths, recorded.tracking = config.run, config.paths, config.tracking
    return recorded


def find_run(config: Config) -> tuple[StudyPaths, int]:
    """The study and the number of a recorded run, by MLflow run id or by the folder of its trial.

    Raises:
        ConfigError: There is no such run.
    """
    wanted = config.run or ""
    for study in workspace(config).studies():
        for record in archive.read_records(study):
            if record.run_id == wanted or study.trial(record.number).root == Path(wanted).resolve():
                return study, record.number
    raise ConfigError(
        f"run must be the MLflow run id or the folder of a trial below {workspace(config).sweeps}, but got {wanted}. "
        "See embedtune leaderboard format=json."
    )


def _kept(study: StudyPaths, number: int, wanted: str) -> Path:
    if not study.checkpoint(number).is_dir():
        kept = ", ".join(path.name for path in sorted(study.checkpoints.glob("*"))) or "none"
        raise ConfigError(f"run must be a trial that keeps its weights, but got {wanted}. In {study.name}: {kept}.")
    return study.checkpoint(number)
