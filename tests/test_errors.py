"""The tree of errors."""

from __future__ import annotations

import pickle

import pytest

from embedtune import errors
from embedtune.errors import EmbedtuneError, UserError, join_problems

CLASSES = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)]


@pytest.mark.parametrize("cls", CLASSES)
def test_error_survives_pickling_between_processes(cls: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(cls("train.epochs must be above 0, but got 0. Try 5.")))
    assert type(copy) is cls
    assert str(copy) == "train.epochs must be above 0, but got 0. Try 5."


@pytest.mark.parametrize("cls", CLASSES)
def test_error_belongs_to_the_tree_drawn_in_the_module(cls: type[Exception]) -> None:
    assert issubclass(cls, EmbedtuneError)
    assert cls.__name__ in str(errors.__doc__)


def test_user_errors_are_the_input_s_fault_and_no_others() -> None:
    user = {cls.__name__ for cls in CLASSES if issubclass(cls, UserError)}
    assert user == {"UserError", "ConfigError", "DataError", "ModelError", "RecordError"}


def test_join_problems_is_one_a_line() -> None:
    assert join_problems(iter(["first", "second"])) == "first\nsecond"
    assert join_problems([]) == ""
