"""Hostile model folders, measured by ``evaluate``: each is used or refused; none runs code or writes elsewhere."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import damage
from attempt import Case, Outcome
from folders import write_task
from overrides import type_in

from embedtune.config import ModelConfig
from embedtune.models.load import load_model

CASES = 50

COMMAND = ("evaluate", "data=files", "data.path=task", "train.device=cpu")
Attack = Callable[[Path, random.Random], None]


def cases(chance: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """A folder of random weights with one to three attacks on it; a canary tells of code that ran."""
    write_task(folder / "task")
    load_model(ModelConfig(name="tiny"), "cpu").save_pretrained(str(folder / "original"), create_model_card=False)
    for number in range(count):
        seed = chance.randrange(2**32)
        first = ATTACKS[number % len(ATTACKS)]
        name = f"model {number} ({first.__name__}, seed {seed})"
        yield Case(name, lambda seed=seed, first=first: _evaluate(folder, first, random.Random(seed)))


def _evaluate(folder: Path, first: Attack, chance: random.Random) -> Outcome:
    model = damage.copy(folder / "original", folder / "hostile")
    for attack in (first, *chance.sample(ATTACKS, chance.choice((0, 0, 1, 2)))):
        attack(model, chance)
    before = _places(folder)
    outcome = type_in([*COMMAND, f"model.name={model}"], folder)
    if _places(folder) != before:
        return Outcome("code or files", True, f"{sorted(_places(folder) ^ before)}")
    return outcome


def _places(folder: Path) -> set[tuple[str, int]]:
    """What is beside the model and the workspace, where a canary appears, and how old it is."""
    beside = (path for path in folder.iterdir() if path.name not in ("hostile", "sweeps", "mlruns"))
    return {(str(path), path.lstat().st_mtime_ns) for path in (*beside, Path("/etc/passwd"))}


def damaged(model: Path, chance: random.Random) -> None:
    """One file is torn, a pipe, a link to the system, nested too deep, or the like."""
    files = sorted(
        path for path in model.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size
    )
    chance.choice(damage.KINDS)(chance.choice(files), chance)


def module_code(model: Path, chance: random.Random) -> None:
    """A module of the folder's own."""
    _modules(model, "custom.Custom", "9_Custom")
    for place in (model, model / "9_Custom"):
        place.mkdir(exist_ok=True)
        _write_canary(place / "custom.py", model.parent)


def auto_map(model: Path, chance: random.Random) -> None:
    """A configuration that names code for transformers."""
    _write_canary(model / "modeling.py", model.parent)
    values = {"model_type": "unheard", "auto_map": {"AutoConfig": "modeling.Custom", "AutoModel": "modeling.Custom"}}
    (model / "config.json").write_text(json.dumps(values), encoding="utf-8")


def system_module(model: Path, chance: random.Random) -> None:
    """A module that is a function of a library."""
    _modules(model, chance.choice(("os.system", "torch.load", "subprocess.Popen", "builtins.exec")), "touch canary")


def traversal(model: Path, chance: random.Random) -> None:
    """A module whose files are elsewhere."""
    _modules(model, "sentence_transformers.models.Pooling", chance.choice(("../../../etc", "/etc", "..", "a\0b")))


def pickled(model: Path, chance: random.Random) -> None:
    """Weights that run a command when they are unpickled."""
    (model / "model.safetensors").unlink(missing_ok=True)
    (model / "pytorch_model.bin").write_bytes(f"cos\nsystem\n(S'touch {model.parent}/canary'\ntR.".encode())


def header(model: Path, chance: random.Random) -> None:
    """Safetensors whose header says that it is larger than the file, or than any memory."""
    size = chance.choice((2**63 - 1, 2**40, 100_000_000, 1))
    (model / "model.safetensors").unlink(missing_ok=True)
    (model / "model.safetensors").write_bytes(size.to_bytes(8, "little") + b'{"a": {}}')


ATTACKS: tuple[Attack, ...] = (
    damaged,
    module_code,
    damaged,
    auto_map,
    damaged,
    system_module,
    traversal,
    pickled,
    header,
)


def _modules(model: Path, kind: str, path: str) -> None:
    file = model / "modules.json"
    if file.is_dir():
        shutil.rmtree(file)
    elif os.path.lexists(file):
        file.unlink()
    file.write_text(json.dumps([{"idx": 0, "name": "0", "path": path, "type": kind}]), encoding="utf-8")


def _write_canary(file: Path, place: Path) -> None:
    file.write_text(f"open({str(place / 'canary')!r}, 'w').close()\n", encoding="utf-8")
