"""The rules of ``loss.*``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from embedtune.config.location import loss_names
from embedtune.config.schema import LossConfig
from embedtune.errors import must


def loss_problems(loss: LossConfig) -> Iterator[str]:
    """Every broken rule of the objective."""
    names = loss_names()
    yield from must(loss.name in names, "loss.name", f"be one of {', '.join(names)}", loss.name, "Try mnrl.")
    positive = loss.scale > 0 and math.isfinite(loss.scale)
    yield from must(positive, "loss.scale", "be above 0", loss.scale, "Try 20.")
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
