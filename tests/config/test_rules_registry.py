"""Our rules of names against MLflow's own: what we let through, MLflow takes."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from embedtune.config.rules.place import MAX_NAME, is_name
from embedtune.config.rules.registry import alias_problems, experiment_problems

NEAR = st.text(st.sampled_from(string.ascii_letters + string.digits + "._-/: v1üé٣\n"), max_size=12) | st.text(
    max_size=300
)
"""Texts that are nearly names, and any others."""


def takes(check: Callable[[Any], Any], value: str) -> bool:
    try:
        check(value)
    except MlflowException:
        return False
    return True


def mlflow_takes_alias(alias: str) -> bool:
    checks = (validation._validate_model_alias_name, validation._validate_model_alias_name_reserved)
    return all(takes(check, alias) for check in checks)


@given(NEAR)
@example("latest")
@example("LATEST")
@example("v1")
@example("V22")
@example("a\n")
@example("a" * 256)
@example("candidate")
def test_an_alias_that_passes_is_one_that_mlflow_takes_and_no_other_is_refused(alias: str) -> None:
    ours = not list(alias_problems(alias))
    if ours:
        assert mlflow_takes_alias(alias)
    elif mlflow_takes_alias(alias):
        assert alias in ("champion", "previous_champion") or alias.endswith("\n")


@given(NEAR)
@example("a..b")
@example("a.")
@example("a" * MAX_NAME)
def test_a_name_that_passes_is_a_registered_model_to_mlflow(name: str) -> None:
    if is_name(name):
        assert takes(validation._validate_model_name, name)
        assert len(name) <= MAX_NAME


@given(NEAR | st.text(min_size=499, max_size=502))
@example("")
@example("a" * 501)
def test_an_experiment_that_passes_is_one_to_mlflow(name: str) -> None:
    if not list(experiment_problems(name)):
        assert takes(validation._validate_experiment_name, name)


@pytest.mark.parametrize("alias", ["latest", "Latest", "v1", "V12", "a b", "", "a/b", "champion", "x" * 256])
def test_an_alias_that_cannot_be_set_says_why(alias: str) -> None:
    problems = list(alias_problems(alias))
    assert problems
    assert all(problem.startswith("release.alias must ") for problem in problems)
