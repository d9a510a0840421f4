"""The terminal beside a command's answer: logs go to stderr, and what libraries print on their own is silenced."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TextIO

from embedtune.config.redaction import RedactedFormatter


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
