"""Secrets in addresses and in the environment, looked for in all that commands print, write, store and pass on.

Addresses are of a real PostgreSQL on 127.0.0.1:5432 that lets the user ``postgres`` in with any password.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as percent

import psycopg
from attempt import Case, Outcome
from folders import write_task
from overrides import typed

from embedtune.config.grammar import quote

CASES = 30

ODD = ("/", "#", "?", "@", ":", "%", " ", "ü", "&=", "/#?@:% ü'\"\\")
"""Letters amid a secret that addresses, shells and JSON take for something else."""
PLACES = ("study.storage", "tracking.uri", "environment")
DATABASES = {"study.storage": "hostile_storage", "tracking.uri": "hostile_tracking"}
SERVER = "{}://postgres:{}@127.0.0.1:5432/{}"
DRIVERS = {"study.storage": "postgresql+psycopg", "tracking.uri": "postgresql"}
ADMIN = "host=127.0.0.1 user=postgres dbname={}"
PAUSE = 0.02
"""Seconds between two looks at the arguments of all processes."""

TINY = ("model=tiny", "data=files", "data.path=../task", "train.device=cpu", "train.precision=fp32",
        "train.epochs=1")  # fmt: skip
SWEEP = ("-m", "sweep=random", *TINY, "train.learning_rate=interval(1e-5,1e-3)", "hydra.sweeper.params=null",
         "study.n_trials=2")  # fmt: skip


@dataclass(frozen=True)
class Secret:
    """A secret of which neither half may be seen, whatever encodes the letters between them.

    Attributes:
        number: Of the case.
        odd: Letters between the halves.
    """

    number: int
    odd: str

    @property
    def halves(self) -> tuple[str, str]:
        """Letters and digits, which no encoding changes."""
        return f"Qz{self.number:03}Xk", f"Wv{self.number:03}Yj"

    @property
    def text(self) -> str:
        """The secret."""
        return self.odd.join(self.halves)

    def seen_in(self, content: str | bytes) -> bool:
        """Whether a half of it is there."""
        whole = content.encode(errors="replace") if isinstance(content, str) else content
        return any(half.encode() in whole for half in self.halves)


def cases(chance: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """Each secret as it is, or percent-encoded, in one of the places, under every command that could show it."""
    write_task(folder / "task")
    with contextlib.ExitStack() as databases:
        for name in DATABASES.values():
            databases.enter_context(_database(name))
        for number in range(count):
            secret = Secret(number, ODD[number % len(ODD)])
            place = PLACES[(number + number // len(ODD)) % len(PLACES)]
            # As it is, an odd secret makes most addresses wrong: then the message is what is looked at.
            encoded = chance.random() < 0.6
            name = f"{secret.text!r} in {place}{', encoded' if encoded else ''}"
            yield Case(name, lambda own=secret, place=place, encoded=encoded: _look(folder, own, place, encoded))


def _look(folder: Path, secret: Secret, place: str, encoded: bool) -> Outcome:
    shutil.rmtree(work := folder / "work", ignore_errors=True)
    work.mkdir()
    written = percent(secret.text, safe="") if encoded else secret.text
    words, variables = _given(place, written, secret.text)
    study = f"study.name=s{secret.number}"
    # Once in each place workers of their own, with their arguments, their environment and their logs.
    sweep = (*SWEEP, study, f"study.workers={0 if secret.number % len(ODD) else 2}", "--debug")
    done = 0
    with _environment(variables), _watched(secret) as seen:
        for command in (sweep, *_commands(study, secret.number)):
            status, out, err = typed([*command, *words], work)
            if secret.seen_in(out) or secret.seen_in(err):
                line = next(line for line in (out + err).splitlines() if secret.seen_in(line))
                return Outcome("shown", True, f"{' '.join(command)}: {line[:400]}")
            done += status == 0
    if seen:
        return Outcome("arguments", True, seen[0][:400])
    leaks = [str(path.relative_to(work)) for path in _files(work) if secret.seen_in(path.read_bytes())]
    leaks += [f"{name}: {row[:300]}" for name in DATABASES.values() for row in _rows(name) if secret.seen_in(row)]
    if leaks:
        return Outcome("left behind", True, "; ".join(leaks[:5]))
    return Outcome("kept, all done" if done > len(_commands(study, 0)) - 2 else "kept, some refused")


def _commands(study: str, number: int) -> Sequence[tuple[str, ...]]:
    trial = f"run=sweeps/s{number}/trials/0000"
    return (
        ("leaderboard", study), ("leaderboard", study, "format=json"), ("report", study), ("studies",), ("sync",),
        ("release", study, "release.gate=false"), ("evaluate", trial), ("doctor",),
        ("reproduce", trial, "--debug"), (*TINY, f"study.name=one{number}"), ("relocate",),
        ("leaderboard", "study.name=nowhere", "--debug"),
    )  # fmt: skip


def _given(place: str, written: str, text: str) -> tuple[list[str], dict[str, str]]:
    """Overrides, and variables of the environment."""
    if place in DATABASES:
        return [f"{place}={quote(SERVER.format(DRIVERS[place], written, DATABASES[place]))}"], {}
    variables = {"HF_TOKEN": text, "MLFLOW_TRACKING_PASSWORD": text, "MLFLOW_TRACKING_USERNAME": "anna"}
    variables["STORAGE"] = SERVER.format(DRIVERS["study.storage"], written, DATABASES["study.storage"])
    return ["study.storage=${oc.env:STORAGE}", "tracking.uri=http://127.0.0.1:9"], variables


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _watched(secret: Secret) -> Iterator[list[str]]:
    """Arguments of processes in which the secret was seen meanwhile."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(PAUSE):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    if secret.seen_in(line := file.read_bytes()):
                        seen.append(line.replace(b"\0", b" ").decode(errors="replace"))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def _database(name: str) -> Iterator[None]:
    with psycopg.connect(ADMIN.format("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _rows(name: str) -> Iterator[str]:
    """Every row of a database as text, with the name of its table."""
    with psycopg.connect(ADMIN.format(name)) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for (row,) in database.execute(f'SELECT own::text FROM "{table}" AS own'):
                yield f"{table}{row}"


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
