"""Where a person looks next."""

from __future__ import annotations

from embedtune.commands.answer import workspace
from embedtune.config import Config
from embedtune.errors import TrackingError
from embedtune.tracking import links, open_store, peek_store
from embedtune.tracking.store import is_database, store_uri


def browse_line(config: Config, study: str | None = None) -> list[str]:
    """The line that tells where to look, if there is a store to look at."""
    address = leaderboard_address(config, study)
    if address is None:
        return []
    served = is_database(store_uri(config.tracking, workspace(config)))
    return [f"Browse:  python -m embedtune ui   then open {address}" if served else f"Browse:  open {address}"]


def leaderboard_address(config: Config, study: str | None = None) -> str | None:
    """The address of the leaderboard in the MLflow UI; None while there is no store to look at."""
    if not config.tracking.enabled:
        return None
    try:
        store = peek_store(config.tracking, workspace(config)) or open_store(config.tracking, workspace(config))
        return links(store, config.tracking, study).leaderboard
    except TrackingError:
        return None
