from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError

from embedtune.errors import StudyError
from embedtune.machine.locks import file_lock
from embedtune.paths import StudyPaths
from embedtune.study.opening import load_study, open_study
from embedtune.study.storage import Journal, open_locks, persistently, reporting_lost

SPAWN = multiprocessing.get_context("fork")


def entry(number: int, size: int = 10) -> dict[str, object]:
    return {"op_code": 8, "number": number, "text": "x" * size}


def append(path: Path, numbers: list[int]) -> None:
    journal = Journal(path)
    for number in numbers:
        journal.append_logs([entry(number)])  # type: ignore[list-item]


def hold(path: Path, taken: Path) -> None:
    with file_lock(path):
        taken.touch()
        time.sleep(60)


def test_journal_takes_entries_of_several_processes_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    numbers = [list(range(i * 100, i * 100 + 50)) for i in range(3)]
    writers = [SPAWN.Process(target=append, args=(path, part)) for part in numbers]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert sorted(e["number"] for e in Journal(path).read_logs(0)) == sorted(
        number for part in numbers for number in part
    )


def test_a_journal_that_is_read_only_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j"
    append(path, [1])
    os.utime(path, (1, 1))
    assert [log["number"] for log in Journal(path).read_logs(0)] == [1]
    assert path.stat().st_mtime == 1


def test_an_entry_that_was_given_once_is_given_again_to_who_asks(tmp_path: Path) -> None:
    append(tmp_path / "j", [1, 2, 3])
    journal = Journal(tmp_path / "j")
    assert next(iter(journal.read_logs(0)))["number"] == 1  # and the reader was interrupted
    assert [log["number"] for log in journal.read_logs(1)] == [2, 3]
    assert [log["number"] for log in journal.read_logs(0)] == [1, 2, 3]


def test_a_damaged_line_of_a_journal_is_named(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    open_study(study)
    lines = study.storage.read_bytes()
    study.storage.write_bytes(lines + b"\0\0\n" + lines)
    number = lines.count(b"\n") + 1
    with pytest.raises(StudyError, match=rf"optuna\.journal must be the journal of a study, but line {number} is dam"):
        open_study(study)


@pytest.mark.parametrize("torn", [b'{"op_code":8,"num', b"\0\0\0\0", b"{"])
def test_journal_cuts_off_a_torn_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "j"
    append(path, [1, 2])
    reader = Journal(path)
    assert [e["number"] for e in reader.read_logs(0)] == [1, 2]
    with path.open("ab") as file:
        file.write(torn)
    assert list(reader.read_logs(2)) == []
    append(path, [3])
    assert [e["number"] for e in reader.read_logs(2)] == [3]
    assert [e["number"] for e in Journal(path).read_logs(0)] == [1, 2, 3]


def test_journal_that_holds_only_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"op')
    append(path, [1])
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1]


def test_journal_on_a_full_disk_stays_readable(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "j"
    append(path, [1])
    before = path.read_bytes()

    def fill() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG, as it does with ENOSPC
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, len(before) + 20))
        try:
            Journal(path).append_logs([entry(2, 50_000)])  # type: ignore[list-item]
        except OSError:
            os._exit(7)

    writer = SPAWN.Process(target=fill)
    writer.start()
    writer.join(30)
    assert writer.exitcode == 7
    assert path.read_bytes() == before


def test_journal_on_a_disk_that_fills_up_within_an_entry_stays_readable(tmp_path: Path) -> None:
    """What did not fit is not written later, when the file is closed and some room is free again."""
    import resource

    path = tmp_path / "j"
    append(path, [1])
    before = path.read_bytes()

    def fill() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 600, len(before) + 600))
        try:
            Journal(path).append_logs([entry(2, 900)])  # type: ignore[list-item]
        except OSError:
            return
        raise AssertionError("it fitted")

    writer = SPAWN.Process(target=fill)
    writer.start()
    writer.join(30)
    assert writer.exitcode == 0
    assert path.read_bytes() == before
    append(path, [3])
    assert [e["number"] for e in Journal(path).read_logs(0)] == [1, 3]


class Away(OperationalError):
    def __init__(self) -> None:
        super().__init__("SELECT 1", {}, Exception("server closed the connection"))


def test_persistently_asks_again_until_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    answers = iter([Away(), StorageInternalError("x"), "found"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, StorageInternalError):
            raise answer from Away()
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert persistently(ask) == "found"


def test_persistently_gives_up_in_our_words() -> None:
    def away() -> None:
        raise Away

    with pytest.raises(StudyError, match=r"study\.storage must be reachable, but its database went away \(Away\)"):
        persistently(away, patience=0.1)
    with pytest.raises(StudyError, match="goes on where it stopped"), reporting_lost():
        away()


@pytest.mark.parametrize(
    "error", [ValueError("x"), StorageInternalError("too long"), IntegrityError("s", {}, Exception())]
)
def test_what_is_no_outage_is_raised_at_once(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        persistently(fail)


def test_file_lock_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    lock, taken = tmp_path / "l", tmp_path / "taken"
    holder = SPAWN.Process(target=hold, args=(lock, taken))
    holder.start()
    while not taken.exists():
        time.sleep(0.01)
    holder.kill()
    with file_lock(lock):
        assert lock.exists()
    holder.join(10)


def test_sqlite_locks_are_beside_the_database_wherever_the_study_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db/all.sqlite"
    (tmp_path / "db").mkdir()
    for folder in ("a", "b"):
        with open_locks(url, tmp_path / folder, "s")("claim"):
            pass
    assert [path.name for path in (tmp_path / "db").iterdir()] == ["all.sqlite.s.claim.lock"]


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a symbolic link": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_journal_is_a_regular_file_or_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    study.root.mkdir()
    ODD[kind](study.storage)
    for opened in (lambda: Journal(study.storage), lambda: open_study(study), lambda: load_study(study)):
        with pytest.raises(StudyError, match=rf"optuna\.journal must be the journal of a study, but it is {kind}\."):
            opened()


@pytest.mark.parametrize("kind", ODD)
def test_a_lock_is_a_regular_file_or_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    ODD[kind](tmp_path / "claim.lock")
    with pytest.raises(OSError, match=f"it is {kind}|Is a directory"), file_lock(tmp_path / "claim.lock"):
        pass


def test_a_journal_of_one_endless_line_is_read_within_bounds(tmp_path: Path) -> None:
    with (tmp_path / "j").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(StudyError, match="line 1 has 67,108,864 bytes or more"):
        list(Journal(tmp_path / "j").read_logs(0))


@pytest.mark.parametrize("line", ["[" * 100_000, '{"a": ' * 100_000, "\0", "9" * 5_000])
def test_a_line_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "j").write_text(line + "\n")
    with pytest.raises(StudyError, match="line 1 is damaged"):
        list(Journal(tmp_path / "j").read_logs(0))
