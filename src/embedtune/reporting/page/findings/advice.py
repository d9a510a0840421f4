"""Advice on what to try next: rules over the record, each with its reason. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from optuna.distributions import CategoricalDistribution

from embedtune.config import SIZE, WEIGHTS
from embedtune.records import ENOUGH_ROWS, ROWS_SHARE, UNMOVED, State, TrialRecord
from embedtune.reporting.page.findings.edges import find_edge
from embedtune.reporting.page.findings.history import HistoryInfo, history_info
from embedtune.reporting.page.findings.importance import ENOUGH, ImportanceInfo, importance_info
from embedtune.reporting.page.inputs import ReportInputs, value_of
from embedtune.reporting.page.verdict import lead, within_one_query
from embedtune.reporting.tables import short_value
from embedtune.units import clip, count

EPOCHS = "train.epochs"
_MOST = 0.5
"""Share of the variance from which one parameter is called the one that matters."""
_PATIENCE = 10
"""Trials without a better one after which a search is called settled."""


@dataclass(frozen=True)
class Advice:
    """One thing to try.

    Attributes:
        do: What.
        why: What in the record says so.
        override: What to type, if it is one override.
    """

    do: str
    why: str
    override: str | None = None


def give_advice(inputs: ReportInputs) -> list[Advice]:
    """Every rule that applies, obstacles first."""
    return [advice for rule in _RULES for advice in rule(inputs)]


def _failures(inputs: ReportInputs) -> Iterator[Advice]:
    """Failures that look the same once their numbers are left out."""
    failed = [
        record
        for record in inputs.records
        if record.state == State.FAIL and record.reason and record.interrupted is None
    ]
    kinds = Counter(re.sub(r"\d+", "#", clip(str(record.reason))) for record in failed)
    for kind, times in kinds.most_common(1):
        alike = [record for record in failed if re.sub(r"\d+", "#", clip(str(record.reason))) == kind]
        if times >= 2:
            yield Advice(
                f"Fix first what makes trials fail: {clip(str(alike[0].reason))}",
                f"{times} of {count(len(inputs.records), 'trial')} failed with it, and each used up the budget. "
                f"Its traceback is in trials/{alike[0].name}/trial.log.",
            )


def _unfinished(inputs: ReportInputs) -> Iterator[Advice]:
    done = sum(inputs.board.states.get(state, 0) for state in (State.COMPLETE, State.PRUNED, State.FAIL))
    if inputs.is_sweep and done < inputs.n_trials:
        yield Advice(
            "Finish the budget: type the same command again.",
            f"{done} of {count(inputs.n_trials, 'trial')} have ended.",
        )


def _few_rows(inputs: ReportInputs) -> Iterator[Advice]:
    """Trials that trained on much less than their epochs say: compared with the others they are shorter."""
    shares = {record.number: record.facts.get(ROWS_SHARE, 1.0) for record in inputs.records}
    few = {number: share for number, share in shares.items() if share < ENOUGH_ROWS}
    if few:
        least = min(few, key=lambda number: few[number])
        yield Advice(
            "Take train.batch_sampler=plain, or sets of similar size: some trials train on a part of their rows.",
            f"{len(few)} of {count(len(shares), 'trial')} saw less than {ENOUGH_ROWS:.0%} of the rows that "
            f"train.epochs asks for; trial {least} saw {few[least]:.0%}. Their logs say why.",
        )


def _unmoved(inputs: ReportInputs) -> Iterator[Advice]:
    """Trials that learnt nothing: they are the untuned model under another name."""
    reasons = {record.number: str(record.facts[UNMOVED]) for record in inputs.records if UNMOVED in record.facts}
    if reasons:
        first = min(reasons)
        yield Advice(
            "Raise train.learning_rate or look at the loss: some trials changed no weight.",
            f"{len(reasons)} of {count(len(inputs.records), 'trial')} ended with the weights they began with; trial "
            f"{first}: {reasons[first]}.",
        )


def _no_gain(inputs: ReportInputs) -> Iterator[Advice]:
    best = inputs.best
    if best is not None and inputs.untuned is not None and value_of(best) <= inputs.untuned:
        yield Advice(
            "Train more gently (a lower learning rate, fewer epochs) or check the training rows: "
            "python -m embedtune data.",
            f"No trial is above the untuned model ({inputs.untuned:.4f}).",
        )


def _length(inputs: ReportInputs) -> Iterator[Advice]:
    best = inputs.best
    evaluations = inputs.evaluations.get(best.number, ()) if best is not None else ()
    if best is None or best.state != State.COMPLETE or len(evaluations) < 2:
        return
    first, last = evaluations[0], evaluations[-1]
    longer = _longer(inputs, best, last.epoch)
    if best.best_step == last.step and longer is not None:
        yield Advice(
            "Train longer, in a new study." if inputs.is_sweep else "Train longer.",
            f"Trial {best.number} was best at its last evaluation, epoch {last.epoch:.3g} "
            f"({evaluations[-2].value:.4f}, then {last.value:.4f}).",
            longer,
        )
    elif best.best_step == first.step and len(evaluations) > 2:
        yield Advice(
            "Train for fewer epochs, or with a lower learning rate.",
            f"Trial {best.number} was best at the first of its {len(evaluations)} evaluations, "
            f"epoch {first.epoch:.3g}, and fell from {first.value:.4f} to {last.value:.4f}.",
        )


def _longer(inputs: ReportInputs, best: TrialRecord, epochs: float) -> str | None:
    """The override for more epochs; None if the search has tried more already."""
    distribution = inputs.distributions.get(EPOCHS)
    if distribution is None:
        return f"{EPOCHS}={2 * epochs:.3g}"
    edge = find_edge(EPOCHS, distribution, best.params.get(EPOCHS, epochs))
    return f"{EPOCHS}='{edge.widened}'" if edge is not None and edge.side == "upper" else None


def _edges(inputs: ReportInputs) -> Iterator[Advice]:
    best = inputs.best
    if best is None or not inputs.distributions:
        return
    skipped = {advice.override.partition("=")[0] for advice in _length(inputs) if advice.override}
    if _even_weights(best):
        skipped |= {key for key in best.params if key.startswith(WEIGHTS)}  # only their ratios count
    for key, distribution in inputs.distributions.items():
        if key not in best.params or key in skipped or key == SIZE:
            continue
        edge = find_edge(key, distribution, best.params[key])
        if edge is not None:
            beyond = "below" if edge.side == "lower" else "above"
            yield Advice(
                f"Search {key} {beyond} {short_value(edge.bound)}, in a new study.",
                f"Trial {best.number} took {short_value(edge.value)}, at the {edge.side} end of what was searched "
                f"({edge.scale}).",
                f"{key}='{edge.widened}'",
            )


def _even_weights(record: TrialRecord) -> bool:
    return len({value for key, value in record.params.items() if key.startswith(WEIGHTS)}) == 1


def _matters(inputs: ReportInputs) -> Iterator[Advice]:
    info = importance_info(inputs)
    if isinstance(info, ImportanceInfo):
        key, share = info.first
        if share >= _MOST and len(info.shares) > 1 and key != SIZE:
            yield Advice(
                f"Search {key} more finely and fix the others at the values of the best trial.",
                f"It alone explains {share:.0%} of the variance between {info.trials} complete trials.",
            )
    elif inputs.is_sweep and inputs.distributions and 0 < len(inputs.complete) < ENOUGH:
        total = max(2 * ENOUGH, 2 * inputs.n_trials)
        yield Advice(
            "Run more trials: the same command with a larger total goes on.",
            f"{count(len(inputs.complete), 'trial')} complete: too few to say which parameter matters "
            f"(at least {ENOUGH}).",
            f"study.n_trials={total}",
        )


def _untried(inputs: ReportInputs) -> Iterator[Advice]:
    missing = []
    for key, distribution in inputs.distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            tried = [record.params[key] for record in inputs.records if key in record.params]
            left = [short_value(choice) for choice in distribution.choices if choice not in tried]
            missing += [f"{key}={choice}" for choice in left]
    if missing and inputs.ranked:
        yield Advice(
            f"Do not rule out what was never tried: {', '.join(missing)}.",
            f"{count(len(inputs.records), 'trial')} did not visit every choice.",
        )


def _settled(inputs: ReportInputs) -> Iterator[Advice]:
    info = history_info(inputs)
    if inputs.pareto_front:
        return  # the history is that of the first objective alone
    if isinstance(info, HistoryInfo) and info.since_best >= max(_PATIENCE, len(info.points) / 2):
        yield Advice(
            "Stop here, or change the space: more trials of this one are unlikely to help.",
            f"The last {info.since_best} of {count(len(info.points), 'trial')} found nothing better.",
        )


def _queries(inputs: ReportInputs) -> Iterator[Advice]:
    if within_one_query(inputs):
        yield Advice(
            "Evaluate on more queries before choosing between the first trials.",
            f"The lead of {lead(inputs):.4f} is less than one query of {inputs.queries} can move a score.",
        )


def _release(inputs: ReportInputs) -> Iterator[Advice]:
    best = inputs.best
    gains = best is not None and (inputs.untuned is None or value_of(best) > inputs.untuned)
    if best is not None and gains and best.feasible and best.checkpoint is not None:
        yield Advice(
            f"Confirm trial {best.number} on the test split, and export it:",
            "Its score here is the largest of several on the validation split, so it is likely to flatter.",
            f"python -m embedtune release study.name={inputs.definition.name}",
        )
    others = [record.number for record in inputs.pareto_front[1:] if record.checkpoint is not None]
    if others:
        yield Advice(
            "Or export another trial of the front, with release.trial=NUMBER.",
            f"These keep their weights too: {', '.join(map(str, others))}.",
        )


_RULES: tuple[Callable[[ReportInputs], Iterator[Advice]], ...] = (
    _failures, _unfinished, _few_rows, _unmoved, _no_gain, _length, _edges, _matters, _untried, _queries, _settled,
    _release,
)  # fmt: skip
