"""``ui``, and the lines that say where to look. Imports little: a person waits for the server to start."""

from __future__ import annotations

import logging

from embedtune.cli.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.errors import TrackingError
from embedtune.tracking import check_servable, links, open_store, peek_store, serve_ui
from embedtune.tracking.place.uri import is_database, store_uri
from embedtune.tracking.ui import HOST

logger = logging.getLogger(__name__)


def ui(config: Config) -> Answer:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C.

    Raises:
        TrackingError: There is no store yet, or the port is taken.
    """
    check_servable(config.tracking, workspace(config))
    logger.info("Starting the MLflow UI ...")
    address = leaderboard_address(config, config.study.name) or f"http://{HOST}:{config.tracking.port}"
    serve_ui(config.tracking, workspace(config), lambda: logger.info("Ready: open %s (Ctrl-C ends)", address))
    return Answer({"address": address})


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
