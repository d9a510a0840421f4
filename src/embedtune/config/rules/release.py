"""The rules of ``release.*`` and ``reproduce.*``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from embedtune.config.rules.registry import alias_problems
from embedtune.config.schema import Config, ReleaseConfig
from embedtune.errors import must

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|multilingual|code")


def release_problems(config: Config) -> Iterator[str]:
    """Every broken rule of a release or a reproduction."""
    yield from _decision_problems(config.release)
    yield from _export_problems(config.release)
    tolerance = config.reproduce.tolerance
    yield from must(
        0 <= tolerance < math.inf, "reproduce.tolerance", "be at least 0", tolerance, "0 asks for equal bits."
    )


def _decision_problems(release: ReleaseConfig) -> Iterator[str]:
    yield from must(release.candidates >= 1, "release.candidates", "be at least 1", release.candidates, "Try 5.")
    yield from must(release.seeds >= 0, "release.seeds", "be at least 0", release.seeds, "0 trains nothing again.")
    yield from must(
        0.5 <= release.level < 1, "release.level", "be at least 0.5 and below 1", release.level, "Try 0.95."
    )
    for key in ("margin", "dim_margin"):
        value = getattr(release, key)
        yield from must(0 <= value < 1, f"release.{key}", "be at least 0 and below 1", value, "Try 0.01.")
    if release.dim is not None:
        yield from must(release.dim >= 1, "release.dim", "be at least 1", release.dim, "null takes the full size.")
    named = release.trial is not None and (release.soup or release.seeds > 0)
    yield from must(
        not named, "release.trial", "stand without release.soup and release.seeds", release.trial,
        "They choose among several trials; remove them or release.trial.",
    )  # fmt: skip


def _export_problems(release: ReleaseConfig) -> Iterator[str]:
    yield from alias_problems(release.alias)
    yield from must(
        release.onnx in (None, "fp32", "int8"), "release.onnx", "be null, fp32 or int8", release.onnx, "Try fp32."
    )
    hub = release.push_to_hub
    yield from must(
        hub is None or _HUB_ID.fullmatch(hub) is not None, "release.push_to_hub", "be ORGANISATION/NAME", hub,
        "null uploads nothing.",
    )  # fmt: skip
    licence, languages = release.license, release.language
    yield from must(
        licence is None or _LICENCE.fullmatch(licence) is not None, "release.license", "be an identifier of a licence",
        licence, "Try apache-2.0, or other.",
    )  # fmt: skip
    listed = languages if isinstance(languages, list) else [languages]
    valid = languages is None or all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in listed)
    yield from must(
        valid, "release.language", "be a code such as en, or a list of them", languages,
        "Try en, or [en,de]; quote 'no'.",
    )  # fmt: skip
