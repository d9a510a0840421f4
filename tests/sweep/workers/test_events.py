from __future__ import annotations

import io

import pytest

from embedtune.records import Evaluation, State, TrialRecord
from embedtune.sweep.workers.events import EventWriter, replay
from embedtune.training import Progress


class Seen:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def began(self, record: TrialRecord) -> None:
        self.calls.append(("began", record))

    def stepped(self, number: int, progress: Progress) -> None:
        self.calls.append(("stepped", number, progress))

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        self.calls.append(("evaluated", number, evaluation))

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        self.calls.append(("fold_ended", number, fold, value))

    def ended(self, record: TrialRecord) -> None:
        self.calls.append(("ended", record))


def test_replay_makes_the_calls_that_were_written() -> None:
    record = TrialRecord("s", 3, State.RUNNING, params={"train.x": "ü\u2028"}, facts={"digests": {"a": "b"}})
    evaluation = Evaluation(5, 0.5, 0.25, {"64": {"cosine_map@100": 0.25}}, 1.0, 7, loss=1.5)
    progress = Progress(1, 10, 0.1, 2.0, 1e-5, 100)
    out = io.StringIO()
    writer = EventWriter(out)
    writer.began(record)
    writer.stepped(3, progress)
    writer.evaluated(3, evaluation)
    writer.fold_ended(3, "1/2", 0.5)
    writer.ended(record)
    seen = Seen()
    lines = out.getvalue().split("\n")[:-1]
    assert [replay(line, seen) for line in lines] == [
        "began",
        "stepped",
        "evaluated",
        "fold_ended",
        "ended",
    ]
    assert seen.calls == [
        ("began", record),
        ("stepped", 3, progress),
        ("evaluated", 3, evaluation),
        ("fold_ended", 3, "1/2", 0.5),
        ("ended", record),
    ]


def test_event_writer_does_not_write_every_step() -> None:
    out = io.StringIO()
    writer = EventWriter(out)
    for step in range(100):
        writer.stepped(0, Progress(step, 100, 0.0, None, 0.0, 0))
    assert out.getvalue().count("\n") < 10


@pytest.mark.parametrize("line", ["", "no json", '{"event": "began", "rec', "[1]", "{}", '{"event": "other"}', "null"])
def test_replay_ignores_what_is_no_event(line: str) -> None:
    seen = Seen()
    assert replay(line, seen) is None
    assert seen.calls == []
