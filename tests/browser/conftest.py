"""A small real study, the UI on its store, and a browser to look at it with.

The browser is Debian's chromium, driven by its chromedriver over the W3C WebDriver protocol: no library is needed.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from serving import free_port, serving, serving_ui

from embedtune.cli.main import main
from embedtune.records import RetrievalSet

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=2400,1200",
)
PATIENCE = 60.0
"""Seconds for a page to show what is expected; a loaded machine is slow."""


@dataclass(frozen=True)
class Swept:
    """A study that was run, and where the UI shows it.

    Attributes:
        folder: The working directory.
        address: The deep link that the sweep printed.
        board: ``leaderboard format=json``.
    """

    folder: Path
    address: str
    board: dict[str, Any]


class WebDriverError(AssertionError):
    """The browser could not do what it was told."""


@dataclass(frozen=True)
class Browser:
    """A tab of a browser that came for the first time."""

    session: str

    def open(self, url: str) -> None:
        call(f"{self.session}/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """The value that JavaScript returns on the page."""
        return call(f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str, *arguments: object) -> Any:
        """The first value of the script that is not empty."""
        return self._until(lambda: self.run(script, *arguments), script)

    def click(self, selector: str, text: str) -> None:
        """Click with the mouse on the innermost element that has this text, once there is one."""
        find = "return [...document.querySelectorAll(arguments[0])].findLast(e => e.innerText.trim() == arguments[1])"

        def click() -> bool:
            element = self.run(find, selector, text)
            if element:
                call(f"{self.session}/element/{next(iter(element.values()))}/click")
            return bool(element)

        self._until(click, f"{selector} with {text}")

    def _until(self, action: Callable[[], Any], what: str) -> Any:
        """What the action returns once that is not empty; a page that is still being drawn may refuse at first."""
        deadline, refused = time.monotonic() + PATIENCE, ""
        while time.monotonic() < deadline:
            try:
                if value := action():
                    return value
            except WebDriverError as error:
                refused = str(error)
            time.sleep(0.2)
        pytest.fail(f"waited for: {what} {refused}\nThe page:\n{self.run('return document.body.innerText')}")


def call(url: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
    """One command of the WebDriver protocol."""
    data = json.dumps(body or {}).encode() if method == "POST" else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        raise WebDriverError(f"{method} {url}: {json.load(error)['value']['message']}") from None


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    root = f"http://127.0.0.1:{free_port()}"
    profile = tmp_path_factory.mktemp("profile")
    options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
    capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
    with serving([CHROMEDRIVER, f"--port={root.rpartition(':')[2]}"], f"{root}/status"):
        session = f"{root}/session/{call(f'{root}/session', {'capabilities': capabilities})['sessionId']}"
        try:
            yield Browser(session)
        finally:
            call(session, method="DELETE")


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory, small_set: RetrievalSet) -> Iterator[Swept]:
    """Three real trials of a tiny model, typed as a user types them, and the UI that the printed address is for."""
    folder = tmp_path_factory.mktemp("wörk dir")
    task, port = write_task(folder / "task", small_set), free_port()
    # A high rate and a small dimension, so that no two trials are equally good.
    small = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=2", "train.learning_rate=1e-2")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        out = typed(
            "-m",
            "sweep=optuna",
            "data=files",
            f"data.path={task}",
            *small,
            "eval.dim=16",
            "study.n_trials=3",
            f"tracking.port={port}",
        )
        board = json.loads(typed("leaderboard", "format=json"))
    (address,) = re.findall(r"http://127\.0\.0\.1:\d+/#\S+", out)
    with serving_ui(folder, port):
        yield Swept(folder, address, board)


def write_task(folder: Path, small_set: RetrievalSet) -> Path:
    """The small corpus as one-object JSON, the same queries reworded for each split."""
    folder.mkdir()
    for split, prefix in (("training", ""), ("val", "tell me ")):
        document = {
            "questions": {key: prefix + text for key, text in small_set.queries.items()},
            "relevant_contexts": {key: sorted(ids) for key, ids in small_set.relevant.items()},
            "corpus": {key: f"{split}: {text}" for key, text in small_set.corpus.items()},
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return folder


def typed(*arguments: str) -> str:
    """What a command prints on stdout."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0, arguments
    return out.getvalue()
