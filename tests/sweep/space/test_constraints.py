from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from embedtune.errors import ConfigError
from embedtune.records import State, TrialRecord
from embedtune.sweep.space.constraints import Constraints, parse_constraints
from embedtune.sweep.space.space import Space, build_space

DEFAULTS = {"train.epochs": 5.0, "train.batch_size": 20, "train.scheduler": "linear", "train.warmup_ratio": 0.0}
SEARCHED = {"train.batch_size": "choice(16, 64)", "train.scheduler": "choice(linear, cosine)",
            "train.warmup_ratio": "interval(0.0, 0.5)"}  # fmt: skip


def read(*texts: str, conditions: Mapping[str, str] | None = None) -> Constraints:
    return parse_constraints(list(texts), space(conditions), DEFAULTS.__getitem__, [64, 32])


def space(conditions: Mapping[str, str] | None = None) -> Space:
    return build_space((), SEARCHED, (64,), conditions=conditions)


def record(**values: Any) -> TrialRecord:
    return TrialRecord("s", 0, State.COMPLETE, **values)


def test_before_is_what_names_no_outcome() -> None:
    constraints = read("train.batch_size * train.epochs <= 160", "seconds <= 600", "32/cosine_map@100 >= 0.7")
    assert [own.text for own in constraints.before] == ["train.batch_size * train.epochs <= 160"]
    assert constraints.texts == [
        "train.batch_size * train.epochs <= 160", "seconds <= 600", "32/cosine_map@100 >= 0.7",
    ]  # fmt: skip


def test_broken_by_takes_what_is_not_searched_from_the_configuration() -> None:
    constraints = read("train.batch_size * train.epochs <= 160")
    broken = constraints.broken_by({"train.batch_size": 64})
    assert broken is not None
    assert broken.text == "train.batch_size * train.epochs <= 160"
    assert constraints.broken_by({"train.batch_size": 16}) is None
    assert constraints.broken_by({}) is None


def test_broken_by_an_absent_parameter_has_its_default() -> None:
    constraints = read("train.warmup_ratio <= 0.1", conditions={"train.warmup_ratio": "train.scheduler=cosine"})
    assert constraints.broken_by({"train.scheduler": "linear"}) is None
    assert constraints.broken_by({"train.scheduler": "cosine", "train.warmup_ratio": 0.2}) is not None


def test_judge_reads_the_record() -> None:
    constraints = read(
        "seconds <= 10", "32/cosine_map@100 >= 0.7", "peak_memory_bytes <= 8e9", "train.batch_size <= 64"
    )
    judged = constraints.judge(
        record(seconds=12.0, metrics={"32": {"cosine_map@100": 0.75}}, params={"train.batch_size": 16})
    )
    assert judged["feasible"] is False
    assert judged["constraints"]["seconds <= 10"] == 2
    assert judged["constraints"]["32/cosine_map@100 >= 0.7"] == pytest.approx(-0.05)
    assert judged["constraints"]["peak_memory_bytes <= 8e9"] == 0  # not measured
    assert judged["constraints"]["train.batch_size <= 64"] == -48


def test_judge_makes_the_record_feasible_or_not() -> None:
    constraints = read("seconds <= 10")
    assert record(seconds=10.0, facts=constraints.judge(record(seconds=10.0))).feasible
    assert not record(seconds=11.0, facts=constraints.judge(record(seconds=11.0))).feasible
    assert record().feasible
    assert Constraints().judge(record()) == {}


def test_parse_constraints_takes_one_text() -> None:
    assert parse_constraints("seconds <= 1", space(), DEFAULTS.__getitem__, [64]).texts == ["seconds <= 1"]
    assert parse_constraints(None, space(), DEFAULTS.__getitem__, [64]) == Constraints()


def test_parse_constraints_says_every_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        read(
            "train.scheduler <= 3", "train.nope <= 1", "128/cosine_map@100 >= 0.5", "seconds", "train.batch_size <= 20"
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "train.scheduler can be linear, which is no number" in lines[0]
    assert "there is no train.nope" in lines[1]
    assert "128/cosine_map@100 is not measured; dimensions are 64, 32" in lines[2]
    assert "one of <=, >=, < and >" in lines[3]
