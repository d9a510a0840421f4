"""A task in files: which file is which split, and what format each has, by its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from embedtune.config import DataConfig
from embedtune.data.drafts import Draft, Problem, Rows, Table
from embedtune.data.readers.beir import QRELS, is_beir, missing_from_beir, read_beir
from embedtune.data.readers.json_object import is_json_object, read_json_object
from embedtune.data.readers.rows import is_parquet, read_csv, read_json_rows, read_parquet
from embedtune.data.readers.text_file import decode, read_bytes

_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test",),
}
_ENDINGS = (".json", ".jsonl", ".csv", ".tsv", ".parquet")


def read_files(config: DataConfig) -> Draft:
    """Everything ``data.path`` and ``data.splits`` name, unchecked."""
    problems: list[Problem] = []
    given = config.path or ""
    path = Path(given).expanduser()
    if not given or not path.exists():
        message = f"data.path must be a file or a folder that exists, but got {given} ({path.absolute()}). Correct it."
        return Draft(given, problems=(Problem("data.path", message),))
    if path.is_dir() and is_beir(path):
        named = _split_files(path / QRELS, path, config.splits, (".tsv",), problems)
        return Draft(given, read_beir(path, named, problems), problems=tuple(problems))
    if path.is_file() and not config.splits:
        single = _read_single(path, config.columns, problems)
        return Draft(given, single=single, problems=tuple(problems))
    if path.is_dir() and not config.splits and (missing := missing_from_beir(path)):
        message = f"{path} must have {missing}, as BEIR folders do, but it is missing. Add it, or set data.splits."
        return Draft(given, problems=(Problem("files", message),))
    named = _named_files(path, config.splits, problems)
    tables = {split: read_table(file, config.columns, problems) for split, file in named.items()}
    splits = {split: table for split, table in tables.items() if table is not None}
    return Draft(given, splits, problems=tuple(problems))


def read_table(path: Path, columns: Mapping[str, str], problems: list[Problem]) -> Table | None:
    """One file of any format but BEIR, or None after noting why not."""
    content = read_bytes(path, problems)
    if content is None:
        return None
    file = str(path)
    if is_parquet(content):
        return read_parquet(content, file, columns, problems)
    text = decode(content, file, problems)
    if text is None:
        return None
    if is_json_object(text):
        return read_json_object(text, file, problems)
    if text.lstrip().startswith(("{", "[")):
        return read_json_rows(text, file, columns, problems)
    return read_csv(text, file, columns, problems)


def _read_single(path: Path, columns: Mapping[str, str], problems: list[Problem]) -> Rows | None:
    table = read_table(path, columns, problems)
    if table is None or isinstance(table, Rows):
        return table
    message = (
        f"data.path must be a folder with one file per split, or a file of rows, but got {path}, which is one split. "
        f"Give its folder, or say which split it is: data.splits.test={path.name}."
    )
    problems.append(Problem("data.path", message))
    return None


def _named_files(path: Path, splits: Mapping[str, str], problems: list[Problem]) -> dict[str, Path]:
    """Split -> file, in a folder or beside a file; that file is for training unless ``splits`` says otherwise."""
    if path.is_dir():
        return _split_files(path, path, splits, _ENDINGS, problems)
    named = _given_files(path.parent, splits)
    return named if path in named.values() else {"train": path, **named}


def _given_files(base: Path, splits: Mapping[str, str]) -> dict[str, Path]:
    return {split: base / Path(file).expanduser() for split, file in splits.items()}


def _split_files(
    folder: Path, base: Path, splits: Mapping[str, str], endings: tuple[str, ...], problems: list[Problem]
) -> dict[str, Path]:
    """Split -> file by the names in ``folder``; ``splits`` (relative to ``base``) wins."""
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in endings and file.is_file())
    given = _given_files(base, splits)
    named: dict[str, Path] = {}
    for split, names in _SPLIT_NAMES.items():
        found = [file for file in files if file.stem.lower() in names]
        if split in given:
            named[split] = given[split]
        elif len(found) == 1:
            named[split] = found[0]
        elif found:
            listed = " and ".join(file.name for file in found)
            message = f"{folder} must have one file for {split}, but got {listed}. Set data.splits.{split}=FILE."
            problems.append(Problem("files", message))
    if not named and not problems:
        listed = ", ".join(sorted(file.name for file in folder.glob("*"))[:10]) or "nothing"
        expected = " or ".join(f"{name}{'|'.join(endings)}" for name in _SPLIT_NAMES)
        message = f"{folder} must have a file {expected}, but got {listed}. Rename one or set data.splits.SPLIT=FILE."
        problems.append(Problem("files", message))
    return named
