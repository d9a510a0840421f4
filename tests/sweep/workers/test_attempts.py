"""Trials that take their workers down with them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from embedtune import archive
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths
from embedtune.records import Evaluation, Interruption, State, TrialRecord
from embedtune.study import Study, claim, open_study, reconcile, requeue, states
from embedtune.sweep.workers.attempts import deaths, give_up
from embedtune.training import is_device_lost
from embedtune.trial.recorder import FOLDS_DONE

DIED, STOPPED = Interruption.DIED, Interruption.STOPPED


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(StudyPaths(tmp_path / "s"))


def begin(study: Study, evaluations: int, who: str = "") -> int:
    """A trial that a worker began, and how far it came."""
    trial = claim(study, 2, who or worker_identity())
    assert trial is not None
    trial.suggest_float("x", 0, 1)
    paths = study.paths.trial(trial.number)
    archive.write_header(paths, TrialRecord("s", trial.number, State.RUNNING, {"x": 0.5}), {})
    for step in range(1, evaluations + 1):
        archive.append_evaluation(paths, Evaluation(step, float(step), 0.5, {}, 1.0, 1))
    return trial.number


def end(study: Study, number: int, why: Interruption) -> None:
    record = archive.read_record(study.paths, number)
    assert record is not None
    archive.write_result(study.paths.trial(number), record.broken_off(why))
    requeue(study, number)


def chain(study: Study, *attempts: tuple[int, Interruption | None]) -> int:
    """Attempts at one configuration: evaluations and why it ended; the last one runs still."""
    for evaluations, why in attempts:
        number = begin(study, evaluations)
        if why:
            end(study, number, why)
    return number


@pytest.mark.parametrize(
    ("attempts", "count"),
    [
        ([(0, None)], 1),
        ([(0, DIED), (0, None)], 2),
        ([(0, DIED), (0, DIED), (0, None)], 3),
        ([(1, DIED), (2, None)], 1),  # it got on
        ([(0, DIED), (2, DIED), (2, None)], 2),
        ([(0, DIED), (0, STOPPED), (0, None)], 2),  # a person stopped it in between
        ([(0, STOPPED), (0, STOPPED), (0, None)], 1),
        ([(0, DIED), (0, STOPPED)], 1),  # the last one was stopped before it could be queued again
        ([(0, STOPPED)], 0),
    ],
)
def test_deaths_in_a_row(study: Study, attempts: list[tuple[int, Interruption | None]], count: int) -> None:
    assert deaths(study, chain(study, *attempts)) == count


def test_a_trial_that_gets_a_fold_further_is_not_the_reason(study: Study) -> None:
    for folds in (1, 1, 2):
        number = begin(study, 0)
        archive.write_header(
            study.paths.trial(number), TrialRecord("s", number, State.RUNNING, facts={FOLDS_DONE: folds}), {}
        )
        counted = deaths(study, number)
        end(study, number, DIED)
        assert counted == {1: 1, 2: 2, 3: 1}[number + 1]


def test_give_up_ends_the_trial_for_good_and_uses_up_the_budget(study: Study) -> None:
    number = chain(study, (0, DIED), (0, DIED), (0, None))
    assert not give_up(study, number, 4)
    assert give_up(study, number, 3)
    record = archive.read_record(study.paths, number)
    assert record is not None
    assert (record.state, record.reason) == (State.FAIL, "its worker died (3 times in a row)")
    assert record.interrupted is None, "it came to its end"
    assert states(study) == {state: int(state == State.FAIL) for state in State}
    assert claim(study, 1, worker_identity()) is None


def test_a_trial_that_always_kills_its_worker_does_not_loop(study: Study) -> None:
    rounds = 0
    while reconcile(study) or states(study)[State.FAIL] < 2:
        trial = claim(study, 2, None)  # nobody: dead at once
        if trial is None:
            break
        rounds += 1
        assert reconcile(study, lambda number: give_up(study, number, 3) is not None) in ([], [trial.number])
        assert rounds < 10
    assert rounds == 6
    assert states(study)[State.FAIL] == 2


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("CUDA error: device-side assert triggered\nCompile with TORCH_USE_CUDA_DSA"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("device-side assert"), False),
    ],
)
def test_is_device_lost(error: Exception, lost: bool) -> None:
    assert is_device_lost(error) is lost


def test_the_error_class_of_torch_counts_whatever_it_says() -> None:
    accelerator_error = getattr(torch, "AcceleratorError", None)
    if accelerator_error is None:
        pytest.skip("torch before 2.8 raises a RuntimeError")
    assert is_device_lost(accelerator_error("something"))


def test_evaluations_are_written_as_the_archive_reads_them(study: Study) -> None:
    number = begin(study, 2)
    assert [asdict(e)["step"] for e in archive.read_evaluations(study.paths.trial(number))] == [1, 2]
