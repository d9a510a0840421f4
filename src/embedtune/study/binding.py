"""The folder and the storage of a study belong together: both hold the same id, so that neither is taken for another's.

A command that names another storage would find an empty study there, and run its trial 0 over that of the folder.
"""

from __future__ import annotations

import uuid

from embedtune.config.redaction import redact_url
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.study.definition import load_definition
from embedtune.study.opening import Study, load_study

ID = "id"
"""User attribute of the study; ``study.yaml`` has the same."""


def require_own_storage(paths: StudyPaths, storage: str | None) -> None:
    """Check that the study in a folder continues with the storage it was begun with.

    Args:
        paths: The study's folder.
        storage: ``study.storage``.

    Raises:
        ConfigError: The storage holds another study of this name, or none.
        StudyError: The storage cannot be reached.
    """
    definition = load_definition(paths)
    if definition is None:
        return
    study = load_study(paths, storage)
    theirs, ours = study.optuna.user_attrs.get(ID) if study else None, definition.id
    if study is None or (ours is not None and ours != theirs):  # a study of an older version has no id
        where = redact_url(storage) if storage else paths.storage
        raise ConfigError(
            f"study.storage must be the one that study {paths.name} was begun with, but {where} holds "
            f"{'no' if study is None else 'another'} study of that name. Type the study.storage it was begun with, "
            "or take another study.name."
        )


def bind(study: Study) -> str:
    """The id of an open study, made when it is new; its folder is to hold it too."""
    with study.claiming():
        known = study.optuna.user_attrs.get(ID)
        if known is None:
            known = uuid.uuid4().hex
            study.optuna.set_user_attr(ID, known)
    return str(known)
