"""The rules of ``generate.*``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from embedtune.config.schema import GenerateConfig
from embedtune.errors import must

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def generation_problems(generate: GenerateConfig) -> Iterator[str]:
    """Every broken rule that can be seen before a document is read."""
    for key in ("per_passage", "chunk_tokens", "concurrency", "attempts"):
        value = getattr(generate, key)
        yield from must(value >= 1, f"generate.{key}", "be at least 1", value, "Remove it for the default.")
    overlap, size = generate.overlap_tokens, generate.chunk_tokens
    yield from must(
        0 <= overlap < max(size, 1), "generate.overlap_tokens", "be from 0 to less than generate.chunk_tokens", overlap,
        "A passage begins with the end of the one before; 0 repeats nothing.",
    )  # fmt: skip
    yield from must(
        generate.top is None or generate.top >= 1, "generate.top", "be at least 1", generate.top,
        "null keeps questions that do not find their passage.",
    )  # fmt: skip
    rate = generate.requests_per_minute
    yield from must(
        rate is None or 0 < rate < math.inf, "generate.requests_per_minute", "be above 0", rate, "null sets no limit."
    )
    timeout = generate.timeout
    yield from must(0 < timeout < math.inf, "generate.timeout", "be above 0", timeout, "It is in seconds; try 60.")
    yield from must(bool(generate.prompt.strip()), "generate.prompt", "say what to ask", "nothing", "Remove it.")
    named = _VARIABLE.fullmatch(generate.key_env) is not None
    yield from must(  # what was typed may be the key itself, so it is not repeated
        named, "generate.key_env", "be the name of a variable of the environment", "something else",
        "Put the key into a variable and give its name here.",
    )  # fmt: skip
    yield from must(
        generate.url is None or is_address(generate.url), "generate.url",
        "be http://HOST or https://HOST with a path, without a password or a query", "something else",
        "Try http://127.0.0.1:8000/v1; a key belongs into the environment, see generate.key_env.",
    )  # fmt: skip


def is_address(url: str) -> bool:
    """Whether a text is an address that may be asked, and holds no secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain and url.isprintable()
