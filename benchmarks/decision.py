"""How often the release decision promotes what is no better, how often what is, and how often intervals hold the truth.

    uv run python benchmarks/decision.py                       # all three tables, minutes
    uv run python benchmarks/decision.py --only promotions     # or: power, margin, coverage
    uv run python benchmarks/decision.py --repeats 200         # quicker and coarser

Scores are drawn, the rule is the package's own: of twenty trials the five best on validation, the default recipe and
the untuned model are candidates (``release.selection``), and the one put forward is judged (``release.gate``), on a
sealed test split or, in the second form, on the validation split that chose it.

The score of a query is 1 / rank of its passage. The rank is a log-normal number, whose logarithm adds up the model's
strength, the difficulty of the query and of its passage, which all models share, and what this training of this model
makes of that passage and of that query. So the true means are known exactly, models of equal strength have equal ones,
and their scores correlate query by query as those of fine-tuned models do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from embedtune.release.choice.candidates import Candidate, Kind
from embedtune.release.choice.selection import select
from embedtune.release.gate import gate
from embedtune.statistics import Criterion, compare, mean_interval, queries_needed

Scores = NDArray[np.float64]
Groups = NDArray[np.intp]

QUERY, PASSAGE = 1.2, 0.9
"""Deviations of what all models share."""
OWN = 0.45
"""Deviations of what a model has of its own, for each passage and again for each query."""
SPREAD = float(np.sqrt(QUERY**2 + PASSAGE**2 + 2 * OWN**2))
DEPTH = 100
GAINS = (0.01, 0.02, 0.05, 0.1)
UNTUNED = 0.7
FINALISTS = 5


def judge(chosen: Scores, untuned: Scores, groups: NDArray[np.intp], **more: Any) -> gate.Verdict:
    """Against one untuned model."""
    return gate.judge(chosen, {"untuned model": untuned}, groups, **more)


def true_mean(strength: float) -> float:
    """Of the scores of a model: the sum over ranks of 1 / rank times the chance of that rank."""
    ranks = np.arange(1, DEPTH + 1)
    chances = np.diff(ndtr((np.log(ranks) + strength) / SPREAD), prepend=0.0)
    return float((chances / ranks).sum())


def strength_of(mean: float) -> float:
    """The inverse of :func:`true_mean`."""
    return float(brentq(lambda strength: true_mean(strength) - mean, -20, 20))


def draw_groups(random: np.random.Generator, queries: int, sizes: Sequence[int]) -> Groups:
    """The group of each query; group sizes are drawn from ``sizes``."""
    drawn = np.repeat(np.arange(queries), random.choice(sizes, queries))
    return drawn[:queries]


def draw_scores(random: np.random.Generator, groups: Groups, means: Sequence[float]) -> Scores:
    """Scores of models with these true means on the same new queries, shape (models, queries)."""

    def normal(deviation: float, models: int) -> Scores:
        return random.normal(0, deviation, (models, len(groups)))

    shared = normal(QUERY, 1) + normal(PASSAGE, 1)[:, groups]
    own = normal(OWN, len(means)) + normal(OWN, len(means))[:, groups]
    strengths = {mean: strength_of(mean) for mean in set(means)}
    strength = np.array([strengths[mean] for mean in means])[:, np.newaxis]
    ranks = np.maximum(1, np.ceil(np.exp(-(strength + shared + own))))
    return np.where(ranks <= DEPTH, 1 / ranks, 0.0)


def decide(random: np.random.Generator, options: argparse.Namespace, gains: Sequence[float]) -> tuple[bool, bool, bool]:
    """Whether the leaderboard's top beats the untuned model on it, and the rule's answers with and without test split.

    Args:
        random: Draws the scores.
        options: Queries, group size and resamples.
        gains: Of each trial: its true mean minus that of the untuned model. The first is the default recipe.
    """
    criterion = Criterion(margin=0.01, resamples=options.resamples)
    groups = draw_groups(random, options.queries, [options.group])
    means = [UNTUNED, *(UNTUNED + gain for gain in gains)]
    untuned, *trials = draw_scores(random, groups, means)
    test_groups = draw_groups(random, options.queries, [options.group])
    test_untuned, *test_trials = draw_scores(random, test_groups, means)

    seconds = random.random(len(trials))
    ranking = sorted(range(len(trials)), key=lambda number: -trials[number].mean())
    candidates = [
        Candidate(str(number), Kind.TRIAL, trials[number], seconds[number], (number,), number == 0, Path())
        for number in dict.fromkeys([*ranking[:FINALISTS], 0])
    ]
    chosen = select([*candidates, Candidate("untuned", Kind.UNTUNED, untuned)], groups).chosen
    naive = bool(trials[ranking[0]].mean() > untuned.mean())
    if not chosen.is_releasable:
        return naive, False, False
    tested = judge(test_trials[chosen.numbers[0]], test_untuned, test_groups, criterion=criterion)
    tried = {str(number): scores for number, scores in enumerate(trials)}
    unsealed = judge(chosen.scores, untuned, groups, tried=tried, criterion=criterion)
    return naive, tested.promoted, unsealed.promoted


def rates(options: argparse.Namespace, gains: Sequence[float]) -> list[str]:
    """The three rates of :func:`decide` in percent."""
    random = np.random.default_rng(options.seed)
    answers = [decide(random, options, gains) for _ in range(options.repeats)]
    return [percent(column) for column in zip(*answers, strict=True)]


def percent(found: Sequence[bool]) -> str:
    """A rate with its standard error."""
    rate = float(np.mean(found))
    return f"{100 * rate:.1f} ± {100 * np.sqrt(rate * (1 - rate) / len(found)):.1f}"


def promotions(options: argparse.Namespace) -> None:
    """Trials that all equal the untuned model."""
    print("\n## False promotions, percent: every trial truly equals the untuned model")
    row("", "top of the list", "gate on test", "gate on validation")
    row("no gain", *rates(options, [0.0] * options.trials))


def power(options: argparse.Namespace) -> None:
    """Trials that are truly better: all of them, or a single one that is not the default recipe."""
    print("\n## Power, percent: how often a true gain is promoted")
    row("", "top of the list", "gate on test", "gate on validation", "queries for 80 %")
    for gain in GAINS:
        needed = needed_queries(options, gain)
        row(f"all gain {gain}", *rates(options, [gain] * options.trials), needed)
    for gain in GAINS:
        row(f"one gains {gain}", *rates(options, [*[0.0] * (options.trials - 1), gain]), "")


def needed_queries(options: argparse.Namespace, gain: float) -> str:
    """As a refusal would say it, from the true gain and deviation."""
    random = np.random.default_rng(options.seed)
    groups = draw_groups(random, 20_000, [options.group])
    untuned, tuned = draw_scores(random, groups, [UNTUNED, UNTUNED + gain])
    found = compare({"tuned": tuned}, untuned, groups, Criterion(resamples=1))["tuned"]
    return str(queries_needed(gain, found.deviation, design_effect=found.design_effect))


def margin(options: argparse.Namespace) -> None:
    """A candidate that is truly worse than the incumbent by exactly the margin."""
    print("\n## Passing as not worse, percent: truly worse than the incumbent by the margin, or equal to it")
    row("", "worse by it", "equal")
    for limit in (0.01, 0.03):
        random = np.random.default_rng(options.seed)
        passed: dict[float, list[bool]] = {limit: [], 0.0: []}
        for _ in range(options.repeats):
            groups = draw_groups(random, options.queries, [options.group])
            incumbent, worse, equal = draw_scores(random, groups, [UNTUNED, UNTUNED - limit, UNTUNED])
            criterion = Criterion(margin=limit, resamples=options.resamples)
            found = compare({"worse": worse, "equal": equal}, incumbent, groups, criterion)
            passed[limit].append(found["worse"].p_value <= 0.05)
            passed[0.0].append(found["equal"].p_value <= 0.05)
        row(f"margin {limit}", *(percent(column) for column in passed.values()))


def coverage(options: argparse.Namespace) -> None:
    """How often 95 % intervals hold the true mean, and the true difference of two models."""
    print("\n## Coverage of 95 % intervals, percent")
    row("", "mean", "difference 0", "difference 0.05", "correlation")
    for queries, sizes in ((50, [2]), (100, [2]), (100, [1, 1, 2, 3, 5])):
        for mean in (0.6, 0.75, 0.85):
            row(f"{queries} queries in {sizes}, {mean}", *held(options, queries, sizes, mean))


def held(options: argparse.Namespace, queries: int, sizes: Sequence[int], mean: float) -> list[str]:
    """Coverage of the mean and of the differences 0 and 0.05, and the correlation of two models' scores."""
    random = np.random.default_rng(options.seed)
    found: list[tuple[bool, bool, bool]] = []
    together: list[Scores] = []
    for _ in range(options.repeats):
        groups = draw_groups(random, queries, sizes)
        scores, equal, worse = draw_scores(random, groups, [mean, mean, mean - 0.05])
        interval = mean_interval(scores, groups, resamples=options.resamples)
        differences = compare({"equal": scores, "worse": scores}, equal, groups, Criterion(resamples=options.resamples))
        better = compare({"better": scores}, worse, groups, Criterion(resamples=options.resamples))["better"].interval
        level = differences["equal"].interval
        found.append(
            (
                interval.low <= mean <= interval.high,
                level.low <= 0 <= level.high,
                better.low <= 0.05 <= better.high,
            )
        )
        together.append(np.stack([scores, equal]))
    correlation = np.corrcoef(np.concatenate(together, axis=1))[0, 1]
    return [*(percent(column) for column in zip(*found, strict=True)), f"{correlation:.2f}"]


def row(name: str, *cells: str) -> None:
    """Print one line of a table."""
    print(f"{name:36}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


TABLES: dict[str, Callable[[argparse.Namespace], None]] = {
    "promotions": promotions,
    "power": power,
    "margin": margin,
    "coverage": coverage,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=2000, help="the package's own default is 10,000")
    parser.add_argument("--queries", type=int, default=100, help="of validation and of test")
    parser.add_argument("--group", type=int, default=2, help="queries that share a passage")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    for name, table in TABLES.items():
        if options.only in (None, name):
            table(options)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
