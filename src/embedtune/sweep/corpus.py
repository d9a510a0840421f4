"""The corpus in which the trials of a sweep search, the same on every host."""

from __future__ import annotations

from embedtune.errors import DataError
from embedtune.records import CORPUS_DIGEST
from embedtune.study import Study
from embedtune.sweep.plan import Plan
from embedtune.trial.corpus import judged_bench


def draw_corpus(plan: Plan, study: Study) -> None:
    """Judge the plan's trials on the passages of ``eval.corpus``, which the first process of the study draws.

    Raises:
        DataError: Another host, which does not share the study's folder, drew others.
    """
    bench = judged_bench(plan.config, plan.benches.get(plan.config), study.paths)
    plan.benches.judged_on(bench)
    ours = bench.drawn.get(CORPUS_DIGEST)
    if ours is None or not study.shared:
        return
    with study.claiming():
        theirs = study.optuna.user_attrs.get(CORPUS_DIGEST)
        if theirs is None:
            study.optuna.set_user_attr(CORPUS_DIGEST, ours)
    if theirs not in (None, ours):
        raise DataError(
            f"study {study.paths.name} must be judged on one corpus, but this host drew other passages than the first. "
            f"Copy {study.paths.prepared} from the host that began the study."
        )
