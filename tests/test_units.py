from __future__ import annotations

import pytest

from embedtune.units import duration, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (duration(0), "0.0 s"), (duration(4.23), "4.2 s"), (duration(59.4), "59 s"), (duration(59.9), "1 min 0 s"),
        (duration(185), "3 min 5 s"), (duration(7300), "2 h 1 min"),
        (size(1.536e9), "1.54 GB"), (size(128e6), "128 MB"), (size(2e12), "2 TB"), (size(500), "0.5 kB"),
    ],
)  # fmt: skip
def test_units(text: str, expected: str) -> None:
    assert text == expected
