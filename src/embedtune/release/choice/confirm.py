"""Train finalists again with fresh seeds: a result that is good only by its seed does not repeat.

The fresh runs are judged without the one that was found: that one was picked for its score, so it is too good (the
winner's curse), while the fresh ones were not picked.
"""

from __future__ import annotations

import copy
import logging
import shutil

from embedtune import archive
from embedtune.paths import TrialPaths
from embedtune.records import RetrievalScores, State, TrialRecord
from embedtune.release.choice.case import Case
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks, Silent

logger = logging.getLogger(__name__)

STRIDE = 1_000
"""Apart by this, the seeds of one finalist's runs: a search with seeds of its own does not meet them."""


def confirm(case: Case, number: int) -> tuple[list[RetrievalScores], float] | None:
    """Train a finalist ``release.seeds`` times with other seeds; runs that are done already are read.

    They are recorded in ``confirmations/<number>-s<seed>/`` of the study, keep no weights and count in no budget.

    Returns:
        The scores of each run and the seconds of all; None if one failed, so that the finalist is not to be relied on.
    """
    found, seconds = [], 0.0
    for fresh in range(1, case.options.seeds + 1):
        trial, record = _run(case, number, fresh)
        if record.state is not State.COMPLETE:
            logger.warning(
                "Trial %d is no candidate: with another seed it failed (%s), see %s", number, record.reason, trial.log
            )
            return None
        found.append(case.recorded(trial))
        seconds += record.seconds
    return found, seconds


def _run(case: Case, number: int, fresh: int) -> tuple[TrialPaths, TrialRecord]:
    case = case.of(number)
    config = copy.deepcopy(case.recipe)
    config.train.seed += fresh * STRIDE
    trial = case.study.confirmation(number, config.train.seed)
    record = archive.read_folder(trial)
    if record is None or record.state is State.RUNNING or record.interrupted is not None:
        shutil.rmtree(trial.root, ignore_errors=True)
        logger.info("Training trial %d again with seed %d", number, config.train.seed)
        facts = {"confirms": number, "seed": config.train.seed}
        record = TrialRecord(case.study.name, number, State.RUNNING, facts=facts)
        record = run_trial(config, case.bench, trial, record, Hooks(Silent()))
    shutil.rmtree(trial.checkpoint, ignore_errors=True)
    return trial, record
