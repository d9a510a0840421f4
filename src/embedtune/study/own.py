"""The folders of a study are its own: nothing is written or deleted through a link that somebody put among them."""

from __future__ import annotations

from embedtune.errors import RecordError, join_problems
from embedtune.machine.folders import linked_folders
from embedtune.paths import StudyPaths


def require_own_folders(paths: StudyPaths) -> None:
    """Check that no folder in a study's folder is a link; call it before anything is written there.

    The folder of all studies, ``paths.sweeps``, may be one, and so may the study's own: a user put it there. A study
    of somebody else arrives with what is in it.

    Raises:
        RecordError: Some are; each is named.
    """
    linked = linked_folders(paths.root)
    if linked:
        raise RecordError(
            join_problems(
                f"{path} must be a folder of the study, but it is a symbolic link. Nothing is written or deleted "
                "through it: move the files themselves there, or remove the link."
                for path in linked
            )
        )
