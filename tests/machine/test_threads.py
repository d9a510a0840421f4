from __future__ import annotations

import os

import pytest

from embedtune.cli.main import main
from embedtune.machine.threads import SPIN, usable_cores, waiting


def test_threads_of_few_cores_wait_without_spinning_long() -> None:
    assert waiting(1) == waiting(2) == waiting(4) == {SPIN: "1000"}


def test_many_cores_are_left_as_they_are() -> None:
    assert waiting(5) == waiting(128) == {}


def test_the_command_sets_it_before_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SPIN, "")  # so that it is put back
    monkeypatch.delenv(SPIN)
    monkeypatch.setattr("embedtune.cli.main.usable_cores", lambda: 2)
    assert main(["no-such-command"]) == 2
    assert os.environ[SPIN] == "1000"


def test_a_value_of_the_user_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SPIN, "7")
    assert main(["no-such-command"]) == 2
    assert os.environ[SPIN] == "7"


def test_there_is_a_core_to_use() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
