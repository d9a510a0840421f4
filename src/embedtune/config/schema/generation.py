"""``generate.*``: questions for documents that have none."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.config.schema.choices import Method

INSTRUCTION = (
    "You write search queries for a test of a search engine. Write {count} questions that the passage answers and that "
    'somebody would ask who has never seen it. Each stands for itself: it never says "the passage" or "the text", '
    "and it does not contain its answer. Use words of your own rather than those of the passage."
)


@dataclass
class GenerateConfig:
    """``generate.*``: what is asked, of whom, and what of it is kept."""

    method: Method = Method.ask
    url: str | None = None
    model: str | None = None
    key_env: str = "OPENAI_API_KEY"
    prompt: str = INSTRUCTION
    per_passage: int = 2
    chunk_tokens: int = 200
    overlap_tokens: int = 32
    top: int | None = 10
    out: str | None = None
    concurrency: int = 4
    requests_per_minute: float | None = None
    attempts: int = 5
    timeout: float = 60.0
