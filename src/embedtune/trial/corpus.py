"""The corpus in which a study's trials search, where ``eval.corpus`` asks for a part: drawn once for all of them."""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Iterable
from dataclasses import replace

from embedtune.config import Config
from embedtune.data.group_split import rank
from embedtune.errors import DataError
from embedtune.evaluation.subcorpus import draw, hardest, narrowed
from embedtune.models.encoder import TokenEncoder
from embedtune.paths import StudyPaths
from embedtune.records import CORPUS_DIGEST
from embedtune.training import resolve_device
from embedtune.trial.bench import Bench
from embedtune.trial.prepared import made_once

logger = logging.getLogger(__name__)


def judged_bench(config: Config, bench: Bench, study: StudyPaths, recorded: str | None = None) -> Bench:
    """The bench whose validation split has the corpus that the study's trials search; the same without ``eval.corpus``.

    The passages are drawn by the base model of whoever comes first, and kept in the study's folder.

    Args:
        config: Of the study, or of one of its trials.
        bench: Data and untuned model.
        study: Its files.
        recorded: The digest of what was drawn, as a trial recorded it.

    Raises:
        DataError: Other passages would be drawn now.
    """
    whole, size = bench.task.splits["validation"], config.eval.corpus
    if size is None or size >= len(whole.corpus):
        return bench

    def make() -> list[str]:
        logger.info("Drawing %s of %s passages to search, once", f"{size:,}", f"{len(whole.corpus):,}")
        model = TokenEncoder(copy.deepcopy(bench.model).to(resolve_device(config.train.device)))
        cosine = config.eval.objective.startswith("cosine")
        rankings = hardest(model, whole, config.eval.batch_size, cosine=cosine)
        return draw(whole, size, rankings, lambda text: rank(config.data.seed, text))

    made_from = {
        "passages": size,
        "of": _digest(whole.corpus),
        "digests": dict(bench.task.digests),
        "seed": config.data.seed,
    }  # no model: all trials are judged in one corpus, whatever theirs is
    passages = made_once(study.prepared, "corpus", made_from, make)
    digest = _digest(passages)
    if recorded not in (None, digest):
        raise DataError(
            f"eval.corpus={size} must be the passages that the study's trials were judged on, but others were drawn "
            f"now ({study.prepared} was removed or the data changed). Restore that folder, or run the study again."
        )
    task = replace(bench.task, splits={**bench.task.splits, "validation": narrowed(whole, passages)})
    drawn = {CORPUS_DIGEST: digest, "corpus_passages": size, "corpus_whole": len(whole.corpus)}
    return replace(bench, task=task, drawn=drawn)


def _digest(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
