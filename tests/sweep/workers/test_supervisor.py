"""The supervisor with stand-in workers: small programs that count down a budget in a file."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedtune.errors import DiskFull, SpaceUsedUp, StudyError
from embedtune.paths import StudyPaths
from embedtune.records import State, TrialRecord
from embedtune.reporting.live import View
from embedtune.sweep.workers.slots import make_slots
from embedtune.sweep.workers.supervisor import Supervisor

WORKER = """
import fcntl, json, os, pathlib, signal, sys, time
folder, index, how = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
(folder / f"pid-{os.getpid()}").touch()
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
def put(name, text):  # whole or not at all, whenever it is killed
    beside = folder / f".{name}-{os.getpid()}"
    beside.write_text(text)
    beside.rename(folder / name)
def record(number, state):
    return {"study": "s", "number": number, "state": state}
def claim():
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = [int(path.name.removeprefix("waiting-")) for path in folder.glob("waiting-*")]
        if waiting:
            put(f"running-{max(waiting)}", str(os.getpid()))
            (folder / f"waiting-{max(waiting)}").unlink()
        return max(waiting, default=0)
def until(condition):
    while not condition():
        time.sleep(0.005)
def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
if how == "late":
    put(f"worker-{index}", str(os.getpid()))
    if (folder / "found").exists():  # started again: it claims after its neighbour has left
        time.sleep(0.5)
while not stop and (number := claim()) > 0:
    if how == "die" and number > 20 and number % 3 == 0 and not (folder / f"died-{number}").exists():
        (folder / f"died-{number}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"event": "began", "record": record(number, "running")}), flush=True)
    if how == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "late" and index == 0 and not (folder / "found").exists():
        until((folder / "found").exists)
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "stubborn":
        signal.signal(signal.SIGINT, lambda *_: (time.sleep(2), sys.exit(130)))
    time.sleep(0.02 if how not in ("slow", "stubborn") else 30)
    (folder / f"running-{number}").rename(folder / f"done-{number}")
    print(json.dumps({"event": "ended", "record": record(number, "complete")}), flush=True)
    if how == "leave":
        break
if how == "late" and index == 1 and not (folder / "found").exists():  # found nothing, and ends as its neighbour dies
    until((folder / "worker-0").exists)
    neighbour = int((folder / "worker-0").read_text())
    until(lambda: any(path.read_text() == str(neighbour) for path in folder.glob("running-*")))
    (folder / "found").touch()
    until(lambda: gone(neighbour))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "worker.py").write_text(WORKER)
    return tmp_path


def supervise(folder: Path, trials: int, workers: int, how: str = "well") -> Supervisor:
    for number in range(1, trials + 1):
        (folder / f"waiting-{number}").touch()

    def mend() -> list[TrialRecord]:
        """What a dead process was running can be claimed again; what took down three fails for good."""
        given_up = []
        with locked(folder):
            for running in folder.glob("running-*"):
                if not alive(int(running.read_text())):
                    number = int(running.name.removeprefix("running-"))
                    with (folder / "deaths").open("a+") as deaths:
                        deaths.seek(0)
                        died = 1 + deaths.read().split().count(str(number))
                        deaths.write(f"{number}\n")
                    if died >= 3:
                        running.unlink()
                        given_up.append(TrialRecord("s", number, State.FAIL, reason="its worker died"))
                    else:
                        running.rename(folder / f"waiting-{number}")
        return given_up

    def command(index: int) -> Sequence[str]:
        return [sys.executable, str(folder / "worker.py"), str(folder), str(index), how]

    slots = make_slots(workers, [], 2, StudyPaths(folder))
    return Supervisor(command, slots, View(), lambda: left(folder), mend, lambda: None)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def left(folder: Path) -> int:
    with locked(folder):
        return len(list(folder.glob("waiting-*")))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("pid-")) for path in folder.glob("pid-*")]


def when(condition: Callable[[], bool], action: Callable[[], None]) -> None:
    def wait() -> None:
        deadline = time.monotonic() + 20
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        action()

    threading.Thread(target=wait, daemon=True).start()


def test_workers_spend_the_budget_together(folder: Path) -> None:
    supervise(folder, 12, 3).run()
    assert len(list(folder.glob("done-*"))) == 12
    assert len(pids(folder)) == 3


def test_no_more_workers_than_trials(folder: Path) -> None:
    supervise(folder, 1, 4).run()
    assert len(pids(folder)) == 1


def test_dead_workers_are_replaced_and_their_trials_run_again(folder: Path) -> None:
    supervise(folder, 30, 2, "die").run()
    assert sorted(path.name for path in folder.glob("done-*")) == sorted(f"done-{n}" for n in range(1, 31))
    assert list(folder.glob("running-*")) == []
    assert len(list(folder.glob("died-*"))) == 4
    assert len(pids(folder)) == 2 + 4
    assert not any(alive(pid) for pid in pids(folder))


def test_a_worker_that_found_nothing_is_not_started_again_for_a_trial_that_another_will_run(folder: Path) -> None:
    supervise(folder, 2, 2, "late").run()
    assert len(list(folder.glob("done-*"))) == 2
    assert len(pids(folder)) == 2 + 1


def test_workers_that_cannot_start_end_the_study(folder: Path) -> None:
    supervisor = supervise(folder, 5, 1)
    supervisor.command = lambda _: [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(StudyError, match=r"3 died before any trial began\. See .*0\.log"):
        supervisor.run()
    assert (folder / "workers" / "0.log").read_text().count("no such thing") == 3


def test_a_worker_that_was_told_to_leave_is_replaced(folder: Path) -> None:
    supervise(folder, 4, 1, "leave").run()
    assert len(list(folder.glob("done-*"))) == len(pids(folder)) == 4


def test_trials_that_take_down_every_worker_end_and_are_told(folder: Path) -> None:
    supervisor, told = supervise(folder, 2, 1, "always"), []
    supervisor.ended = lambda: told.append(1)
    supervisor.run()
    assert left(folder) == 0
    assert len(told) == 2
    assert len(pids(folder)) == 6


def test_hopeless_study_whose_workers_all_die_stops(folder: Path) -> None:
    supervisor = supervise(folder, 50, 1, "always")

    def hopeless() -> None:
        raise StudyError("all failed alike")

    supervisor.ended = hopeless
    with pytest.raises(StudyError, match="all failed alike"):
        supervisor.run()
    assert len(pids(folder)) == 3


def test_used_up_space_lets_the_others_end_and_is_said(folder: Path) -> None:
    supervisor = supervise(folder, 9, 2)
    script = f"import sys; sys.stderr.write('log line\\nno configuration is left\\n'); sys.exit({SpaceUsedUp.STATUS})"
    well = supervisor.command
    supervisor.command = lambda index: [sys.executable, "-c", script] if index == 0 else well(index)
    supervisor.run()  # the other worker found something for the whole total
    assert len(list(folder.glob("done-*"))) == 9
    supervisor = supervise(folder, 9, 1)
    supervisor.command = lambda _: [sys.executable, "-c", script]
    with pytest.raises(SpaceUsedUp, match=r"^no configuration is left$"):
        supervisor.run()


def test_full_disk_ends_the_study_instead_of_starting_workers_again(folder: Path) -> None:
    supervisor = supervise(folder, 5, 2)
    supervisor.command = lambda _: [sys.executable, "-c", f"raise SystemExit({DiskFull.STATUS})"]
    with pytest.raises(DiskFull, match=r"must have room for the record, but it is full\. Free some"):
        supervisor.run()


def test_first_interrupt_lets_trials_end(folder: Path) -> None:
    when(lambda: bool(list(folder.glob("done-*"))), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        supervise(folder, 500, 2).run()
    assert list(folder.glob("running-*")) == []
    assert 0 < len(list(folder.glob("done-*"))) < 500
    assert not any(alive(pid) for pid in pids(folder))


def test_second_interrupt_drops_trials_and_leaves_nobody_behind(folder: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    when(lambda: len(list(folder.glob("running-*"))) == 2, twice)
    with pytest.raises(KeyboardInterrupt):
        supervise(folder, 4, 2, "slow").run()
    assert not any(alive(pid) for pid in pids(folder))
    assert left(folder) == 4


def test_third_interrupt_does_not_keep_the_study_from_being_mended(folder: Path) -> None:
    def thrice() -> None:
        for pause in (0.3, 0.7, 0.0):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(pause)

    when(lambda: len(list(folder.glob("running-*"))) == 2, thrice)
    with pytest.raises(KeyboardInterrupt):
        supervise(folder, 4, 2, "stubborn").run()
    assert not any(alive(pid) for pid in pids(folder))
    assert left(folder) == 4


def test_sigterm_drops_trials(folder: Path) -> None:
    when(lambda: len(list(folder.glob("running-*"))) == 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        supervise(folder, 4, 2, "slow").run()
    assert not any(alive(pid) for pid in pids(folder))
    assert left(folder) == 4


def test_hopeless_study_ends_its_workers(folder: Path) -> None:
    supervisor = supervise(folder, 50, 2)

    def hopeless() -> None:
        raise StudyError("all failed alike")

    supervisor.ended = hopeless
    with pytest.raises(StudyError, match="all failed alike"):
        supervisor.run()
    assert not any(alive(pid) for pid in pids(folder))
