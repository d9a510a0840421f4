"""Collect the candidates of a release with the scores that choose among them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedtune import archive
from embedtune.errors import ConfigError, DataError, ReleaseError
from embedtune.ranking import is_scored
from embedtune.records import RetrievalScores, TrialRecord
from embedtune.release.choice.candidates import Candidate, Incumbent, Kind, Pool, finalists
from embedtune.release.choice.case import VALIDATION, Case
from embedtune.release.choice.confirm import confirm
from embedtune.release.choice.soup import cook_soup
from embedtune.release.choice.whole import whole_weights
from embedtune.study.default_trial import default_trial

logger = logging.getLogger(__name__)


def gather(case: Case, records: Sequence[TrialRecord], incumbent: Incumbent | None, scratch: Path) -> Pool:
    """Collect the candidates; fresh seeds are trained and a soup is made here.

    Args:
        case: What is decided on.
        records: The study's trials.
        incumbent: The model in use, if there is one.
        scratch: An empty folder on the disk of the checkpoints.

    Raises:
        ConfigError: No trial can be released, or no soup can be made.
        ReleaseError: The untuned model or all finalists lack their scores.
    """
    options = case.options
    default = default_trial(case.study, case.definition, records)
    chosen = finalists(records, default, limit=options.candidates, number=options.trial)
    untuned = _untuned(case)
    reference = next(iter(untuned.values()))
    tried = _tried(case, records, reference)
    trials = [_trial(case, record, default, tried, scratch) for record in chosen if record.number in tried]
    judged = [candidate for candidate in trials if candidate is not None]
    if not any(candidate.is_releasable for candidate in judged):
        raise ReleaseError(
            f"study {case.study.name} must have a candidate with scores, but none of {len(chosen)} has. "
            "See the warnings above; name one with release.trial."
        )
    candidates = [*judged, *(_scored(case, name, Kind.UNTUNED, own) for name, own in untuned.items())]
    if options.soup:
        candidates.append(_soup(case, judged, scratch / "soup"))
    if incumbent is not None and not case.has_folds:
        measured = case.measure(case.load(incumbent.folder), VALIDATION)
        candidates.append(replace(_scored(case, incumbent.name, Kind.INCUMBENT, measured), folder=incumbent.folder))
    groups = reference.groups if case.has_folds else case.groups(VALIDATION)
    split = "folds" if case.has_folds else VALIDATION
    return Pool(tuple(candidates), {n: case.values(s) for n, s in tried.items()}, groups, split)


def _untuned(case: Case) -> dict[str, RetrievalScores]:
    """The recorded scores of each untuned base model by its name as a candidate, that of the default one first."""
    records = archive.read_baselines(case.study)
    names = [f"untuned {record.base[0]}" for record in records] if len(records) > 1 else ["untuned model"]
    if len(set(names)) < len(records):  # of one name, in several revisions
        names = [f"untuned {record.name}" for record in records]
    try:
        found = {name: case.recorded(case.study.of(own.name)) for name, own in zip(names, records, strict=False)}
    except DataError as error:
        raise ReleaseError(f"the untuned model must have been measured in the study, but: {error}") from error
    unknown = [f"{name} at {list(own.per_query)}" for name, own in found.items() if not case.is_measured(own)]
    if unknown:
        raise ConfigError(
            f"release.dim must be a size at which every base model was measured, but got {case.dim}; there is "
            f"{', '.join(unknown)}. Take one that all have; without release.dim each is judged at its full size."
        )
    if not found:
        raise ReleaseError(
            "the untuned model must have been measured in the study, but it was not. Run the study again."
        )
    return found


def _tried(case: Case, records: Sequence[TrialRecord], untuned: RetrievalScores) -> dict[int, RetrievalScores]:
    """The recorded scores of every trial that has some on the same queries."""
    found = {}
    for record in filter(is_scored, records):
        try:
            scores = case.recorded(case.study.trial(record.number))
        except DataError as error:
            logger.warning("Trial %d is not compared: %s", record.number, error)
            continue
        if scores.query_ids == untuned.query_ids and case.is_measured(scores):
            found[record.number] = scores
        else:
            logger.warning("Trial %d is not compared: it was scored on other queries or sizes", record.number)
    return found


def _trial(
    case: Case,
    record: TrialRecord,
    default: TrialRecord | None,
    tried: Mapping[int, RetrievalScores],
    scratch: Path,
) -> Candidate | None:
    """A finalist; None if it failed with a fresh seed."""
    scores, seeds, seconds = case.values(tried[record.number]), 0, 0.0
    if case.options.seeds > 0 and record.checkpoint is not None:
        again = confirm(case, record.number)
        if again is None:
            return None
        runs, seconds = again
        scores, seeds = np.mean([case.values(run) for run in runs], axis=0), len(runs)
    return Candidate(
        name=f"trial {record.number}",
        kind=Kind.TRIAL,
        scores=scores,
        dim=case.dim_of(tried[record.number]),
        seconds=record.seconds,
        numbers=(record.number,),
        is_default=default is not None and record.number == default.number,
        folder=None if record.checkpoint is None else whole_weights(Path(record.checkpoint), scratch / record.name),
        seeds=seeds,
        seed_seconds=seconds,
    )


def _scored(case: Case, name: str, kind: Kind, scores: RetrievalScores) -> Candidate:
    return Candidate(name, kind, case.values(scores), case.dim_of(scores))


def _soup(case: Case, trials: Sequence[Candidate], target: Path) -> Candidate:
    members = [candidate for candidate in trials if candidate.folder is not None]
    folder = cook_soup([candidate.folder for candidate in members if candidate.folder is not None], target)
    numbers = tuple(number for candidate in members for number in candidate.numbers)
    return replace(
        _scored(
            case,
            f"average of trials {', '.join(map(str, numbers))}",
            Kind.SOUP,
            case.measure(case.load(folder), VALIDATION),
        ),
        seconds=sum(candidate.seconds for candidate in members),
        numbers=numbers,
        folder=folder,
    )
