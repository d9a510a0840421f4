"""Folders copied as what they are: regular files and folders; no link of them is followed, no device is read."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from embedtune.machine.files import kind_of


def regular_files(folder: Path) -> list[str]:
    """Names, relative to the folder and sorted, of all files in it.

    Raises:
        OSError: Something in it, or it itself, is a link, a pipe, a device or a socket; the path is named.
    """
    _require(folder, folder.lstat().st_mode, stat.S_ISDIR)
    found: list[str] = []
    for place, folders, files in os.walk(folder, onerror=_fail):
        for name in folders:
            _require(path := Path(place, name), path.lstat().st_mode, stat.S_ISDIR)
        for name in files:
            _require(path := Path(place, name), path.lstat().st_mode, stat.S_ISREG)
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def linked_folders(folder: Path) -> list[Path]:
    """The folders in a folder, at any depth, that are links: what is written or deleted in them is elsewhere."""
    found: list[Path] = []
    for place, folders, _ in os.walk(folder):
        found.extend(path for name in folders if (path := Path(place, name)).is_symlink())
    return sorted(found)


def copy_folder(
    source: Path, target: Path, *, linked: bool = True, but: Callable[[str], bool] = lambda name: False
) -> Path:
    """Copy the files of a folder.

    Args:
        source: Of regular files and folders alone.
        target: Must not exist.
        linked: Whether files get a second name where the file system has hard links, instead of being copied.
        but: Whether to leave out the file of this name, relative to the folder.

    Returns:
        The target.

    Raises:
        OSError: As :func:`regular_files`, or the disk is full.
    """
    names = [name for name in regular_files(source) if not but(name)]
    target.mkdir(parents=True)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if not linked or not _link(source / name, target / name):
            copy_file(source / name, target / name)
    return target


def copy_file(source: Path, target: Path) -> None:
    """Copy a regular file.

    Raises:
        OSError: It is something else, the target exists, or there is no room for it.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(source, flags), "rb") as original:
        found = os.fstat(original.fileno())
        _require(source, found.st_mode, stat.S_ISREG)
        if found.st_size > shutil.disk_usage(target.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        with target.open("xb") as copy:
            shutil.copyfileobj(original, copy, 1 << 20)


def _link(source: Path, target: Path) -> bool:
    """Give a file a second name (hard link); whether the file system supports it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        return False
    _require(target, target.lstat().st_mode, stat.S_ISREG)  # it may have been exchanged since it was looked at
    return True


def _require(path: Path, mode: int, is_right: Callable[[int], bool]) -> None:
    if not is_right(mode):
        raise OSError(
            errno.EINVAL, f"a model must hold regular files and folders alone, but this is {kind_of(mode)}", str(path)
        )


def _fail(error: OSError) -> None:
    raise error
