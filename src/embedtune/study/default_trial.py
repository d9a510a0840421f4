"""Which trial ran the recipe as it was configured, without any searched value changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from embedtune import archive
from embedtune.config import SIZE, WEIGHTS
from embedtune.paths import StudyPaths
from embedtune.ranking import is_scored
from embedtune.records import Settings, StudyDefinition, TrialRecord

_MISSING = object()


def default_trial(study: StudyPaths, definition: StudyDefinition, records: Iterable[TrialRecord]) -> TrialRecord | None:
    """The first trial with a score whose searched values are all those of the recipe; None if there is none.

    A file of a group, such as ``model=tiny``, is judged by what the trial was composed to with it. The dimension at
    which a model is read is no part of its recipe.

    Args:
        study: Its files.
        definition: Its definition.
        records: Its trials.
    """
    if not definition.recipe:
        return None
    recipe = {**definition.recipe, "model": definition.model}
    same = (record for record in records if is_scored(record) and _is_default(study, record, recipe))
    return min(same, key=lambda record: record.number, default=None)


def _is_default(study: StudyPaths, record: TrialRecord, recipe: Mapping[str, Settings]) -> bool:
    searched = {key: value for key, value in record.params.items() if key != SIZE}
    groups = [key for key in searched if "." not in key]
    plain = {key: value for key, value in searched.items() if key not in groups}
    defaults = {key: _select(recipe, key, 1.0 if key.startswith(WEIGHTS) else _MISSING) for key in plain}
    return defaults == plain and (not groups or _is_composed_so(study, record, {key: recipe[key] for key in groups}))


def _is_composed_so(study: StudyPaths, record: TrialRecord, sections: Mapping[str, Settings]) -> bool:
    """Whether a trial's own configuration has what the recipe has; one of another host is not here to be seen."""
    config = archive.read_config(study.of(record.name))
    return config is not None and all(
        config.get(name, {}).get(key) == value for name, own in sections.items() for key, value in own.items()
    )


def _select(values: Any, key: str, default: Any) -> Any:
    for part in key.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return default
        values = values[part]
    return values
