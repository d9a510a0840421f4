"""What a model folder of somebody else must not hold, found out before a library opens any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from embedtune.errors import ModelError
from embedtune.machine.files import kind_of

_TEXTS, _LARGEST = (".json", ".txt", ".jinja", ".md"), 256 << 20
"""Files that a loader reads whole, and the bytes they may have: the largest tokenizers have some 40 million."""


def refuse_odd_files(folder: Path, name: str) -> None:
    """Check that a folder holds only regular files; links to them are allowed, as the hub's cache consists of them.

    Args:
        folder: Of the model.
        name: As it was typed, for messages.

    Raises:
        ModelError: Something in it is a pipe, a device or a socket, or a link to one; or a folder in it is a link,
            whose files no check would see; or a text is larger than any.
    """
    for path in _entries(folder):
        mode = (path.lstat() if path.is_dir() else path.stat()).st_mode
        place = path.relative_to(folder).as_posix()
        if (path.is_symlink() and path.is_dir()) or not (path.is_dir() or path.is_file()):
            raise ModelError(
                f"model.name must be a folder of files, but got {name}, whose {place} is {kind_of(mode)}. Remove it."
            )
        if path.suffix in _TEXTS and path.is_file() and path.stat().st_size > _LARGEST:
            raise ModelError(
                f"model.name must have texts of at most {_LARGEST >> 20} MiB, but got {name}, whose {place} has "
                f"{path.stat().st_size >> 20:,}. Remove it."
            )


def refuse_pickles(folder: Path, name: str) -> None:
    """Check that no module's weights exist only as a pickle: reading them could run code.

    Raises:
        ModelError: Those of a module are.
    """
    for weights in sorted([*folder.rglob("pytorch_model.bin"), *folder.rglob("adapter_model.bin")]):
        if not list(weights.parent.glob("*.safetensors")):
            raise ModelError(
                f"model.name must be a model that loads from safetensors, but got {name}, whose "
                f"{weights.relative_to(folder).as_posix()} is pickled and could run code. "
                "Save the model again with a current sentence-transformers."
            )


def _entries(folder: Path) -> Iterator[Path]:
    """Everything in a folder, but links to nothing: the loader tells about a file that is not there."""
    for place, folders, files in os.walk(folder):
        yield from (path for name in (*folders, *files) if (path := Path(place, name)).exists())
