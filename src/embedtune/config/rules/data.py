"""The rules of ``data.*``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from embedtune.config.rules.place import prompt_problems
from embedtune.config.schema import DataConfig, PromptsConfig
from embedtune.errors import must

SPLITS = ("train", "validation", "test")
SOURCES = ("pydocs", "files", "hub")


def data_problems(data: DataConfig) -> Iterator[str]:
    """Every broken rule of the data's keys that can be seen without reading it."""
    yield from must(
        data.source in SOURCES,
        "data.source",
        f"be one of {', '.join(SOURCES)}",
        data.source,
        "Use data=pydocs, files or hub.",
    )
    if data.source in ("files", "hub"):
        yield from must(
            bool(data.path),
            "data.path",
            "be given",
            data.path,
            f"Say where the data is: data={data.source} data.path=PATH.",
        )
    for split in data.splits:
        yield from must(split in SPLITS, f"data.splits.{split}", f"be one of {', '.join(SPLITS)}", split, "Rename it.")
    for name, prompts in data.prompts.items():
        yield from must(
            name in data.extra, f"data.prompts.{name}", "be the prompts of a set of data.extra", ", ".join(data.extra),
            "Rename it; model.prompts are those of all other texts.",
        )  # fmt: skip
        for role in prompts:
            known = role in vars(PromptsConfig())
            yield from must(known, f"data.prompts.{name}.{role}", "be query or document", role, "Rename it.")
        yield from prompt_problems(f"data.prompts.{name}", prompts)
    yield from must(
        data.split is None or are_shares(data.split), "data.split", "be two or three shares that add up to 1",
        data.split,
        "Those of train, validation and test: data.split=0.8/0.1/0.1.",
    )  # fmt: skip
    near = data.near_duplicates
    yield from must(
        near is None or 0 < near <= 1, "data.near_duplicates", "be above 0 and at most 1", near,
        "It is a similarity; try 0.9. null takes equal texts alone.",
    )  # fmt: skip
    least = data.relevant_from
    yield from must(
        least is None or (least > 0 and math.isfinite(least)), "data.relevant_from", "be a grade above 0", least,
        "null counts each grade above 0 as relevant.",
    )  # fmt: skip
    for key in ("max_train", "max_queries"):
        value = getattr(data, key)
        yield from must(value is None or value > 0, f"data.{key}", "be above 0", value, "null takes all.")


def are_shares(text: str) -> bool:
    """Whether a text is the shares of training, validation and, if it has three, test."""
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        return False
    return (
        len(shares) in (2, 3)
        and all(0 <= share < 1 for share in shares)
        and shares[0] > 0
        and math.isclose(sum(shares), 1, abs_tol=1e-6)
    )
