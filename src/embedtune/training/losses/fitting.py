"""Whether the rows of a task are what a loss can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from embedtune.config import Config
from embedtune.records import RELATED, TrainingSet
from embedtune.training.losses.build import LOSSES
from embedtune.training.losses.table import Loss, Scores

_IN_RANGE: dict[Scores, Callable[[float], bool]] = {
    Scores.LABEL: lambda score: score in (0, 1),
    Scores.SIMILARITY: lambda score: 0 <= score <= 1,
}


def columns_problems(config: Config, training: Sequence[TrainingSet]) -> Iterator[str]:
    """A sentence for each training set that lacks what the loss needs, or has what it cannot read."""
    loss = LOSSES[config.loss.name]
    for part in training:
        yield from _negatives_problems(loss, part, config.train.negatives.count)
        if config.loss.teacher is None:
            yield from _scores_problems(loss, part, config.train.negatives.count)


def unread_scores(config: Config, training: Sequence[TrainingSet]) -> Iterator[str]:
    """A warning for each training set with scores that the loss does not read."""
    loss = LOSSES[config.loss.name]
    for part in training:
        if not part.scores or (loss.scores is not Scores.NONE and config.loss.teacher is None):
            continue
        said = f"training set {part.name} has scores, which loss.name={loss.name} does not read"
        if config.loss.teacher is not None:
            yield f"{said}: those of loss.teacher={config.loss.teacher} take their place."
        elif len(part.scores[0]) == 1 and len(part.columns) == 2:
            low = sum(score < RELATED for (score,) in part.scores)
            yield (
                f"{said}: every row is taken as a pair that belongs together, also the {low} of {len(part)} whose "
                f"score is below {RELATED:g}. Remove those, or take a loss for labelled pairs: loss=cosent."
            )
        else:
            yield f"{said}. A loss that does is loss=margin_mse or loss=kl."


def _negatives_problems(loss: Loss, part: TrainingSet, mined: int) -> Iterator[str]:
    least, most = loss.negatives
    found = len(part.columns) - 2 + mined
    more = f" and {mined} mined" if mined else ""
    where = f"but got {found} ({', '.join(part.columns)}{more}) in training set {part.name}"
    if found < least:
        yield (
            f"loss.name={loss.name} must have a negative in each row, {where}. Add it, set train.negatives.count, or "
            "take another loss."
        )
    if most is not None and found > most:
        yield (
            f"loss.name={loss.name} must have at most {most} negative in each row, {where}. Name the one to read with "
            "data.columns.negative, or take another loss."
            if most
            else f"loss.name={loss.name} must have pairs without negatives, {where}. Take another loss."
        )


def _scores_problems(loss: Loss, part: TrainingSet, mined: int) -> Iterator[str]:
    if loss.scores is Scores.NONE:
        return
    rule = f"loss.name={loss.name} must have {loss.scores.value} beside the texts of each row"
    way = "Add a column score, name it with data.columns.score, or take another loss."
    if loss.scores in (Scores.MARGINS, Scores.PASSAGES):
        way = f"{way} loss.teacher=MODEL lets a cross-encoder score the passages."
    if not part.scores:
        yield f"{rule}, but got none in training set {part.name}. {way}"
        return
    each, passages = len(part.scores[0]), len(part.columns) - 1 + mined
    counts = {Scores.MARGINS: {passages, passages - 1}, Scores.PASSAGES: {passages}}.get(loss.scores, {1})
    if each not in counts:
        yield f"{rule}, but got {each} for {passages} passages in training set {part.name}. {way}"
        return
    valid = _IN_RANGE.get(loss.scores, lambda _: True)
    wrong = [row for row, scores in enumerate(part.scores, start=1) if not all(map(valid, scores))]
    if wrong:
        first = part.scores[wrong[0] - 1][0]
        yield (
            f"{rule}, but got {first:g} in row {wrong[0]} of training set {part.name}, and so in {len(wrong)} of "
            f"{len(part)} rows. Scale them, or take loss=cosent, which reads their order alone."
        )
