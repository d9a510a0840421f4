"""Write a release: a model folder that holds nothing but what is on a list, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedtune.errors import ReleaseError, join_problems
from embedtune.machine.folders import copy_file, regular_files

CARD = "README.md"
EVIDENCE = "evidence"
CHECKSUMS = "checksums.txt"
ONNX = "onnx/model.onnx"
"""Where sentence-transformers looks for it."""

PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".py", ".pyc"})
"""Files that run code when they are loaded."""

_ALLOWED = re.compile(
    r"(\d+_\w+/)?"  # a module's own folder, e.g. 1_Pooling
    r"("
    r"config\w*\.json|modules\.json|sentence_[\w-]+_config\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.\w+|merges\.txt"
    r"|[\w.-]+\.(model|spm)"  # sentencepiece
    r"|model\.safetensors|model-\d+-of-\d+\.safetensors|model\.safetensors\.index\.json"
    r")",
    re.ASCII,
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Contents:
    """The contents of a release folder.

    Attributes:
        checkpoint: A folder as ``SentenceTransformer.save`` writes it; only model files on a list are taken from it.
        card: The text of ``README.md``.
        evidence: File name -> content, for ``evidence/``.
        onnx: The same model in ONNX, for ``onnx/model.onnx``; the checkpoint's own files of that kind are not taken.
    """

    checkpoint: Path
    card: str
    evidence: Mapping[str, str | bytes]
    onnx: Path | None = None


def export_release(
    contents: Contents, target: Path, *, overwrite: bool, verify: Callable[[Path], None] | None = None
) -> Path:
    """Copy a checkpoint into a release folder with its card, its evidence and checksums of every file.

    The folder is built beside ``target`` and renamed into place; if anything fails, what was there before stays.
    ``sha256sum -c evidence/checksums.txt`` in the folder verifies it.

    Args:
        contents: Of the folder.
        target: The release folder.
        overwrite: Replace an earlier release.
        verify: Called with the finished folder before it takes its place; what it raises leaves everything as it was.

    Returns:
        ``target``.

    Raises:
        ReleaseError: The target exists, the checkpoint holds pickles or no model, or a file cannot be written.
    """
    checkpoint, files = contents.checkpoint, _model_files(contents.checkpoint)
    _check_evidence(contents.evidence)
    if problems := target_problems(target, overwrite):
        raise ReleaseError(join_problems(problems))
    texts = {CARD: contents.card, **{f"{EVIDENCE}/{name}": text for name, text in contents.evidence.items()}}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(target) as beside:
            for name in files:
                _copy(checkpoint / name, beside / name)
            if contents.onnx is not None:
                _copy(contents.onnx, beside / ONNX)
            for name, content in texts.items():
                _write(beside / name, content.encode() if isinstance(content, str) else content)
            _write(beside / EVIDENCE / CHECKSUMS, _checksums(beside).encode())
            for folder in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
                _flush(folder)
            if verify is not None:
                verify(beside)
            _move_into_place(beside, target)
        _flush(target.parent)
    except OSError as error:
        raise ReleaseError(
            f"release must be written to {target}, but got {error}. Free space or change the folder, then try again."
        ) from error
    return target


def _model_files(checkpoint: Path) -> list[str]:
    """Names, relative and sorted, of what a release takes from a checkpoint."""
    try:
        names = regular_files(checkpoint) if checkpoint.is_dir() else []
    except OSError as error:
        raise ReleaseError(
            f"checkpoint {checkpoint} must hold regular files alone, but {error.filename or checkpoint}: "
            f"{error.strerror}. Put the file itself there, or remove it."
        ) from error
    pickles = [name for name in names if Path(name).suffix.lower() in PICKLES]
    if pickles:
        raise ReleaseError(
            f"checkpoint {checkpoint} must hold no file that runs code when loaded, but got {', '.join(pickles)}. "
            "Save the model as safetensors, without custom code."
        )
    taken = [name for name in names if _ALLOWED.fullmatch(name)]
    if "modules.json" not in taken or not any(name.endswith(".safetensors") for name in taken):
        found = ", ".join(names) or "no file"
        raise ReleaseError(
            f"checkpoint {checkpoint} must hold modules.json and safetensors weights, but got {found}. "
            "Check that the trial kept its weights."
        )
    return taken


def _check_evidence(evidence: Mapping[str, str | bytes]) -> None:
    problems = [
        f"evidence must have plain file names, no pickles and not {CHECKSUMS}, but got {name!r}. Rename it."
        for name in evidence
        if not _PLAIN_NAME.fullmatch(name) or Path(name).suffix.lower() in PICKLES or name == CHECKSUMS
    ]
    if problems:
        raise ReleaseError(join_problems(problems))


def target_problems(target: Path, overwrite: bool) -> list[str]:
    """Why a release cannot take this folder; none if it can."""
    if not os.path.lexists(target):
        return []
    if not overwrite:
        return [
            f"release {target} must not exist yet, but it does. Name another one with release.name, "
            "or replace it with release.overwrite=true."
        ]
    # Never remove a folder that this module did not write.
    if target.is_symlink() or not (target / EVIDENCE / CHECKSUMS).is_file():
        return [
            f"release {target} must be an earlier release to be replaced, but got something without "
            f"{EVIDENCE}/{CHECKSUMS}. Name another one with release.name, or move it away."
        ]
    return []


def check_room(model: Path, target: Path) -> None:
    """Find out whether a model folder can be exported, before anything is spent on it.

    Raises:
        ReleaseError: The folder cannot be written, or the disk has no room for a second copy of the model.
    """
    needed = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    nearest = next(folder for folder in target.absolute().parents if os.path.lexists(folder))
    try:
        with tempfile.TemporaryDirectory(dir=nearest, prefix=f".{target.name}."):
            free = shutil.disk_usage(nearest).free
    except OSError as error:
        raise ReleaseError(f"paths.releases must be writable, but got {target.parent} ({error}).") from error
    if free < needed:
        raise ReleaseError(
            f"paths.releases must have room for the release, but got {target.parent} with {free / 1e6:,.0f} MB free of "
            f"{needed / 1e6:,.0f} needed. Free space, or take another folder: paths.releases=PATH"
        )


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A hidden folder on the target's file system, gone afterwards unless it was moved."""
    beside = _hidden(target, "partial")
    (beside / EVIDENCE).mkdir(parents=True)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move_into_place(beside: Path, target: Path) -> None:
    if not target.exists():
        os.rename(beside, target)
        return
    aside = _hidden(target, "replaced")
    try:
        os.rename(target, aside)
        os.rename(beside, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        raise
    shutil.rmtree(aside)


def _hidden(target: Path, role: str) -> Path:
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.{role}")


def _checksums(folder: Path) -> str:
    """One line a file in the format of sha256sum, paths relative to the release."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    copy_file(source, target)
    _flush(target)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _flush(path)


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
