"""``rollback``: put the previous champion of a registered model in use again."""

from __future__ import annotations

from dataclasses import asdict

from embedtune.cli.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.errors import ConfigError, ReleaseError
from embedtune.tracking import open_store, roll_back


def rollback(config: Config) -> Answer:
    """Point the alias ``champion`` of ``release.name`` at the version it pointed at before.

    Raises:
        ConfigError: ``release.name`` is not given, or tracking is off.
        ReleaseError: There is nothing to go back to.
    """
    name = config.release.name or config.study.name
    if name is None:
        raise ConfigError("release.name must name a registered model, but got None. Say which: release.name=NAME.")
    if not config.tracking.enabled:
        raise ConfigError("tracking.enabled must be true to roll back, but got false. Remove it.")
    done = roll_back(open_store(config.tracking, workspace(config)), name)
    if done is None:
        raise ReleaseError(
            f"release.name must be a registered model with a previous champion, but got {name}, which has none. "
            "There is one after two releases that the gate promoted."
        )
    text = (
        f"{name}: version {done.champion} is the champion again; version {done.previous} was. Twice is there and back."
    )
    return Answer(asdict(done), (text,))
