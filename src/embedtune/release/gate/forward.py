"""Which candidate is put forward, before anybody has looked at the test split."""

from __future__ import annotations

import time

from embedtune import archive
from embedtune.release.choice.candidates import Pool
from embedtune.release.choice.case import Case
from embedtune.release.choice.selection import Selection, named, select
from embedtune.release.gate.decision import Decision, stand
from embedtune.statistics import Criterion


def put_forward(case: Case, pool: Pool, criterion: Criterion) -> Decision:
    """Rank the candidates and choose one, without a look at the test split."""
    selection = _select(case, pool)
    return Decision(
        objective=case.objective,
        dim=selection.chosen.dim,
        criterion=criterion,
        gated=case.options.gate,
        standings=stand(pool, criterion),
        chosen_on=pool.split,
        selection=selection,
        judged_on=None,
        verdict=None,
        sizes=None,
        openings=archive.read_openings(case.study),
        time=int(time.time()),
        synthetic=case.bench.task.synthetic,
    )


def _select(case: Case, pool: Pool) -> Selection:
    if case.options.trial is not None:
        return named(next(candidate for candidate in pool.candidates if candidate.numbers == (case.options.trial,)))
    return select(pool.candidates, pool.groups, only_new=not case.options.gate)
