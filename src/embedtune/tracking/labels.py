"""Params and tags from nested values. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.config.redaction import redact
from embedtune.tracking.content import DatasetUse

MAX_PARAM = 6000
"""Characters MLflow keeps of a param."""
MAX_TAG = 8000
"""Characters MLflow keeps of a tag."""
MAX_KEY = 250
"""Characters of a param's or tag's key."""
MAX_DIGEST = 12
"""Characters of a digest; MLflow takes 36 and the UI shows about that many."""

LOG10_RATE = "log10_learning_rate"
"""Param added because parallel coordinates have linear axes only, where learning rates crowd near 0."""

_REFUSED = re.compile(r"[^\w.\- :]")


def params(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested configuration as params: dotted keys, secrets blanked."""
    found = {_key(key): _text(value)[:MAX_PARAM] for key, value in flat(redact(values))}
    rate = dict(flat(values)).get("train.learning_rate")
    if isinstance(rate, int | float) and rate > 0:
        found[LOG10_RATE] = f"{math.log10(rate):.4g}"
    return found


def tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested facts as tags ``embedtune.<key>``; those that are None are left out, secrets blanked."""
    facts = {f"embedtune.{key}": value for key, value in flat(redact(values)) if value is not None}
    return {_key(key): _text(value)[:MAX_TAG] for key, value in facts.items()}


def line(values: Mapping[str, Any], length: int | None = None) -> str:
    """``name value, name value``: a mapping as one tag instead of one each; values are cut to ``length``."""
    return ", ".join(f"{name} {_text(value)[:length]}" for name, value in values.items())


def datasets(name: str, source: str, digests: Mapping[str, str]) -> tuple[DatasetUse, ...]:
    """The data sets of training and evaluation; the test split is no input of a trial."""
    contexts = {"train": "training", "validation": "validation"}
    return tuple(
        DatasetUse(f"{name}-{split}", digests[split][:MAX_DIGEST], redact(source), context)
        for split, context in contexts.items()
        if split in digests
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves with dotted keys; an empty mapping is a leaf."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _key(key: str) -> str:
    return _REFUSED.sub("_", key)[:MAX_KEY]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
