"""The terminal beside a command's answer: logs go to stderr, and what libraries print on their own is silenced."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from embedtune.config.redaction import RedactedFormatter, hide, printable, redact_text


class _Redacted:
    """A stream whose text is redacted, also that of handlers which libraries install themselves."""

    def __init__(self, stream: TextIO, redacted: Callable[[str], str]) -> None:
        self._stream, self._redacted = stream, redacted

    def write(self, text: str) -> int:
        self._stream.write(self._redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def redacted_streams() -> Iterator[None]:
    """Let no secret out on stdout and stderr; those of the process stay redacted for what it says at its end.

    Of stdout, where an answer may quote any address of the data, known secrets alone are blanked; but nothing that an
    answer quotes controls the terminal.
    """
    before = sys.stdout, sys.stderr
    sys.stdout = _redacted(sys.stdout, lambda text: printable(hide(text)))
    sys.stderr = _redacted(sys.stderr, redact_text)  # where the live view moves the cursor
    try:
        yield
    finally:
        if before[1] is not sys.__stderr__:
            sys.stdout, sys.stderr = before


def _redacted(stream: TextIO, redacted: Callable[[str], str]) -> TextIO:
    return stream if isinstance(stream, _Redacted) else cast(TextIO, _Redacted(stream, redacted))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is now: the live view stands in for it while it draws."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.setLevel(level)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass


def configure_output(debug: bool) -> None:
    """Logs on stderr: ours from INFO, the libraries' from ERROR; their warnings only on demand."""
    handler = _Stderr(level=logging.DEBUG if debug else logging.INFO)  # a trial's log takes more than the terminal
    level = logging.DEBUG if debug else logging.ERROR
    handler.setFormatter(RedactedFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("embedtune").setLevel(logging.DEBUG if debug else logging.INFO)
    if not debug:
        warnings.simplefilter("ignore")


def quiet_libraries() -> None:
    """Turn off progress bars and advice of transformers and datasets."""
    import datasets
    import transformers

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
