"""A server that speaks the chat completions protocol, asked with patience; its key goes nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2

from embedtune.config.redaction import redact_text
from embedtune.errors import ConfigError, GenerationError, cut
from embedtune.generation.pace import LONGEST, Pace, retry_after
from embedtune.generation.prompting import content_of

MOST_BYTES = 4 * 2**20
"""Of one answer."""
_BUSY = {408, 409, 425, 429}
_WRONG = {
    401: "take the key of generate.key_env",
    403: "take the key of generate.key_env",
    404: "know that address and generate.model",
    405: "be the address up to and including /v1",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Where to ask, and how patiently.

    Attributes:
        url: Up to and including ``/v1``.
        key: Sent to ``url`` alone; None for a server without one.
        timeout: Seconds to wait for an answer.
        attempts: Requests for one answer.
        backoff: Seconds before the second attempt, about; doubled for each further one.
    """

    url: str
    key: str | None = field(repr=False)
    timeout: float
    attempts: int
    backoff: float = 1.0


class UnusableAnswer(Exception):
    """The server answered one request, again and again, with something that is no answer, or refused it."""


class _Again(Exception):
    """Worth another attempt."""

    def __init__(self, reason: str, wait: float | None = None, *, is_answer: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_answer = is_answer


class Server:
    """Asks; to be entered before."""

    def __init__(self, address: Address, pace: Pace) -> None:
        """Ask at an address, at a pace."""
        self._address, self._pace = address, pace
        key = {"Authorization": f"Bearer {address.key}"} if address.key else {}
        self._client = httpx2.AsyncClient(headers=key, timeout=address.timeout, follow_redirects=False)
        self._has_answered = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, body: Mapping[str, Any]) -> str:
        """The text of the answer.

        Raises:
            ConfigError: The server refuses whatever is asked: the key, the model or the address is wrong.
            GenerationError: It could not be reached, or was busy, at every attempt.
            UnusableAnswer: It refuses this request, or its answers have no text.
        """
        for attempt in range(self._address.attempts):
            await self._pace.turn()
            try:
                return await self._once(body)
            except _Again as error:
                last = error
            if attempt + 1 < self._address.attempts:
                usual = self._address.backoff * 2**attempt * random.uniform(0.5, 1.0)
                await self._rest(last, usual)
        if last.is_answer:
            raise UnusableAnswer(str(last))
        raise GenerationError(
            f"generate.url must answer, but after {self._address.attempts} attempts got: {last}. What was answered is "
            "kept: the same command goes on."
        )

    async def _rest(self, error: _Again, usual: float) -> None:
        if error.wait is None:
            await asyncio.sleep(min(usual, LONGEST))
        elif error.wait > LONGEST:
            raise GenerationError(
                f"generate.url must answer within {LONGEST:.0f} seconds, but it wants to be asked again in "
                f"{error.wait:.0f}. What was answered is kept: the same command goes on."
            )
        else:
            self._pace.hold(error.wait)

    async def _once(self, body: Mapping[str, Any]) -> str:
        url = self._address.url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
        try:
            async with asyncio.timeout(self._address.timeout):
                async with self._client.stream("POST", url, json=body) as response:
                    content = await _bounded(response)
        except TimeoutError:
            raise _Again(f"no answer within {self._address.timeout:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = redact_text(str(error).partition("\n")[0]) or type(error).__name__
            raise _Again(f"no connection ({cut(reason)})") from None
        self._check(response, content)
        try:
            text = content_of(json.loads(content))
        except (ValueError, RecursionError):
            text = None
        if text is None:
            raise _Again("an answer that is none of the chat completions protocol", is_answer=True)
        self._has_answered = True
        return text

    def _check(self, response: httpx2.Response, content: bytes) -> None:
        status = response.status_code
        if status < 300:
            return
        said = cut(redact_text(_said(content)))
        if status in _BUSY or status >= 500:
            raise _Again(f"status {status}{said}", retry_after(response.headers.get("Retry-After"), time.time()))
        if status < 400:
            raise ConfigError(
                f"generate.url must answer itself, but it sends elsewhere (status {status}), where no key goes. "
                "Type the address it names, if you trust it."
            )
        if self._has_answered and status not in _WRONG:
            raise UnusableAnswer(f"status {status}{said}")
        rule = _WRONG.get(status, "take a request of the chat completions protocol")
        raise ConfigError(f"generate.url must {rule}, but got status {status}{said}. Check both.")


async def _bounded(response: httpx2.Response) -> bytes:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MOST_BYTES:
            raise _Again(f"more than {MOST_BYTES:,} bytes", is_answer=True)
    return content


def _said(content: bytes) -> str:
    """What the server said about an error, as OpenAI's protocol has it, or as it is."""
    try:
        document = json.loads(content)
        message = document["error"]["message"] if isinstance(document["error"], dict) else document["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        message = content.decode("utf-8", "replace")
    text = " ".join(str(message).split())
    return f": {text}" if text else ""
