"""The description at the top of a run's page, in Markdown. Pure. The UI folds it after about four lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from embedtune import ranking
from embedtune.config.redaction import redact_text
from embedtune.ranking import best_first, best_untuned, pareto_front, untuned_of
from embedtune.records import Evaluation, Objective, State, TrialRecord
from embedtune.tracking.content import INTERRUPTED, has_ended, state_word
from embedtune.tracking.labels import MAX_TAG
from embedtune.tracking.names import HEADLINES, dims


def trial_note(record: TrialRecord, best: Evaluation | None, objective: Objective | None) -> str:
    """Line 1 the outcome, then the headline metrics at every dimension; those of a running trial are in its curves."""
    if not has_ended(record):
        return f"**{_title(record)}** {record.state.value}."
    reason = f" ({redact_text(record.reason)})" if record.reason else ""
    if best is None or objective is None:
        return f"**{_title(record)}** {record.state.value}{reason}, not evaluated yet."
    value = best.value if record.value is None else record.value
    judge = "" if value == best.value else " by folds of the training queries"
    verdict = (
        f"**{_title(record)}** {record.state.value}{reason}: {objective.metric} **{value:.4f}**{judge} "
        f"at dimension {objective.dim}{_second(best, objective)}, step {best.step} (epoch {best.epoch:g})."
    )
    sizes = dims(best.metrics)
    head = ["cosine", *map(str, sizes)]
    rows = [[name, *(_cell(best.metrics[str(dim)].get(f"cosine_{name}")) for dim in sizes)] for name in HEADLINES]
    return verdict + "\n\n" + _table(head, rows)


def study_note(records: Sequence[TrialRecord], objective: str, n_trials: int, run_links: Mapping[int, str]) -> str:
    """Line 1 the verdict, then the trials, best first, as many as a tag holds.

    Args:
        records: Trials, and the untuned base models.
        objective: The metric they were trained for.
        n_trials: The study's budget.
        run_links: Trial number -> link to its run.
    """
    trials = best_first(record for record in records if not record.is_baseline)
    front = pareto_front(trials)
    baselines = [record for record in records if record.is_baseline]
    lines = [_verdict(trials, best_untuned(baselines), objective, n_trials), ""]
    second = front[0].second_objective if front else None
    both = [second.label, "front"] if second else []
    head = ["rank", "trial", "state", objective, *both, "against untuned", "best epoch", "seconds"]
    lines += [_row(head), _row(["---"] * len(head))]
    tail = f"\n\nMore trials are in the leaderboard: {len(trials)} in all."
    for rank, record in enumerate([*trials, *baselines], start=1):
        cells = _trial_cells(rank, record, untuned_of(record, baselines), run_links)
        if second:
            cells[4:4] = [second.text(record.second), "yes" if record in front else ""]
        line = _row(cells)
        if sum(map(len, lines)) + len(lines) + len(line) + len(tail) > MAX_TAG:
            return "\n".join(lines) + tail
        lines.append(line)
    return "\n".join(lines)


def _verdict(trials: Sequence[TrialRecord], untuned_best: TrialRecord | None, objective: str, n_trials: int) -> str:
    finished = [record for record in trials if has_ended(record) and state_word(record) != INTERRUPTED]
    ended = f"{len(finished)} of {n_trials} trials ended."
    untuned = untuned_best.value if untuned_best else None
    against = f", untuned {untuned:.4f}" if untuned is not None else ""
    first, front = ranking.best(trials), pareto_front(trials)
    if first is None or first.value is None:
        return f"No trial has a score yet ({objective}{against}). {ended}"
    if front and (second := front[0].second_objective):
        ends = [
            f"**{_title(end)}** ({end.value:.4f}, {second.label} {second.text(end.second)})"
            for end in (front[0], front[-1])
        ]
        span = f"from {ends[0]} to {ends[1]}" if len(front) > 1 else ends[0]
        return f"Front: {len(front)} of {len(trials)} trials, {span}; {objective}{against}. {ended}"
    gain = f" ({first.value - untuned:+.4f})" if untuned is not None else ""
    word = state_word(first)
    how = "" if word == State.COMPLETE else f" ({word})"
    return f"Best: **{_title(first)}**{how} with {objective} **{first.value:.4f}**{against}{gain}. {ended}"


def _trial_cells(rank: int, record: TrialRecord, base: TrialRecord | None, run_links: Mapping[int, str]) -> list[str]:
    link = run_links.get(record.number)
    untuned = base.value if base else None
    gain = record.value - untuned if record.value is not None and untuned is not None else None
    return [
        str(rank) if ranking.is_scored(record) else "",
        f"[{_title(record)}]({link})" if link else _title(record),
        "untuned" if record.is_baseline else state_word(record),
        _cell(record.value),
        "" if record.is_baseline or gain is None else f"{gain:+.4f}",
        "" if record.best_epoch is None or record.is_baseline else f"{record.best_epoch:g}",
        f"{record.seconds:.0f}",
    ]


def _second(best: Evaluation, objective: Objective) -> str:
    return "" if best.second is None else f" and **{best.second:.4f}** at {objective.second and objective.second.dim}"


def _title(record: TrialRecord) -> str:
    return f"{record.study}-{record.name}"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_row(head), _row(["---"] * len(head)), *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
