"""How the pages are rendered: every text is escaped, and pictures are part of the page."""

from __future__ import annotations

import base64

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def page_templates(*packages: str) -> Environment:
    """The templates of these packages, and those that all pages share."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, "") for name in (*packages, "embedtune.reporting.page")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
