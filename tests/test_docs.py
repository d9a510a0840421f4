"""The texts tell the truth about the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedtune import __version__
from embedtune.cli.usage import COMMANDS, usage
from embedtune.config.explain import leaves
from embedtune.config.schema import Config

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path for folder in (".", "docs", "benchmarks", "sweeps", "mlruns") for path in (ROOT / folder).glob("*.md")
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_local_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(page))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_readme_names_every_command() -> None:
    readme = text_of(ROOT / "README.md")
    assert [name for name in COMMANDS if f"`{name}`" not in readme and name] == []


def test_readme_says_the_test_command_the_gate_runs() -> None:
    assert "uv run pytest\n" in text_of(ROOT / ".ci" / "run")
    assert "uv run pytest" in text_of(ROOT / "README.md")


def test_keys_in_the_texts_exist() -> None:
    groups = {leaf.partition(".")[0] for leaf in leaves(Config()) if "." in leaf}
    known = leaves(Config())
    typed = re.compile(rf"\b((?:{'|'.join(groups)})\.[a-z_.]+)=")
    for source in [*map(text_of, PAGES), usage()]:
        for key in typed.findall(source):
            assert any(key == leaf or key.startswith(f"{leaf}.") for leaf in known), key


def test_changelog_knows_the_version() -> None:
    assert f"## {__version__}" in text_of(ROOT / "CHANGELOG.md")
    assert f'version = "{__version__}"' in text_of(ROOT / "pyproject.toml")
