"""Damage as disks, crashes, editors, newer versions and other people do it to one recorded file."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ODD = (None, True, -1, 0, 1.5, 10**400, "", "x", "\ud800", [], [1], {}, {"a": 1}, float("nan"), float("inf"), -1e308)
"""Values in the place of others."""


def truncate(path: Path, chance: random.Random) -> None:
    """A crash or a full disk."""
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size + 1)])


def empty(path: Path, chance: random.Random) -> None:
    """The name was flushed, and the content was not."""
    path.write_bytes(b"")


def scramble(path: Path, chance: random.Random) -> None:
    """Some bytes are others."""
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 10, 1_000))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(bytes(content))


def noise(path: Path, chance: random.Random) -> None:
    """Another file's content."""
    path.write_bytes(chance.randbytes(chance.choice((1, 100, 100_000))))


def odd_value(path: Path, chance: random.Random) -> None:
    """A value is of another type, missing, or there is one too many."""
    values = _parsed(path)
    places = [place for tree in values for place in _places(tree)]
    if not places:
        return noise(path, chance)
    for _ in range(chance.choice((1, 1, 3))):
        node, key = chance.choice(places)
        what = chance.choice(("other", "other", "other", "gone", "more"))
        if what == "gone" and isinstance(node, dict):
            node.pop(key, None)
        elif what == "more" and isinstance(node, dict):
            node["of_a_newer_version"] = chance.choice(ODD)
        elif isinstance(node, list) and key >= len(node):
            continue
        else:
            node[key] = chance.choice(ODD)
    _write(path, values)


def other_root(path: Path, chance: random.Random) -> None:
    """The document is no mapping."""
    _write(path, [chance.choice(ODD)])


def nest(path: Path, chance: random.Random) -> None:
    """Brackets within brackets."""
    depth = chance.choice((50, 1_000, 100_000))
    path.write_text("[" * depth + "]" * depth if chance.random() < 0.5 else '{"a":' * depth, encoding="utf-8")


def digits(path: Path, chance: random.Random) -> None:
    """A number that Python refuses to read."""
    path.write_text(f'{{"number": {"9" * 5_000}}}', encoding="utf-8")


def laughs(path: Path, chance: random.Random) -> None:
    """A billion values in ten lines of YAML."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    path.write_text("\n".join(lines), encoding="utf-8")


def folder(path: Path, chance: random.Random) -> None:
    """A folder in the place of the file."""
    path.unlink()
    path.mkdir()


def pipe(path: Path, chance: random.Random) -> None:
    """A pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def link(path: Path, chance: random.Random) -> None:
    """A link to a file of the system, to a device, to itself, or to nothing."""
    path.unlink()
    path.symlink_to(chance.choice(("/etc/passwd", "/dev/zero", path.name, "nowhere")))


def sparse(path: Path, chance: random.Random) -> None:
    """40 GB of nothing."""
    with path.open("wb") as file:
        file.truncate(40 << 30)


def gone(path: Path, chance: random.Random) -> None:
    """Nothing."""
    path.unlink()


KINDS: tuple[Callable[[Path, random.Random], None], ...] = (
    truncate, empty, scramble, noise, odd_value, odd_value, odd_value, odd_value, other_root, nest, digits, laughs,
    folder, pipe, link, sparse, gone,
)  # fmt: skip


def recorded_files(study: Path) -> list[Path]:
    """The files of a study that commands read, in order."""
    names = ("study.yaml", "test_openings.jsonl", "optuna.journal")
    trials = [*sorted((study / "trials").iterdir()), study / "baseline"]
    found = [study / name for name in names] + [file for trial in trials for file in sorted(trial.iterdir())]
    found += sorted((study / "checkpoints").rglob("*"))
    return [file for file in found if file.is_file() and not file.is_symlink()]


def copy(study: Path, target: Path) -> Path:
    """A study to damage, in the place of the one that was damaged before."""
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(study, target)


def _parsed(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if path.suffix in (".jsonl", ".journal"):
            return [json.loads(line) for line in text.splitlines()]
        return [yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)]
    except (ValueError, yaml.YAMLError):
        return []


def _places(node: Any) -> list[tuple[Any, Any]]:
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [place for key in keys for place in ((node, key), *_places(node[key]))]


def _write(path: Path, values: list[Any]) -> None:
    if path.suffix == ".yaml":
        text = yaml.safe_dump(values[0])
    elif path.suffix in (".jsonl", ".journal"):
        text = "".join(json.dumps(own) + "\n" for own in values)
    else:
        text = json.dumps(values[0])
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
