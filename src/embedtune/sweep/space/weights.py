"""Matryoshka weights where base models differ in size: each dimension's exists for the models that have it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from embedtune.config import WEIGHTS
from embedtune.config.grammar import Value
from embedtune.errors import ConfigError
from embedtune.sweep.space.conditions import Condition
from embedtune.sweep.space.space import EACH


def spread(
    searched: Mapping[str, str],
    conditions: Mapping[str, str],
    fixed: Iterable[str],
    key: str,
    dims: Sequence[tuple[Value, Sequence[int]]],
) -> tuple[dict[str, str], dict[str, str]]:
    """Replace ``loss.matryoshka.weights.each`` by a key for each dimension that any of the base models trains.

    A dimension that all have is one parameter; one that some have is searched with these alone.

    Args:
        searched: Key -> sweep as text.
        conditions: Key -> condition as text.
        fixed: Overrides of keys that are not searched.
        key: The searched key that says which base model it is.
        dims: Its values, each with the dimensions trained.

    Returns:
        What is searched and its conditions; what was given if the models train the same dimensions.

    Raises:
        ConfigError: ``each`` has a condition already.
    """
    trained = [set(own) if len(own) > 1 else set() for _, own in dims]  # a lone dimension needs no weight
    if EACH not in searched or all(own == trained[0] for own in trained):
        return dict(searched), dict(conditions)
    if EACH in conditions:
        sizes = ", ".join(f"{value}: {list(own)}" for value, own in dims)
        raise ConfigError(
            f"hydra.sweeper.conditions.{EACH} must be for base models that train the same dimensions, but got {sizes}. "
            f"Name the dimensions (loss.matryoshka.dims), or write {WEIGHTS}DIM with a condition for each."
        )
    keys, found, taken = {}, dict(conditions), {override.partition("=")[0].lstrip("+") for override in fixed}
    for dim in sorted(set().union(*trained), reverse=True):
        name = f"{WEIGHTS}{dim}"
        if name in taken:
            continue
        having = tuple(value for (value, _), own in zip(dims, trained, strict=True) if dim in own)
        keys[name] = searched[EACH]
        if len(having) < len(dims):
            found.setdefault(name, Condition(key, having).text)
    return {**keys, **{name: text for name, text in searched.items() if name != EACH}}, found
