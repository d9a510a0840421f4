"""What leaves the process on stdout and stderr, whoever writes it."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from omegaconf import OmegaConf

from embedtune.cli.output import redacted_streams
from embedtune.cli.overrides import hand_over, referring
from embedtune.config import redaction
from embedtune.config.redaction import PASSED_ON, remember_secrets

WORKSPACE = Path(__file__).parents[1] / "fixtures" / "old_study" / "workspace"
ADDRESS = "postgresql://anna:ge%23heim-1@db/x"


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    remember_secrets([ADDRESS])
    yield
    redaction._known.clear()
    redaction._pattern.clear()


def test_a_handler_of_a_library_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    with redacted_streams():
        handler = logging.StreamHandler()  # as optuna and mlflow install theirs
        handler.emit(logging.LogRecord("x", logging.ERROR, __file__, 1, f"no {ADDRESS}, http://u:other@h", (), None))
        sys.stderr.writelines(["password ge#heim-1\n"])
        sys.stdout.write(f"at {ADDRESS} with ge#heim-1; http://site/@anna\n")
    out, err = capsys.readouterr()
    assert err == "no postgresql://***@db/x, http://***@h\npassword ***\n"
    assert out == "at postgresql://***@db/x with ***; http://site/@anna\n"
    sys.stdout.write(ADDRESS)
    assert capsys.readouterr().out == ADDRESS


def test_a_configuration_for_launchers_names_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PASSED_ON}1", "unset")  # so that it is removed afterwards
    typed = f"study.storage='{ADDRESS}'"
    (word,), environment = hand_over([typed])
    assert environment == {f"{PASSED_ON}0": ADDRESS}
    monkeypatch.setenv(f"{PASSED_ON}0", ADDRESS)
    composed = {
        "study": {"storage": ADDRESS, "name": "s"},
        "tracking": {"uri": "https://bob:in-a-file@host"},
        "hydra": {"overrides": {"task": [typed, "study.name=s"]}, "params": {"train.lr": "choice(1,2)"}},
    }
    master = OmegaConf.create(composed)
    OmegaConf.set_readonly(master.hydra, True)
    found = referring(master, environment)
    assert not any(secret in cloudpickle.dumps((found, word)) for secret in (b"heim-1", b"in-a-file"))
    assert OmegaConf.to_container(found, resolve=True) == composed
    assert OmegaConf.to_container(master) == composed


def test_what_a_stranger_recorded_does_not_control_the_terminal(typed: Callable[..., Any], workdir: Path) -> None:
    shutil.copytree(WORKSPACE, workdir, dirs_exist_ok=True)
    study = sorted(path.parent.name for path in Path("sweeps").glob("*/study.yaml"))[0]
    evil = "\x1b]0;typed\x07\x9b2J\rhidden\u202e"
    for result in Path("sweeps", study, "trials").glob("*/result.json"):
        record = json.loads(result.read_text(encoding="utf-8"))
        record["params"] = {name: evil for name in record["params"]}
        result.write_text(json.dumps(record), encoding="utf-8")
    for form in ("format=table", "format=json"):
        answer = typed("leaderboard", f"study.name={study}", form)
        assert "typed" in answer.out
        assert not set("\x07\r\x9b\u202e") & {*answer.out, *answer.err}
        assert "\x1b]" not in answer.out + answer.err
    answer = typed("leaderboard", f"study.name='{evil}'")
    assert (answer.status, "\x1b]" in answer.err) == (2, False)
