"""Short ways to write files and to read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import DataReport, inspect_task

Inspect = Callable[..., DataReport]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Write files, by name below an empty folder, and inspect that folder, or ``at`` one of them."""

    def run(files: Mapping[str, str | bytes], at: str = "", **keys: Any) -> DataReport:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return inspect_task(DataConfig(name="small", source="files", path=str(tmp_path / at), **keys))

    return run
