"""Statistics of the release decision: what scores of the same queries say about models.

Scores are float64 arrays of shape (queries,), of all models on the same queries in the same order. ``groups`` is an
integer array of the same shape that says which queries share a passage and so cannot be counted as independent.
Everything is a function from values to values; nothing here knows studies, trials or files.
"""

from embedtune.statistics.bootstrap import Interval, mean_interval, mean_intervals, standard_error
from embedtune.statistics.groups import query_groups
from embedtune.statistics.paired import Comparison, Criterion, compare
from embedtune.statistics.power import queries_needed
from embedtune.statistics.selection import indistinguishable
from embedtune.statistics.shrinkage import shrink, shrunken_means

__all__ = [
    "Comparison",
    "Criterion",
    "Interval",
    "compare",
    "indistinguishable",
    "mean_interval",
    "mean_intervals",
    "queries_needed",
    "query_groups",
    "shrink",
    "shrunken_means",
    "standard_error",
]
