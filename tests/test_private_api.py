"""What embedtune uses of a library beyond its documented interface is there, and is used in one file a library."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

import structure

PRIVATE = (
    # library, file, name as MODULE:ATTRIBUTE
    ("hydra", "config/hydra_private.py", "hydra.core.config_loader:ConfigLoader.load_sweep_config"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.overrides_parser:OverridesParser.create"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.overrides_parser:OverridesParser.parse_overrides"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:IntervalSweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.get_key_element"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.is_choice_sweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.is_sweep_override"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.sweep_iterator"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Override.value"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:RangeSweep"),
    ("hydra", "config/hydra_private.py", "hydra.core.override_parser.types:Transformer.identity"),
    ("hydra", "config/hydra_private.py", "hydra.core.plugins:Plugins.instantiate_launcher"),
)

UNDOCUMENTED = {"hydra": r"hydra\.(?:_internal|core\.(?:override_parser|config_loader|plugins)|plugins\.launcher)"}
"""Library -> its modules that no page of its documentation names."""


def find(address: str) -> Any:
    module, _, path = address.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("address", [address for _, _, address in PRIVATE])
def test_the_name_is_there(address: str) -> None:
    assert find(address) is not None


@pytest.mark.parametrize("library", UNDOCUMENTED)
def test_each_library_is_touched_in_one_file(library: str) -> None:
    allowed = {file for name, file, _ in PRIVATE if name == library}
    assert len(allowed) == 1
    assert set(_users(UNDOCUMENTED[library])) == allowed


def _users(pattern: str) -> Iterator[str]:
    for file in structure.modules(structure.PACKAGE).values():
        if re.search(rf"^\s*(?:from|import) {pattern}\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield file.relative_to(structure.PACKAGE).as_posix()
