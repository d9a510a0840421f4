"""The keys of the command: what it needs of them, where it writes, and what everything it writes depends on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from embedtune.config import Config, Method
from embedtune.config.redaction import remember_key
from embedtune.errors import ConfigError, join_problems
from embedtune.generation.passages import Passage, digest_of
from embedtune.typed import Document


def out_of(config: Config) -> Path:
    """The folder to write, absolute."""
    given = config.generate.out
    if given:
        return Path(given).expanduser().absolute()
    source = Path(config.data.path or "").expanduser().absolute()
    return Path(f"{source.name if source.is_dir() else source.stem}-questions").absolute()


def check_keys(config: Config) -> None:
    """Check what only this command needs.

    Raises:
        ConfigError: With everything that is missing.
    """
    own, wrong = config.generate, []
    if not config.data.path:
        wrong.append("data.path must be given, but got nothing. Type data.path=FOLDER, a folder of documents.")
    elif not Path(config.data.path).expanduser().exists():
        wrong.append(f"data.path must exist, but got {config.data.path}, which does not. Correct it.")
    if own.method is Method.ask:
        hint = "generate.method=extract needs no server."
        wrong += [
            f"generate.{key} must be given, but got nothing. {hint}"
            for key in ("url", "model")
            if not getattr(own, key)
        ]
    if wrong:
        raise ConfigError(join_problems(wrong))


def identity_of(config: Config, passages: Sequence[Passage]) -> Document:
    """What everything in the folder depends on; where the server is and how it is asked makes no difference."""
    own, model = config.generate, config.model
    asked = {"model": own.model, "prompt": own.prompt} if own.method is Method.ask else {"model": None}
    return {
        "method": own.method.value,
        **asked,
        "per_passage": own.per_passage,
        "chunk_tokens": own.chunk_tokens,
        "overlap_tokens": own.overlap_tokens,
        "top": own.top,
        "round_trip": {"model": model.name, "revision": model.revision, "max_seq_length": model.max_seq_length,
                       "prompts": asdict(model.prompts)},
        "seed": config.data.seed,
        "split": config.data.split,
        "passages": digest_of(passages),
    }  # fmt: skip


def key_of(variable: str) -> str | None:
    """The key of the server; from here on it is shown nowhere.

    Raises:
        ConfigError: It cannot be a header.
    """
    key = os.environ.get(variable, "").strip()
    remember_key(key)
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(
            "generate.key_env must name a variable that holds a key, but what it holds has blanks or odd characters. "
            "Set it again."
        )
    return key or None
