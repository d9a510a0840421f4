"""``ui``. Apart from the other commands, because what they import costs seconds before the server can start."""

from __future__ import annotations

import logging

from embedtune.commands.address import leaderboard_address
from embedtune.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.tracking import check_servable, serve_ui
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
