"""The outcome of a study in a few sentences. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from embedtune.records import State, TrialRecord
from embedtune.reporting.certainty import certainty_lines
from embedtune.reporting.page.inputs import ReportInputs, value_of
from embedtune.units import clip, count


@dataclass(frozen=True)
class Verdict:
    """The outcome of a study.

    Attributes:
        headline: The best trial beside the untuned model and the default recipe.
        outcome: How the trials ended.
        support: How much the difference between the first trials can be trusted, as far as the record says.
    """

    headline: str
    outcome: str
    support: str = ""


def give_verdict(inputs: ReportInputs) -> Verdict:
    """Judge a study from its records alone."""
    ended = _ended(inputs)
    if inputs.best is None:
        return Verdict(f"No trial has a score.{_common_reason(inputs)}", ended)
    if inputs.pareto_front:
        return Verdict(
            _front(inputs), ended, " ".join(filter(None, (_resolution(inputs), *certainty_lines(inputs.board))))
        )
    support = (_leaders(inputs), _resolution(inputs), *certainty_lines(inputs.board))
    return Verdict(_best(inputs, inputs.best), ended, " ".join(filter(None, support)))


def lead(inputs: ReportInputs) -> float | None:
    """By how much the best trial is ahead of the second; None with fewer than two, or with two objectives."""
    if inputs.second is not None:
        return None
    values = [value_of(record) for record in inputs.leaders[:2]]
    return values[0] - values[1] if len(values) == 2 else None


def within_one_query(inputs: ReportInputs) -> bool:
    """Whether one query, which moves a mean in [0, 1] by at most 1/queries, could reverse the first two."""
    ahead = lead(inputs)
    return ahead is not None and bool(inputs.queries) and ahead < 1 / (inputs.queries or 1)


def _best(inputs: ReportInputs, best: TrialRecord) -> str:
    value = value_of(best)
    default = inputs.default_trial
    is_default = default is not None and default.number == best.number
    who = f"Trial {best.number}{' (the default recipe)' if is_default else ''} is best"
    beside = []
    for untuned in inputs.untuned_beside(best):
        model = untuned.base[0] or inputs.definition.base_model
        beside.append(_compared(value, value_of(untuned), f"the untuned {model}"))
    if default is not None and default.value is not None and not is_default:
        beside.append(_compared(value, default.value, f"the default recipe, trial {default.number}"))
    compared = f": {' and '.join(filter(None, (', '.join(beside[:-1]), beside[-1])))}" if beside else ""
    pruned = " It was pruned, so its score is of less training." if best.state == State.PRUNED else ""
    broken = "" if best.feasible else " It breaks a constraint of the study, as every trial with a score does."
    return f"{who} with {inputs.metric} {value:.4f} at {inputs.dim} dimensions{compared}.{pruned}{broken}"


def _front(inputs: ReportInputs) -> str:
    """The ends of the front, beside the untuned model."""
    trials, untuned = inputs.pareto_front, inputs.baseline
    texts = [f"trial {record.number} ({_both(record)})" for record in (trials[0], trials[-1])]
    span = f"from {texts[0]} to {texts[1]}" if len(trials) > 1 else f"{texts[0]} alone"
    beside = f"; the untuned model has {_both(untuned)}" if untuned is not None and untuned.second is not None else ""
    second = inputs.second.dim if inputs.second is not None else None
    at = "against dimensions" if second is None else f"at {inputs.dim} and {second}"
    return f"Front of {inputs.metric} {at}: {span}{beside}."


def _both(record: TrialRecord) -> str:
    """Both objectives as text."""
    second = record.second_objective
    text = "" if second is None else second.text(record.second)
    is_size = second is not None and second.is_size
    return f"{value_of(record):.4f} with {text} dimensions" if is_size else f"{value_of(record):.4f} and {text}"


def _compared(value: float, other: float, name: str) -> str:
    difference = round(value - other, 4)
    if difference == 0:
        return f"as good as {name} ({other:.4f})"
    return f"{abs(difference):.4f} {'above' if difference > 0 else 'below'} {name} ({other:.4f})"


def _ended(inputs: ReportInputs) -> str:
    parts = [
        f"{inputs.board.states.get(state, 0)} {name}" for state, name in _STATES if inputs.board.states.get(state, 0)
    ]
    if not parts:
        return "No trial has begun."
    total = f"Of {count(inputs.n_trials, 'trial')}" if inputs.is_sweep else "Trials so far"
    return f"{total}: {', '.join(parts)}."


_STATES = (
    (State.COMPLETE, "complete"),
    (State.PRUNED, "pruned"),
    (State.FAIL, "failed"),
    (State.RUNNING, "running"),
    (State.WAITING, "waiting"),
)


def _common_reason(inputs: ReportInputs) -> str:
    reasons = Counter(clip(record.reason) for record in inputs.records if record.reason)
    return f" Most common reason: {reasons.most_common(1)[0][0]}" if reasons else ""


def _leaders(inputs: ReportInputs) -> str:
    leaders = inputs.leaders[:3]
    if len(leaders) < 2:
        return "No other trial has a score to compare it with."
    values = ", ".join(f"{value_of(record):.4f}" for record in leaders)
    spread = value_of(leaders[0]) - value_of(leaders[-1])
    return f"The best {len(leaders)} trials lie within {spread:.4f} of each other ({values})."


def _resolution(inputs: ReportInputs) -> str:
    if not inputs.queries:
        return ""
    queries = count(inputs.queries, "query")
    text = f"Each score is a mean over {queries}, so one query can move it by {1 / inputs.queries:.4f}"
    ahead = lead(inputs)
    if ahead is None:
        return f"{text}."
    if within_one_query(inputs):
        return f"{text}: the lead of {ahead:.4f} is less than that, and the first two trials are as good as equal."
    return f"{text}; the lead of the first trial is {ahead:.4f}."
