"""Odd overrides, composed by the command line itself: each is used, or refused in a sentence with exit status 2."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from attempt import Case, Outcome

from embedtune.cli.main import main
from embedtune.config import Config

CASES = 2_000

GROUPS = ("model", "data", "train", "loss", "eval", "study", "paths", "sweep", "sampler", "pruner", "release",
          "hydra/launcher", "hydra/sweeper", "hydra/help")  # fmt: skip
OTHERS = ("hydra.sweeper.worker", "hydra.sweeper.params", "hydra.sweeper.sampler", "hydra.sweeper.pruner._target_",
          "hydra.sweeper.conditions", "hydra.sweeper.constraints", "hydra.sweeper.enqueue", "hydra.sweeper.warm_start",
          "hydra.mode", "hydra.run.dir", "hydra.verbose", "hydra", "loss.matryoshka", "loss.matryoshka.weights.64",
          "loss.matryoshka.weights.each", "data.columns.anchor", "data.splits.test", "data.extra.more", "x", "x.y", "",
          "train.", ".train", "train..epochs", "train.epochs.more", "schema", "defaults", "train@", "@", "train@loss",
          "nö", "_target_", "train._target_", "format._target_")  # fmt: skip
VALUES = (
    "", "null", "true", "nan", "inf", "-inf", "-1", "0", "1e400", "1" * 5_000, "-" * 5_000, "a" * 100_000,
    "[" * 3_000, "[" * 3_000 + "]" * 3_000, "{a:" * 1_000 + "1" + "}" * 1_000, "(" * 3_000, "int(" * 1_000,
    "a\0b", "\0", "\ud800", "\u202e", "\n", "\t", "\\", "a\\", "'", '"', "'a", '"a', "ü", "a,b", "a=b", "~/m", "[x]",
    "{}", "[]", "[[]]", "{a:1}", "[null]", "[1,[2,{a:b}]]", "{1:2}", "[true,1.5,x]",
    "${train}", "${nothing}", "${train.epochs}", "${", "${}", "$", "${oc.env:NOTHING}", "${oc.env:HOME}", "${..x}",
    "${oc.create:{a:1}}", "${oc.decode:'['}", "${oc.deprecated:x}", "${unknown:1}", "${hydra:job.num}", "${now:%Y}",
    "choice(1,2)", "choice()", "choice(null,16)", "choice([1],[2])", "choice({a:1})", "range(1,5)", "range(1,5,0)",
    "range(a,b)", "range(1,1e9)", "interval(0,1)", "interval(1,0)", "interval(a,b)", "int(interval(1,9))", "tag(log,1)",
    "tag(log, interval(0, 1))", "tag()", "glob(*)", "shuffle(1,2)", "sort(b,a)", "sort(1,a)", "int(x)", "float(x)",
    "bool(x)", "str(1)", "int(1e400)", "unknown(1)", "choice(1", "1..2", "???", "*", "%s%d", "{0}", "$(id)", "`id`",
    "; id", "../../x", "/dev/zero", "/dev/full", "/proc/self/mem", "file:///x", "sqlite:///", "postgresql://", "http://[",
    "os.system", "posix.system", "builtins.exec", "torch.load", "0x10", "1_000", "--", "-", "+", "~", "@", "#", "!",
)  # fmt: skip
PREFIXES = ("", "", "", "", "+", "++", "~", "-", "--", " ")
COMMANDS = ("", "", "-m", "-m", "-m", "-m", "data", "studies", "leaderboard", "report", "release", "reproduce",
            "rollback", "sync", "relocate", "evaluate")  # fmt: skip


def cases(chance: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """Overrides of one to three keys, most of them of the schema, with values that are odd for any of them."""
    keys = [*leaves(Config())]
    type_in(["model=tiny", "data=files", "data.path=nowhere"], folder)  # loads the libraries, which is not tried here
    for number in range(count):
        typed = [_override(chance, keys) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        command = chance.choice(COMMANDS)
        place = folder / str(number % 50)
        place.mkdir(exist_ok=True)
        # Composition, checks and plans are what is tried; nothing may begin to train.
        usual = ["model=tiny", "data=files", f"data.path={_rows(folder) if command == '-m' else 'nowhere'}"]
        search = ["sweep=optuna", "hydra.sweeper.warm_start=none-such"] if command == "-m" else []
        line = [*([command] if command else []), *usual, *search, *typed]
        yield Case(" ".join(line)[:2_000], lambda line=line, place=place: type_in(line, place))


def _rows(folder: Path) -> Path:
    """A file of rows that can be trained on."""
    file = folder / "rows.jsonl"
    if not file.is_file():
        rows = [{"anchor": f"question {i} of {i * 7}", "positive": f"answer {i} of {i * 11}"} for i in range(60)]
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def typed(line: list[str], folder: Path) -> tuple[int, str, str]:
    """Type a command in a folder: its exit status, and what it wrote on stdout and stderr."""
    before = os.getcwd()
    os.chdir(folder)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(line)
    finally:
        os.chdir(before)
    return status, out.getvalue(), err.getvalue()


def type_in(line: list[str], folder: Path) -> Outcome:
    """Type a command in a folder; a sentence with exit status 1 or 2, or an answer, is right."""
    try:
        status, answer, said = typed(line, folder)
    except SystemExit as stop:
        return Outcome("exit", True, f"SystemExit({stop.code})")
    if "Traceback" in said:
        return Outcome("traceback", True, said[-1_500:])
    if status not in (0, 1, 2):
        return Outcome("status", True, f"{status}: {said[-300:]}")
    if status and not said.strip() and not answer.strip():
        return Outcome("silent", True, f"exit status {status} and no word")
    return Outcome(("answered", "failed", "refused")[status])


def leaves(node: Any, prefix: str = "") -> Iterator[str]:
    """Every key of the schema that holds a value, dotted."""
    for field in fields(node):
        value = getattr(node, field.name)
        if is_dataclass(value):
            yield from leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def _override(chance: random.Random, keys: list[str]) -> str:
    key = chance.choice((chance.choice(keys), chance.choice(keys), chance.choice(OTHERS), chance.choice(GROUPS)))
    value = chance.choice(VALUES)
    if chance.random() < 0.1:
        value += chance.choice(VALUES)
    prefix = chance.choice(PREFIXES)
    return f"{prefix}{key}" if chance.random() < 0.03 else f"{prefix}{key}={value}"
