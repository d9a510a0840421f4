"""The rows that a trial trains on: those of the data, with what is made for them once for all trials of a study."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedtune.archive.documents import mapping, read_json
from embedtune.config import Config, ModelConfig, plain
from embedtune.errors import RecordError
from embedtune.machine.locks import file_lock
from embedtune.models.cross_encoder import is_cross_encoder, load_cross_encoder
from embedtune.models.load import load_model, model_identity
from embedtune.paths import write_json
from embedtune.records import NEGATIVES, TrainingSet
from embedtune.training import Mined, Miner, Refresh, mine, resolve_device, teacher_scores, with_negatives
from embedtune.trial.bench import Bench

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What a training reads.

    Attributes:
        training: The rows.
        facts: What was made for them, for the record.
        refresh: How their negatives are mined again while it runs, if they are.
    """

    training: tuple[TrainingSet, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    refresh: Refresh | None = None


def prepared_rows(config: Config, bench: Bench, training: Sequence[TrainingSet], folder: Path) -> Prepared:
    """``training`` with the negatives of ``train.negatives`` and the scores of ``loss.teacher``, as far as asked for.

    Args:
        config: Of the trial.
        bench: Its judgements and its base model.
        training: The rows of the data.
        folder: What was made is kept there, by what it was made from.

    Raises:
        UserError: A model that it takes cannot be loaded.
    """
    prepared = Prepared(tuple(training))
    if config.train.negatives.count:
        prepared = _with_negatives(config, bench, prepared, folder)
    if config.loss.teacher is not None:
        prepared = replace(prepared, training=_with_scores(config, prepared.training, folder))
    return prepared


def _with_negatives(config: Config, bench: Bench, prepared: Prepared, folder: Path) -> Prepared:
    options, training = config.train.negatives, prepared.training
    reranker = options.model if options.model and is_cross_encoder(options.model) else None
    own = options.model is None or reranker is not None
    ranking = config.model if own else ModelConfig(name=str(options.model))

    # Prompts of a set are put before its texts for the model that is trained; another one has its own.
    foreign = [replace(part, prompts={}) for part in training]

    def look(model: SentenceTransformer, epoch: int) -> list[Mined]:
        device = resolve_device(config.train.device)
        scorer = load_cross_encoder(reranker, "train.negatives.model", device) if reranker else None
        miner = Miner(model, scorer, options, config.eval.batch_size, config.data.seed + epoch)
        return mine(miner, training if own or epoch else foreign, bench.task.splits)

    def look_first() -> list[Any]:
        device = resolve_device(config.train.device)
        logger.info("Mining %d negatives for each of %d rows, once", options.count, sum(map(len, training)))
        model = copy.deepcopy(bench.model).to(device) if own else load_model(ranking, device)
        return [asdict(found) for found in look(model, 0)]

    made_from = {
        "model": {**plain(ranking), "identity": model_identity(ranking.name)},
        "reranker": model_identity(reranker) if reranker else None,
        "options": {key: value for key, value in plain(options).items() if key not in ("model", "refresh")},
        "seed": config.data.seed,
        "rows": ordered_digest(training),
        "splits": dict(bench.task.digests),
        **({"prompts": prompts} if own and any(prompts := [dict(part.prompts) for part in training]) else {}),
    }
    found = made_once(folder, "negatives", made_from, look_first)
    filled = sum(own["filled"] for own in found)
    if filled:
        total = options.count * sum(map(len, training))
        logger.info("%d of %d negatives are drawn at random, because no more were found", filled, total)
    rows = tuple(with_negatives(part, own["rows"]) for part, own in zip(training, found, strict=True))
    refresh = Refresh(options.refresh, training, look) if options.refresh else None
    return Prepared(rows, {**prepared.facts, **_mined_facts(config, filled)}, refresh)


def _mined_facts(config: Config, filled: int) -> dict[str, Any]:
    """What was mined, for the record."""
    options = config.train.negatives
    said = {
        "mined": options.count,
        "drawn": filled,
        "model": Path(options.model or config.model.name).name,  # a folder's place is nobody's affair
        "margin": options.margin,
        "first": options.range[0],
        "last": options.range[1],
        "refreshed": (math.ceil(config.train.epochs) - 1) // options.refresh if options.refresh else 0,
    }
    return {"negatives_mined": options.count, "negatives_drawn": filled, NEGATIVES: said}


def _with_scores(config: Config, training: Sequence[TrainingSet], folder: Path) -> tuple[TrainingSet, ...]:
    name = str(config.loss.teacher)

    def score() -> list[Any]:
        logger.info("%s scores the passages of %d rows, once", name, sum(map(len, training)))
        teacher = load_cross_encoder(name, "loss.teacher", resolve_device(config.train.device))
        return teacher_scores(teacher, training, config.eval.batch_size)

    made_from = {"teacher": model_identity(name), "rows": ordered_digest(training)}
    scores = made_once(folder, "scores", made_from, score)
    return tuple(
        replace(part, scores=tuple(tuple(map(float, row)) for row in own))
        for part, own in zip(training, scores, strict=True)
    )


def made_once(folder: Path, kind: str, made_from: Mapping[str, Any], make: Callable[[], list[Any]]) -> list[Any]:
    """What ``make`` gives, from a file where it was made before; of several processes one makes it, the others wait.

    Args:
        folder: Of the files.
        kind: Begins the file's name.
        made_from: Everything it depends on.
        make: Plain values for JSON. A process that dies in it leaves nothing behind.
    """
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{kind}-{key}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(path.with_suffix(".lock")):
        with suppress(OSError, RecordError, ValueError, KeyError, TypeError):  # absent, or damaged: made again
            return list(mapping(read_json(path))["made"])
        made = make()
        write_json(path, {"made_from": dict(made_from), "made": made})
        return made


def ordered_digest(training: Sequence[TrainingSet]) -> str:
    """Sha256 over the texts of the rows in their order: what is made for them follows it."""
    hashed = hashlib.sha256()
    for part in training:
        hashed.update(json.dumps([part.name, list(part.columns)]).encode())
        for row in zip(*part.columns.values(), strict=True):
            hashed.update(json.dumps(row).encode())
    return hashed.hexdigest()
