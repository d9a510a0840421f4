from __future__ import annotations

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


def test_sweeper_is_discovered() -> None:
    names = {sweeper.__name__ for sweeper in Plugins.instance().discover(Sweeper)}
    assert "EmbedtuneSweeper" in names
