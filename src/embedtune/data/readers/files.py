"""A task in files: which file is which split, and what format each has, by its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from embedtune.config import DataConfig
from embedtune.data.drafts import Draft, Notes, Rows, Table, listed
from embedtune.data.readers.beir import (
    QREL_ENDINGS,
    is_beir,
    missing_from_beir,
    qrels_folder,
    read_beir,
    split_of,
)
from embedtune.data.readers.boundary import boundary
from embedtune.data.readers.dataset import is_saved, read_saved
from embedtune.data.readers.delimited import read_delimited
from embedtune.data.readers.json_object import is_json_object, read_json_object
from embedtune.data.readers.json_rows import read_json_rows
from embedtune.data.readers.json_values import is_json, json_values
from embedtune.data.readers.parquet import read_parquet
from embedtune.data.readers.regular_file import decode, inner_name, is_parquet, read_bytes
from embedtune.data.readers.shards import is_shard, joined, stem_of, whole
from embedtune.data.readers.squad import is_squad, read_squad
from embedtune.data.readers.synthetic import read_synthetic

_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test",),
}
_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def read_files(config: DataConfig) -> Draft:
    """Everything ``data.path`` and ``data.splits`` name, unchecked."""
    notes, draft = Notes(), Draft(config.path or "")
    with boundary(f"data.path={config.path}", notes):
        draft = _read(config, notes)
    return draft.noted(notes)


def _read(config: DataConfig, notes: Notes) -> Draft:
    given = config.path or ""
    path = Path(given).expanduser()
    if not given or not path.exists():
        message = f"data.path must be a file or a folder that exists, but got {given} ({path.absolute()}). Correct it."
        notes.refuse("data.path", message)
        return Draft(given)
    if path.is_dir() and is_saved(path):
        return read_saved(path, config, notes)
    if path.is_dir() and is_beir(path):
        return _beir(path, config, notes)
    if not path.is_dir() and not config.splits:
        return Draft(given, single=_read_single(path, config.columns, notes))
    if path.is_dir() and not config.splits and (missing := missing_from_beir(path)):
        message = f"{path} must have {missing}, as BEIR folders do, but it is missing. Add it, or set data.splits."
        notes.refuse("files", message)
        return Draft(given)
    named = _named_files(path, config, notes)
    tables = {split: _table(file, config.columns, notes) for split, file in named.items()}
    return Draft(given, {split: table for split, table in tables.items() if table is not None})


def _table(path: Path, columns: Mapping[str, str], notes: Notes) -> Table | None:
    """One file, or all the shards beside one of them."""
    if not is_shard(path.name):
        return read_table(path, columns, notes)
    files = whole((file for file in path.parent.glob("*") if stem_of(file.name) == stem_of(path.name)), notes)
    parts = [table for file in files if isinstance(table := read_table(file, columns, notes), Rows)]
    if not files or len(parts) < len(files):
        return None
    return joined(parts, str(path.parent / f"{stem_of(path.name)}-*-of-{len(files):05d}"), notes)


def _beir(path: Path, config: DataConfig, notes: Notes) -> Draft:
    """A BEIR folder, and splits of other files: a ``.tsv`` judges queries of the folder, all else has its own.

    Where a validation split is real, a synthetic test split is left out: nothing synthetic judges it.
    """
    judged = qrels_folder(path)
    pattern = "*" if judged != path else "qrels*"
    named = _split_files(judged, path, config, Names(QREL_ENDINGS, pattern, split_of), notes)
    given = {split for split, file in named.items() if split in config.splits and file.parent != judged}
    own = {split: file for split, file in named.items() if split not in given or _is_table(file)}
    others = {split: read_table(file, config.columns, notes) for split, file in named.items() if split not in own}
    synthetic = read_synthetic(path, tuple(own), notes)
    if synthetic is not None and "validation" in others and "test" in own:
        del own["test"]
        synthetic = replace(synthetic, splits=tuple(own)) if own else None
        notes.warnings.append(
            f"{path}: the synthetic test split is left out, because the validation split is another file's. "
            "data.splits.test=FILE with real queries judges a release."
        )
    tables = {**read_beir(path, own, notes), **{split: table for split, table in others.items() if table is not None}}
    return Draft(config.path or "", {split: tables[split] for split in named if split in tables}, synthetic=synthetic)


def _is_table(file: Path) -> bool:
    """Whether a file that was named holds judgements and no texts."""
    return PurePath(inner_name(file.name)).suffix.lower() in (".tsv", ".txt")


def read_table(path: Path, columns: Mapping[str, str], notes: Notes) -> Table | None:
    """One file of any format but BEIR, or None after noting why not."""
    with boundary(str(path), notes):
        return _parse(read_bytes(path), str(path), columns, notes)
    return None


def _parse(content: bytearray, file: str, columns: Mapping[str, str], notes: Notes) -> Table | None:
    if is_parquet(content):
        return read_parquet(content, file, columns, notes)
    text = decode(content, file)
    if not is_json(text):
        return read_delimited(text, file, columns, notes)
    before = len(notes.problems)
    values = list(json_values(text, file, notes))
    torn = len(notes.problems)
    if len(values) == 1 and is_squad(values[0][1]):
        return read_squad(values[0][1], file, notes)
    if len(values) == 1 and is_json_object(values[0][1]):
        return read_json_object(values[0][1], file, notes)
    rows = read_json_rows(values, file, columns, notes)
    if torn > before and (rows is None or not values):
        del notes.problems[torn:]  # which columns it lacks is not known while it is torn
        return None
    return rows


def _read_single(path: Path, columns: Mapping[str, str], notes: Notes) -> Rows | None:
    table = read_table(path, columns, notes)
    if table is None or isinstance(table, Rows):
        return table
    message = (
        f"data.path must be a folder with one file per split, or a file of rows, but got {path}, which is one split. "
        f"Give its folder, or say which split it is: data.splits.test={path.name}."
    )
    notes.refuse("data.path", message)
    return None


def _named_files(path: Path, config: DataConfig, notes: Notes) -> dict[str, Path]:
    """Split -> file, in a folder or beside a file; that file is for training unless ``splits`` says otherwise."""
    if path.is_dir():
        return _split_files(path, path, config, Names(_ENDINGS), notes)
    named = _given_files(path.parent, config.splits)
    return named if path in named.values() else {"train": path, **named}


def _given_files(base: Path, splits: Mapping[str, str]) -> dict[str, Path]:
    return {split: base / Path(file).expanduser() for split, file in splits.items()}


@dataclass(frozen=True)
class Names:
    """How the files of splits are named.

    Attributes:
        endings: Of their names, without what says that they are compressed.
        pattern: Of their names.
        split_of: The name of a split by that of its file.
    """

    endings: tuple[str, ...]
    pattern: str = "*"
    split_of: Callable[[str], str] = stem_of


def _split_files(folder: Path, base: Path, config: DataConfig, names: Names, notes: Notes) -> dict[str, Path]:
    """Split -> file by the names in ``folder``; ``data.splits`` (relative to ``base``) wins."""
    endings = names.endings
    files = sorted(
        file for file in folder.glob(names.pattern) if PurePath(inner_name(file.name)).suffix.lower() in endings
    )
    given = _given_files(base, config.splits)
    before = len(notes.problems)
    named: dict[str, Path] = {}
    for split, usual in _SPLIT_NAMES.items():
        found = [file for file in files if names.split_of(file.name).lower() in usual]
        found = found[:1] if all(is_shard(file.name) for file in found) else found
        if split in given:
            named[split] = given[split]
        elif len(found) == 1:
            named[split] = found[0]
        elif found:
            shown = " and ".join(file.name for file in found)
            message = f"{folder} must have one file for {split}, but got {shown}. Set data.splits.{split}=FILE."
            notes.refuse("files", message)
    if not named and len(notes.problems) == before:
        shown = ", ".join(sorted(file.name for file in folder.glob("*"))[:10]) or "nothing"
        expected = " or ".join(f"{name}{'|'.join(endings)}" for name in _SPLIT_NAMES)
        message = f"{folder} must have a file {expected}, but got {shown}. Rename one or set data.splits.SPLIT=FILE."
        notes.refuse("files", message)
    read = {file.resolve() for file in (*named.values(), *(Path(own).expanduser() for own in config.extra.values()))}
    sharded = {(file.parent, stem_of(file.name)) for file in named.values() if is_shard(file.name)}
    unread = [
        file.name
        for file in files
        if file.resolve() not in read and not (is_shard(file.name) and (file.parent, stem_of(file.name)) in sharded)
    ]
    if unread and named:
        notes.warnings.append(
            f"{folder} has files that are not read: {listed(unread)}. data.splits.SPLIT=FILE makes one a split."
        )
    return named
