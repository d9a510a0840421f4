"""Defaults that have changed since: a study that was begun with an earlier one goes on with it."""

from __future__ import annotations

import logging
from dataclasses import replace

from embedtune.config import find_choice
from embedtune.paths import StudyPaths
from embedtune.records import StudyDefinition
from embedtune.study.definition import definition_differences, load_definition

logger = logging.getLogger(__name__)

PRUNER, PRUNER_BEFORE = "schedule", "median"
"""The pruner of ``sweep=optuna`` where none is typed, and that of earlier versions, which compared equal epochs."""


def as_begun(study: StudyPaths, definition: StudyDefinition) -> StudyDefinition:
    """The definition with the pruner of the stored one, if that is the earlier default and all else is equal.

    Args:
        study: Its folder.
        definition: Of the command.
    """
    stored, search = load_definition(study), definition.search
    if stored is None or find_choice("pruner", search.pruner) != PRUNER:
        return definition
    if find_choice("pruner", stored.search.pruner) != PRUNER_BEFORE:
        return definition
    begun = replace(definition, search=replace(search, pruner=stored.search.pruner))
    if definition_differences(stored, begun):
        return definition
    logger.info("%s goes on with the pruner it was begun with, pruner=%s", study.name, PRUNER_BEFORE)
    return begun
