from __future__ import annotations

import pytest

from embedtune.records import Objective, SecondObjective

METRICS = {"64": {"cosine_map@100": 0.8}, "16": {"cosine_map@100": 0.5}}
QUALITY, SIZE = SecondObjective(16), SecondObjective(None)


@pytest.mark.parametrize("written", [None, 16, "dimension"])
def test_what_is_written_is_read_again(written: int | str | None) -> None:
    objective = Objective("cosine_map@100", 64, SecondObjective.read(written))
    assert objective.to_dict() == {"objective": "cosine_map@100", "dim": 64, "second": written}
    assert Objective.from_dict(objective.to_dict()) == objective


def test_definitions_of_older_versions_have_no_second() -> None:
    assert Objective.from_dict({"objective": "cosine_map@100", "dim": 64}).second is None


def test_values_of_an_evaluation() -> None:
    assert Objective("cosine_map@100", 64).value(METRICS) == 0.8
    assert Objective("cosine_map@100", 64, QUALITY).second_quality(METRICS) == 0.5
    assert Objective("cosine_map@100", 64, SIZE).second_quality(METRICS) is None
    assert Objective("cosine_map@100", 64).second_quality(METRICS) is None


def test_a_quality_grows_and_a_size_shrinks() -> None:
    directions = [Objective("cosine_map@100", 64, second).directions for second in (None, QUALITY, SIZE)]
    assert directions == [("maximize",), ("maximize", "maximize"), ("maximize", "minimize")]
    assert (QUALITY.merit(0.5), SIZE.merit(128.0)) == (0.5, -128.0)


def test_words_for_people() -> None:
    assert (QUALITY.label, SIZE.label) == ("@16d", "dimension")
    assert (QUALITY.text(0.25), SIZE.text(128.0), SIZE.text(None)) == ("0.2500", "128", "")
    assert (QUALITY.plain(0.25), repr(SIZE.plain(128.0))) == (0.25, "128")
