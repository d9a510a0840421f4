"""Start a server, wait until it answers, end it: for the pictures of the documentation and for the tests."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 120.0
"""Seconds for a server to begin or to end; a loaded machine is slow."""


@contextmanager
def serving(command: Sequence[str], health: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block runs; it is up when the address ``health`` answers.

    Args:
        command: Starts it.
        health: Asked until it answers.
        options: Of ``subprocess.Popen``; both outputs are thrown away unless said otherwise.

    Raises:
        RuntimeError: It ended, or did not answer in time.
    """
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **(quiet | options)) as server:
        try:
            _wait_for(health, server)
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=PATIENCE)


def serving_ui(folder: Path, port: int, *overrides: str, **options: Any) -> AbstractContextManager[Any]:
    """``embedtune ui`` in a working directory."""
    command = [sys.executable, "-m", "embedtune", "ui", f"tracking.port={port}", *overrides]
    return serving(command, f"http://127.0.0.1:{port}/health", cwd=folder, **options)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server answers this address without an error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers(url):
        if server.poll() is not None:
            raise RuntimeError(f"{server.args!r} ended with status {server.returncode} before it answered.")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{url} did not answer within {PATIENCE:.0f} seconds.")
        time.sleep(0.1)
