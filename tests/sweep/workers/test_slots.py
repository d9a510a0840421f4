from __future__ import annotations

from pathlib import Path

import pytest

from embedtune.paths import StudyPaths
from embedtune.sweep.workers.slots import DEVICES, THREADS, make_slots, visible_devices, worker_count


@pytest.mark.parametrize(
    ("workers", "devices", "expected"), [("auto", ["0", "1"], 2), ("auto", [], 1), (0, [], 0), (3, ["0"], 3)]
)
def test_worker_count(workers: int | str, devices: list[str], expected: int) -> None:
    assert worker_count(workers, devices) == expected


def test_make_slots_shares_devices_and_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    slots = make_slots(3, ["4", "7"], 8, StudyPaths(tmp_path))
    assert [slot.environment for slot in slots] == [
        {THREADS: "2", DEVICES: "4"},
        {THREADS: "2", DEVICES: "7"},
        {THREADS: "2", DEVICES: "4"},
    ]
    assert len({slot.log for slot in slots}) == 3


def test_make_slots_leaves_threads_that_the_user_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "5")
    assert make_slots(2, [], 1, StudyPaths(tmp_path))[0].environment == {}


def test_visible_devices_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICES, "2,GPU-abc")
    assert visible_devices() == ["2", "GPU-abc"]
    monkeypatch.setenv(DEVICES, "-1")
    assert visible_devices() == []
