"""The learning rates that are searched: those customary for what is trained, which must be one range. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from embedtune.config import Config
from embedtune.config.grammar import Value
from embedtune.errors import ConfigError

RATE = "train.learning_rate"


def with_rates(searched: Mapping[str, str], default: Config, choices: Sequence[tuple[Value, Config]]) -> dict[str, str]:
    """The searched keys with the learning rates of the base models, or of the adapters, that are searched.

    Args:
        searched: Key -> sweep as text, in which the default model's rates stand unless others were typed.
        default: The configuration without any searched value.
        choices: Each searched value of ``model`` or ``train`` with its configuration.

    Raises:
        ConfigError: They have different rates: a parameter has one range.
    """
    custom = default.model.learning_rates
    kind = next((own.name for own in fields(custom) if searched.get(RATE) == getattr(custom, own.name)), None)
    if kind is None or not choices:
        return dict(searched)
    sweeps = {value: str(getattr(config.model.learning_rates, kind)) for value, config in choices}
    first, *others = dict.fromkeys(sweeps.values())
    if others:
        said = "; ".join(f"{value} in {sweep}" for value, sweep in sweeps.items())
        raise ConfigError(
            f"{RATE} must be searched in one range, but what is trained learns in different ones: {said}. "
            f"Search each in a study of its own, or type a range for all: {RATE}='tag(log, interval(1e-5, 3e-1))'."
        )
    return {**searched, RATE: first}
