from __future__ import annotations

from embedtune.records import Interruption, State, TrialRecord
from embedtune.sweep.workers.attempts import common_failure


def fail(number: int, reason: str) -> TrialRecord:
    return TrialRecord("s", number, State.FAIL, reason=reason)


def test_common_failure_names_the_one_reason() -> None:
    assert common_failure([fail(number, "no disk") for number in range(3)]) == "no disk"


def test_common_failure_waits_for_three() -> None:
    assert common_failure([fail(0, "no disk"), fail(1, "no disk")]) is None


def test_common_failure_needs_one_reason_and_no_success() -> None:
    assert common_failure([fail(0, "a"), fail(1, "a"), fail(2, "b")]) is None
    assert common_failure([*(fail(n, "a") for n in range(3)), TrialRecord("s", 3, State.PRUNED)]) is None


def test_common_failure_does_not_count_interruptions_and_running_trials() -> None:
    others = [fail(3, "").broken_off(Interruption.DIED), TrialRecord("s", 4, State.RUNNING)]
    assert common_failure([fail(0, "a"), fail(1, "a"), *others]) is None
    assert common_failure([*(fail(n, "a") for n in range(3)), *others]) == "a"


def test_common_failure_reads_no_further_than_the_first_success() -> None:
    records = iter([TrialRecord("s", 0, State.COMPLETE), fail(1, "a")])
    assert common_failure(records) is None
    assert next(records).number == 1
