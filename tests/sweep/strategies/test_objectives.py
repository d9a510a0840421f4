"""What a search may do under two objectives."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import GPSampler, GridSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection

from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.records import Objective, SecondObjective
from embedtune.study import open_study
from embedtune.sweep.space.space import Space, build_space
from embedtune.sweep.strategies.objectives import check_objectives

SIZES = Space({"eval.dim": CategoricalDistribution([64, 32])}, {}, ())
NOTHING = Space({}, {}, ())


@pytest.mark.parametrize("pruner", [None, NopPruner()])
@pytest.mark.parametrize(
    "sampler",
    [None, TPESampler(), GPSampler(), NSGAIISampler(), QMCSampler(), RandomSampler(), GridSampler({"a": [1, 2, 3]})],
    ids=lambda sampler: type(sampler).__name__,
)
def test_samplers_that_take_two_objectives(sampler: Any, pruner: Any) -> None:
    check_objectives(SecondObjective(32), NOTHING, sampler, pruner)
    check_objectives(SecondObjective(None), SIZES, sampler, pruner)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(lambda trial: (trial.suggest_int("a", 0, 3), 1.0), n_trials=3)
    assert len(study.best_trials) >= 1


def test_one_objective_may_be_pruned() -> None:
    check_objectives(None, NOTHING, None, MedianPruner())


def test_every_problem_is_said_at_once() -> None:
    from optuna.samplers import CmaEsSampler

    pytest.importorskip("cmaes")
    with pytest.raises(ConfigError) as refused:
        check_objectives(SecondObjective(None), NOTHING, CmaEsSampler(), MedianPruner())
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    assert "hydra.sweeper.pruner must be none with eval.second" in lines[0]
    assert "got MedianPruner. Add pruner=none" in lines[0]
    assert "got CmaEsSampler. Try sampler=motpe." in lines[1]
    assert "eval.dim must be searched with eval.second=dimension" in lines[2]


def test_only_the_size_as_an_objective_lets_it_be_searched() -> None:
    searched = {"eval.dim": "choice(64, 32)"}
    assert list(build_space((), searched, (), sized=True).distributions) == ["eval.dim"]
    with pytest.raises(ConfigError, match=r"eval\.dim must have one value"):
        build_space((), searched, ())
    with pytest.raises(ConfigError, match=r"eval\.objective must have one value"):
        build_space((), {"eval.objective": "choice(a, b)"}, (), sized=True)


@pytest.mark.parametrize(
    ("second", "expected"),
    [(None, ["MAXIMIZE"]), (64, ["MAXIMIZE", "MAXIMIZE"]), ("dimension", ["MAXIMIZE", "MINIMIZE"])],
)
def test_directions_of_the_stored_study(tmp_path: Any, second: Any, expected: list[str]) -> None:
    paths = StudyPaths(tmp_path / "s")
    directions = Objective("cosine_map@100", 64, SecondObjective.read(second)).directions
    study = open_study(paths, directions=directions)
    assert study.optuna.directions == [StudyDirection[name] for name in expected]
    assert open_study(paths, directions=directions).optuna.directions == study.optuna.directions
