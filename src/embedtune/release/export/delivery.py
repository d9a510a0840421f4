"""The steps left for a release once it is exported: registration, alias, upload.

Kept with the study from before the export until all of it is done: whatever comes between, the next call goes on where
this one stopped, and the test split is not opened again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from embedtune.archive.documents import mapping
from embedtune.config import ReleaseConfig
from embedtune.config.rules.place import is_name
from embedtune.machine.files import read_regular
from embedtune.paths import StudyPaths, write_json
from embedtune.release.export.export import CHECKSUMS, EVIDENCE
from embedtune.tracking import NewVersion

logger = logging.getLogger(__name__)

_LARGEST = 64 << 20
"""Bytes of a decision, of the checksums, and of the steps that are left."""


@dataclass(frozen=True)
class Delivery:
    """A release on its way.

    Attributes:
        release: Its name.
        folder: Where it is exported to.
        asked: How it was asked for; ``register`` and ``push_to_hub`` say what is to be done.
        version: As it is registered.
        answer: The command's, without what is still to be done.
    """

    release: str
    folder: str
    asked: ReleaseConfig
    version: NewVersion
    answer: Mapping[str, Any]

    @property
    def is_exported(self) -> bool:
        """Whether its folder is there, and is of this decision."""
        try:
            decision = json.loads(read_regular(Path(self.folder) / EVIDENCE / "decision.json", _LARGEST))
        except (OSError, ValueError, RecursionError):
            return False
        return _text(decision) == _text(self.answer.get("decision"))

    @property
    def new_version(self) -> NewVersion:
        """The version to register, marked by the digest of the export."""
        checksums = read_regular(Path(self.folder) / EVIDENCE / CHECKSUMS, _LARGEST)
        return replace(self.version, alias=self.asked.alias, export=hashlib.sha256(checksums).hexdigest()[:32])

    def taken_up(self, now: ReleaseConfig) -> Delivery | None:
        """The same delivery as it is asked for now; None if another release is.

        Where to and under which alias may change: the export is the same.
        """
        if _essence(self.asked, self.release) != _essence(now, self.release):
            return None
        return replace(self, asked=now)


def _text(document: object) -> str:
    return json.dumps(document, sort_keys=True, default=str)  # compared as text: NaN is not equal to itself


def _essence(asked: ReleaseConfig, name: str) -> ReleaseConfig:
    return replace(asked, name=name, alias="", register=True, push_to_hub=None, overwrite=False)


def save(study: StudyPaths, delivery: Delivery) -> None:
    """Note what is to be done, before the release is exported."""
    write_json(study.delivery(delivery.release), asdict(delivery))


def load(file: Path, releases: Path) -> Delivery | None:
    """The steps left for an exported release; None if there are none.

    A study may be somebody else's: what its file says is registered and uploaded for a release of this workspace alone.

    Args:
        file: Of the study.
        releases: The folder of this workspace's releases.
    """
    try:
        values = json.loads(read_regular(file, _LARGEST))
        asked, version = ReleaseConfig(**values["asked"]), NewVersion(**values["version"])
        delivery = Delivery(values["release"], values["folder"], asked, version, mapping(values["answer"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    name = delivery.release
    if not (is_name(name) and file.stem == name and Path(delivery.folder) == releases / name) or os.path.islink(
        releases / name
    ):
        logger.warning("%s must be of a release in %s, but is of %s. It is left out.", file, releases, delivery.folder)
        return None
    return delivery if delivery.is_exported else None
