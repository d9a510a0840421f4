"""The rules of ``loss.*``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from embedtune.config.location import loss_options
from embedtune.config.plain import plain
from embedtune.config.schema import Directions, LossConfig, Partition
from embedtune.errors import must


def loss_problems(loss: LossConfig) -> Iterator[str]:
    """Every broken rule of the objective."""
    names = loss_options()
    yield from must(loss.name in names, "loss.name", f"be one of {', '.join(names)}", loss.name, "Try mnrl.")
    yield from _option_problems(loss)
    yield from _unread_problems(loss)
    yield from _matryoshka_problems(loss)


def _option_problems(loss: LossConfig) -> Iterator[str]:
    positive = loss.scale > 0 and math.isfinite(loss.scale)
    yield from must(positive, "loss.scale", "be above 0", loss.scale, "Try 20.")
    yield from must(
        0 <= loss.hardness < math.inf, "loss.hardness", "be at least 0", loss.hardness, "0 weighs all negatives alike."
    )
    if loss.margin is not None:
        yield from must(
            0 <= loss.margin < math.inf, "loss.margin", "be at least 0", loss.margin, "null takes the loss's own."
        )
    yield from must(
        loss.partition is Partition.joint or loss.directions is not Directions.all,
        "loss.partition", "be joint with loss.directions=all", loss.partition.name,
        "Texts of one side hold no answer to tell apart; take loss.directions=symmetric.",
    )  # fmt: skip
    for key in ("guide", "teacher"):
        value = getattr(loss, key)
        yield from must(
            value is None or bool(value.strip()), f"loss.{key}", "name a model", repr(value), "null is none."
        )


def _unread_problems(loss: LossConfig) -> Iterator[str]:
    """Options of another loss: nothing that is typed is without effect."""
    options = loss_options()
    if loss.name not in options:
        return
    defaults = plain(LossConfig())
    for key, value in plain(loss).items():
        if key not in options[loss.name] and key != "matryoshka" and value != defaults[key]:
            readers = ", ".join(name for name, keys in options.items() if key in keys)
            yield (
                f"loss.{key} must be {defaults[key]} with loss.name={loss.name}, which does not read it, but got "
                f"{value}. It is read by {readers}."
            )


def _matryoshka_problems(loss: LossConfig) -> Iterator[str]:
    if loss.matryoshka is None:
        return
    dims, weights = loss.matryoshka.dims, loss.matryoshka.weights
    if not isinstance(dims, list | None):  # of an interpolation, which OmegaConf lets pass
        yield f"loss.matryoshka.dims must be a list of dimensions, but got {dims}. Write [64,32]."
        return
    if dims is not None:
        yield from must(
            bool(dims), "loss.matryoshka.dims", "name at least one dimension", dims, "null takes the default."
        )
        yield from must(min(dims, default=1) > 0, "loss.matryoshka.dims", "be above 0", dims, "Remove the others.")
        yield from must(len(set(dims)) == len(dims), "loss.matryoshka.dims", "not repeat", dims, "Remove the doubles.")
    for dim, weight in weights.items():
        known = dim.isdecimal() and dim == str(int(dim)) and (dims is None or int(dim) in dims)
        yield from must(
            known, f"loss.matryoshka.weights.{dim}", "be the weight of one of loss.matryoshka.dims", f"dims {dims}",
            "Add the dimension or remove the weight.",
        )  # fmt: skip
        yield from must(
            weight >= 0 and math.isfinite(weight), f"loss.matryoshka.weights.{dim}", "be at least 0", weight, "Try 1."
        )
