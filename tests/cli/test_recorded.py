from __future__ import annotations

from typing import Any

import pytest

from embedtune.cli.recorded import stand_in
from embedtune.config import DataConfig

RECORDED = DataConfig(name=None, source="files", path="a/rows.jsonl", columns={"anchor": "prompt"}, seed=7)
TYPED = DataConfig(name=None, path="b/rows2.jsonl", columns={"positive": "doc"}, seed=42)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], {}),
        (["run", "train.device"], {}),
        (["data.path"], {"path": "b/rows2.jsonl", "name": "rows"}),
        (["data.path", "data.seed"], {"path": "b/rows2.jsonl", "seed": 42, "name": "rows"}),
        (["data.columns.positive"], {"columns": {"anchor": "prompt", "positive": "doc"}, "name": "rows"}),
    ],
)
def test_typed_keys_stand_in_one_by_one(keys: list[str], expected: dict[str, Any]) -> None:
    found = stand_in(RECORDED, TYPED, keys)
    assert vars(found) == {**vars(RECORDED), **expected}


def test_a_typed_group_is_other_data() -> None:
    assert stand_in(RECORDED, TYPED, ["data", "data.path"]) == TYPED
