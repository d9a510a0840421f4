from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedtune.records import Opening
from embedtune.release.choice.candidates import Candidate, Kind, Pool
from embedtune.release.choice.selection import select
from embedtune.release.gate import gate
from embedtune.release.gate.decision import Decision, stand
from embedtune.release.gate.gate import Scores
from embedtune.release.gate.sizes import Precision, Size, judge_sizes
from embedtune.statistics import Criterion

QUERIES = 40
GROUPS = np.arange(QUERIES) // 2
CRITERION = Criterion(margin=0.01, resamples=500)
BASE = np.linspace(0, 0.8, QUERIES)
NOISE = np.random.default_rng(0).normal(0, 0.05, QUERIES)


def judge(chosen: Scores, untuned: Scores, groups: NDArray[np.intp], **more: Any) -> gate.Verdict:
    """Against one untuned model."""
    return gate.judge(chosen, {"untuned model": untuned}, groups, **more)


def decide(gain: float, *, gated: bool = True, incumbent: float | None = None, trials: int = 5) -> Decision:
    tried = {number: BASE + gain + number * NOISE / 10 for number in range(trials)}
    candidates = [
        Candidate(f"trial {number}", Kind.TRIAL, scores, 384, 10.0 + number, (number,), folder=Path(f"/{number}"))
        for number, scores in tried.items()
    ]
    pool = Pool((*candidates, Candidate("untuned model", Kind.UNTUNED, BASE, 384)), tried, GROUPS, "validation")
    selection = select(pool.candidates, GROUPS, only_new=True)
    other = None if incumbent is None else BASE + incumbent
    verdict = judge(BASE + gain + NOISE, BASE, GROUPS, incumbent=other, criterion=CRITERION)
    return Decision(
        objective="cosine_map@100",
        dim=384,
        criterion=CRITERION,
        gated=gated,
        standings=stand(pool, CRITERION),
        chosen_on="validation",
        selection=selection,
        judged_on="test",
        verdict=verdict,
        sizes=judge_sizes([Size(384, Precision.FLOAT32, BASE), Size(64, Precision.INT8, BASE)], GROUPS, CRITERION),
        openings=(Opening(1, "release mine", "embedtune release"),),
        time=1,
    )


def test_a_promotion_gives_every_test_as_its_reason() -> None:
    decision = decide(0.2, incumbent=0.19)

    assert decision.promoted
    better, not_worse = decision.reasons
    assert better.startswith("trial 0 is better than the untuned model: +0.19")
    assert "(95 % interval +0.1" in better
    assert "p = 0.00" in better
    assert better.endswith("on 40 test queries in 20 groups that share passages.")
    assert not_worse.startswith("trial 0 is worse than the incumbent by no more than 0.01: ")


def test_a_refusal_says_what_failed_and_what_it_would_need() -> None:
    decision = decide(0.005, incumbent=0.3)

    assert not decision.promoted
    better, not_worse = decision.reasons
    assert better.startswith("trial 0 was not shown to be better than the untuned model: ")
    assert not_worse.startswith("trial 0 was not shown to be worse than the incumbent by no more than 0.01: -0.2")
    assert not_worse.endswith("more queries alone would not help.")
    assert decision.queries_needed is None
    assert "would need about" in decide(0.005).reasons[0] or "points the other way" in decide(0.005).reasons[0]


def test_without_the_gate_it_is_exported_all_the_same() -> None:
    decision = decide(-0.2, gated=False)

    assert decision.promoted
    assert decision.to_dict()["comparisons"][0]["passed"] is False


def test_the_best_of_trials_is_shrunken_and_the_rest_is_not() -> None:
    decision = decide(0.1)

    assert [standing.candidate.name for standing in decision.standings][-1] == "untuned model"
    assert decision.standings[-1].shrunken is None
    shrunken = [standing.shrunken for standing in decision.standings[:-1]]
    values = [standing.candidate.value for standing in decision.standings[:-1]]
    assert all(value is not None for value in shrunken)
    assert max(value for value in shrunken if value is not None) <= max(values) + 1e-12


def test_the_document_is_plain_json() -> None:
    document = decide(0.2, incumbent=0.19).to_dict()

    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["verdict"] == "promote"
    assert document["chosen"] == {"name": "trial 0", "kind": "trial", "trials": [0]}
    assert [entry["against"] for entry in document["comparisons"]] == ["untuned model", "incumbent"]
    assert document["dims"]["cheapest"] == {"dim": 64, "precision": "int8"}
    assert document["dims"]["smallest"] == 384
    assert document["openings"] == [{"time": 1, "reason": "release mine", "command": "embedtune release"}]


def test_an_effect_without_deviation_has_no_size() -> None:
    verdict = judge(np.ones(QUERIES), np.zeros(QUERIES), GROUPS, criterion=CRITERION)

    document = replace(decide(0.2), verdict=verdict).to_dict()

    assert document["comparisons"][0]["effect_size"] is None
    json.dumps(document, allow_nan=False)
