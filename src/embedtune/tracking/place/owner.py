"""Whose the records and the files of a store are: the workspace and its id, which tells a copy from the original."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from embedtune.errors import TrackingError
from embedtune.machine.files import read_regular
from embedtune.machine.locks import file_lock
from embedtune.paths import Workspace, write_json

WORKSPACE = "embedtune.workspace"
"""Tag of a run and of a checkpoint's model: the id of the workspace that made it."""

_LARGEST = 1 << 20
"""Bytes of ``sweeps/.workspace.json``."""


@dataclass(frozen=True)
class Identity:
    """``sweeps/.workspace.json``.

    Attributes:
        id: 32 hexadecimal digits.
        place: The folder it was last used at.
        copied_from: Ids of the workspaces that this one is a copy of, the latest last.
    """

    id: str
    place: str
    copied_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owner:
    """A workspace as the owner of what it keeps in a store.

    Attributes:
        workspace: Its folders.
        identity: Who it is.
        original: The workspace that it was found to be a copy of just now.
    """

    workspace: Workspace
    identity: Identity
    original: str | None = None

    def preference(self, tags: Mapping[str, str]) -> int | None:
        """How well a record with these tags fits among several of one name, 0 best; None: it is the original's.

        A study on several hosts has several workspaces, and records of older versions name none.
        """
        owner = tags.get(WORKSPACE)
        if owner in self.identity.copied_from:
            return None
        return 0 if owner == self.identity.id else 1 if owner is None else 2

    def is_own(self, tags: Mapping[str, str]) -> bool:
        """Whether a record is of this workspace, or of an older version that named none."""
        return self.preference(tags) in (0, 1)

    def file(self, place: Path) -> Path:
        """A recorded path that is about to be written or deleted.

        Raises:
            TrackingError: It leads out of this workspace.
        """
        if not self.workspace.owns(place):
            raise TrackingError(
                f"paths.mlruns must hold what the store keeps in {place}, but got {self.workspace.mlruns}. Nothing "
                "is written or deleted there. If the files are yours, say where: paths.mlruns=PATH"
            )
        return place


def local_path(place: str) -> Path | None:
    """The path of a ``file:`` address; None for files that are elsewhere."""
    return Path(url2pathname(urlsplit(place).path)) if place.startswith("file:") else None


def identify(workspace: Workspace) -> Owner:
    """Who this workspace is; one that is a copy is another from now on.

    Raises:
        TrackingError: The folder cannot be written.
    """
    try:
        with file_lock(workspace.identity.with_suffix(".lock")):
            before = _read(workspace.identity)
            owner = _owner(before, workspace)
            if owner.identity != before:
                write_json(workspace.identity, asdict(owner.identity))
    except OSError as error:
        raise TrackingError(f"paths.sweeps must be writable, but got {workspace.sweeps} ({error}).") from error
    return owner


def _owner(before: Identity | None, workspace: Workspace) -> Owner:
    place, new = str(workspace.sweeps.resolve()), uuid.uuid4().hex
    if before is None:
        return Owner(workspace, Identity(new, place))
    if before.place == place or not _is_at(before, workspace):
        return Owner(workspace, replace(before, place=place))
    return Owner(workspace, Identity(new, place, (*before.copied_from, before.id)), before.place)


def _is_at(known: Identity, workspace: Workspace) -> bool:
    """Whether the workspace last used at the place of ``known`` still exists, and is not this one."""
    original = Path(known.place) / workspace.identity.name
    there = _read(original)
    return there is not None and there.id == known.id and not original.samefile(workspace.identity)


def _read(file: Path) -> Identity | None:
    try:
        values = json.loads(read_regular(file, _LARGEST))
        return Identity(str(values["id"]), str(values["place"]), tuple(map(str, values["copied_from"])))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
