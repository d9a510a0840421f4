"""Ask about every passage that was not asked about, several at a time; each answer is on disk before the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from embedtune.errors import GenerationError
from embedtune.generation.folder import Work
from embedtune.generation.pace import Pace
from embedtune.generation.passages import Passage
from embedtune.generation.prompting import messages, questions_in, request
from embedtune.generation.server import Address, Server, UnusableAnswer

logger = logging.getLogger(__name__)

_SAY = 50
"""Passages after which something is said."""


@dataclass(frozen=True)
class Order:
    """What is asked.

    Attributes:
        model: As the server calls it.
        instruction: ``generate.prompt``.
        per_passage: Questions about each.
        seed: Sent with each request.
        concurrency: Requests at once.
        per_minute: Requests begun in a minute; None: no limit.
    """

    model: str
    instruction: str
    per_passage: int
    seed: int
    concurrency: int
    per_minute: float | None


def ask_all(passages: Sequence[Passage], address: Address, order: Order, work: Work) -> None:
    """Ask about the passages that have no answer yet.

    Raises:
        ConfigError: The server refuses whatever is asked.
        GenerationError: It could not be reached, or not one of its answers is of use.
    """
    answered = work.answers()
    missing = [passage for passage in passages if passage.id not in answered]
    if len(missing) < len(passages):
        logger.info("%d of %d passages were asked about before.", len(passages) - len(missing), len(passages))
    if missing:
        asyncio.run(_ask(missing, address, order, work))
    if passages and not any(work.answers().values()):
        raise GenerationError(
            "generate.model must answer with questions, but not one of its answers has any. Try another model, or "
            "another generate.prompt."
        )


async def _ask(passages: Sequence[Passage], address: Address, order: Order, work: Work) -> None:
    waiting = iter(passages)
    done = 0

    async def worker(server: Server) -> None:
        nonlocal done
        for passage in waiting:
            chat = messages(order.instruction, order.per_passage, passage)
            try:
                content = await server.ask(request(order.model, chat, order.seed))
                questions = questions_in(content, order.per_passage)
                failure = None if questions else "an answer without questions"
            except UnusableAnswer as error:
                questions, failure = None, str(error)
            work.record(passage.id, questions or [], failure)
            done += 1
            if done % _SAY == 0 or done == len(passages):
                logger.info("Asked about %d of %d passages.", done, len(passages))

    async with Server(address, Pace(order.per_minute)) as server:
        await asyncio.gather(*(worker(server) for _ in range(min(order.concurrency, len(passages)))))
