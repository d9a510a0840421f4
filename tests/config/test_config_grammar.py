from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from embedtune.config.grammar import as_hydra_takes_it, choices, parse, quote, verbatim
from embedtune.errors import ConfigError

TEXTS = st.text(st.characters(exclude_categories=("Cs",))) | st.text(alphabet="\\'\"${}[](),=:~ \ta1tü\n", max_size=12)
WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(
    lambda word: word.lower() not in ("true", "false", "null", "inf", "nan")
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.integers(), inner, max_size=4)
)
ODD = ["", " ", "wörk/a", "a=b", "~/m", "a,b", "[x]", "{x}", "(x)", "it's", '"', "'", "\\", "a\\", "a\\\\", "\\'",
       "'\\", "true", "False", "null", "NULL", "1", "1e3", "-1", "1_000", "nan", "Inf", "${x}", "a:b", " a", "a ",
       "\n", "\0",
       "choice(1, 2)", "interval(0, 1)", "???", "C:\\x\\", "\u202e", "😀"]  # fmt: skip


def equal(one: Any, other: Any) -> bool:
    """Equal and of the same type, all the way down; nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def read(text: str) -> Any:
    (override,) = parse([f"key={text}"])
    assert not override.is_sweep_override()
    return override.value()


@settings(deadline=None)
@given(VALUES)
def test_a_quoted_value_is_read_as_itself(value: Any) -> None:
    assert equal(read(quote(value)), value)


@pytest.mark.parametrize("value", ODD)
def test_an_odd_text_is_read_as_itself(value: str) -> None:
    assert equal(read(quote(value)), value)
    assert equal(read(quote([value, {"a": value}])), [value, {"a": value}])


@settings(deadline=None)
@given(st.lists(SCALARS.filter(lambda value: not isinstance(value, float) or math.isfinite(value)), min_size=2))
def test_quoted_values_make_a_choice(values: list[Any]) -> None:
    (override,) = parse([f"key={','.join(map(quote, values))}"])
    assert equal(choices(override), values)


@pytest.mark.parametrize("key", ["it's", "ü", "a b", "true", ""])
def test_a_key_that_the_grammar_has_no_words_for_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a key of a mapping must be a plain word"):
        quote({key: 1})


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="set has no form"):
        quote({1, 2})


@settings(deadline=None)
@given(value=TEXTS.filter(lambda value: value != "???"))
@example(value="\\${x}")
@example(value="${x}\\")
@example(value="a\\\\${oc.env:HOME}")
def test_a_verbatim_text_is_composed_as_it_stands(value: str) -> None:
    assert OmegaConf.create({"key": read(quote(verbatim(value)))}).key == value


def test_verbatim_goes_into_lists_and_mappings() -> None:
    assert verbatim({"a": ["${x}", 1, None]}) == {"a": ["\\${x}", 1, None]}


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("data.path=plain", "data.path=plain"),
        ("data.path=a\\ü", 'data.path="a\\ü"'),
        ("data.path=ü's", 'data.path="ü\'s"'),
        ("data.path='ü'", "data.path='ü'"),
        ("model.name=a,'ü'", "model.name=a,'ü'"),
        ("model.max_seq_length=choice(null,16)", "model.max_seq_length=null,16"),
        ("model.max_seq_length=choice( 16 , null )", "model.max_seq_length= 16 , null "),
        ("train.scheduler=choice(nullable, x)", "train.scheduler=choice(nullable, x)"),
        ("-m", "-m"),
    ],
)
def test_what_hydra_would_refuse_is_written_as_it_takes_it(typed: str, taken: str) -> None:
    assert as_hydra_takes_it(typed) == taken


def test_a_backslash_beside_a_letter_beyond_ascii_arrives_once() -> None:
    (override,) = parse(["data.path=a\\ü"])
    assert override.value() == "a\\ü"


def test_a_choice_may_be_null() -> None:
    (override,) = parse(["model.max_seq_length=choice(null, 16)"])
    assert choices(override) == [None, 16]


def test_bad_grammar_is_refused() -> None:
    with pytest.raises(ConfigError, match="overrides must follow Hydra's grammar"):
        parse(["train.x=choice(1"])
