"""The base models that a study searches over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from embedtune.config import Config
from embedtune.config.grammar import Value, choices, parse
from embedtune.study.definition import folder_name, model_word
from embedtune.sweep.space.space import Space, to_overrides

KEYS = ("model", "model.name", "model.revision")
"""Keys that identify the base model; other keys of ``model`` say how it is used."""


@dataclass(frozen=True)
class Base:
    """A base model that is tuned, to be measured as it is.

    Attributes:
        config: With this model, and nothing searched.
        number: Of its record: -1 for the default model, from there downwards for others.
        word: Of its folder; empty for the default one.
    """

    config: Config
    number: int = -1
    word: str = ""


def base_models(space: Space, default: Config, compose: Callable[[list[str]], Config]) -> tuple[Base, ...]:
    """The base models of a study: the default one, and those that it searches in the order in which they are written.

    Args:
        space: What is searched.
        default: Composed without any searched value.
        compose: Overrides to a configuration.
    """
    found = {identity(default): Base(default)}
    for overrides in _choices(space):
        config = compose([*space.fixed, *overrides])
        if identity(config) not in found:
            word = _free(folder_name(model_word(config.model)) or "model", {base.word for base in found.values()})
            found[identity(config)] = Base(config, -1 - len(found), word)
    return tuple(found.values())


def identity(config: Config) -> tuple[str, str | None]:
    """The identity of a base model, without how it is used, such as its prompts."""
    return config.model.name, config.model.revision


def words_of(key: str, sweep: str | None) -> tuple[Value, ...]:
    """The values that a sweep of a base model chooses among; none if it is no choice."""
    (override,) = parse([f"{key}={sweep}"]) if sweep else (None,)
    try:
        return tuple(choices(override)) if override is not None and override.is_choice_sweep() else ()
    except ValueError:  # of lists, which a space refuses
        return ()


def _choices(space: Space) -> list[list[str]]:
    """Every choice of a base model as overrides; one that depends on another key than these is taken as made."""
    distributions = {key: space.distributions[key] for key in space.distributions if key in KEYS}
    conditions = {key: own for key, own in space.conditions.items() if key in distributions and own.key in KEYS}
    if not distributions:
        return []
    return [to_overrides(point) for point in Space(distributions, {}, (), conditions).points()]


def _free(word: str, taken: Collection[str]) -> str:
    """The word, with a number behind it where another model has it."""
    found, count = word, 1
    while found in taken:
        count += 1
        found = f"{word}-{count}"
    return found
