"""Every error embedtune raises on purpose.

EmbedtuneError
├── UserError            the input is wrong: exit status 2, nothing was trained
│   ├── ConfigError      a key of the configuration breaks a rule
│   ├── DataError        the texts cannot be used
│   ├── ModelError       the model cannot be loaded, or is not what was asked for
│   └── RecordError      something recorded cannot be read; it is left as it is
├── TrialError           one trial failed; the study goes on
├── ResumeError          the saved state of a training cannot be written or taken up; it starts anew
├── DeviceLost           the device is lost to this process; another goes on
├── StudyError           the study cannot go on
│   ├── DiskFull         there is no room to record what is found; it stops and can go on
│   └── SpaceUsedUp      no configuration is left that is worth running
├── GenerationError      a server gave no questions; what it answered is kept
├── TrackingError        the tracking store refused or is down
└── ReleaseError         a release could not be written or does not reproduce its scores

Each takes one argument, the message, so that it survives pickling between processes.
A message reads ``<key> must <rule>, but got <value>. <what to do>.``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

SHOWN = 160
"""Characters of what was typed that a message repeats."""


class EmbedtuneError(Exception):
    """Base of all errors raised on purpose; the command line prints it without a traceback."""


class UserError(EmbedtuneError):
    """The input is wrong; found before anything is trained."""


class ConfigError(UserError):
    """A key of the configuration breaks a rule."""


class DataError(UserError):
    """The data cannot be read or breaks a rule."""


class ModelError(UserError):
    """The model cannot be loaded or is not the one asked for."""


class RecordError(UserError):
    """A file of a study, a trial or a store cannot be read."""


class TrialError(EmbedtuneError):
    """One trial failed; the study goes on."""


class ResumeError(EmbedtuneError):
    """The saved state of a training cannot be written or resumed; the training starts over."""


class DeviceLost(EmbedtuneError):
    """The device cannot be used by this process any more, only by another."""

    STATUS = 75
    """Exit status of a worker that ends for this reason, in the words of sysexits.h a temporary failure."""


class StudyError(EmbedtuneError):
    """The study cannot be opened or cannot go on."""


class DiskFull(StudyError):
    """A disk or a quota is used up; what was running is queued again."""

    STATUS = 74
    """Exit status of a worker that ends for this reason, in the words of sysexits.h an input/output error."""


class SpaceUsedUp(StudyError):
    """No new configuration that keeps the constraints was found before the study reached its total."""

    STATUS = 76
    """Exit status of a worker that ends for this reason; its supervisor starts no other."""


class GenerationError(EmbedtuneError):
    """No questions came, or none of use; what a server answered is kept, and the same command goes on."""


class TrackingError(EmbedtuneError):
    """The tracking store refused a request or cannot be reached."""


class ReleaseError(EmbedtuneError):
    """A release could not be written, or does not reproduce the recorded scores."""


def cut(text: str) -> str:
    """A text short enough to be shown, without what a terminal would obey."""
    shown = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 4 :]}"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shown)


def join_problems(problems: Iterable[str]) -> str:
    """All problems as one message, one a line."""
    return "\n".join(problems)


def must(holds: bool, key: str, rule: str, value: Any, remedy: str) -> Iterator[str]:
    """Report it if a rule of the input does not hold."""
    if not holds:
        yield f"{key} must {rule}, but got {cut(str(value))}. {remedy}"
