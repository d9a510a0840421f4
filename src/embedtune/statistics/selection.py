"""Which models cannot be told apart from the best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from embedtune.statistics.bootstrap import standard_errors
from embedtune.statistics.groups import Groups, Scores, clustered


def indistinguishable(scores: Mapping[str, Scores], groups: Groups) -> tuple[str, ...]:
    """Names of the models within one standard error of the best, best first; equal means in the order given.

    The one-standard-error rule (Breiman, Friedman, Olshen & Stone 1984, section 3.4.3; Hastie, Tibshirani & Friedman
    2009, section 7.10): whoever chooses among these by simplicity or cost loses nothing that the data could show. The
    standard error is that of the difference to the best on the same queries, not that of a mean: models resemble each
    other on hard and easy queries, so the data tell more about differences than about each mean.

    Args:
        scores: Name -> scores, each of shape (queries,).
        groups: Shape (queries,).

    Raises:
        EmbedtuneError: No model, shapes differ, no query, or a score is no finite number.
    """
    names = list(scores)
    means = clustered(scores, groups).means
    order = np.argsort(-means, kind="stable")
    best = np.asarray(scores[names[order[0]]], dtype=np.float64)
    behind = clustered({name: best - np.asarray(values) for name, values in scores.items()}, groups)
    close = behind.means <= standard_errors(behind)
    return tuple(names[number] for number in order if close[number] or number == order[0])
