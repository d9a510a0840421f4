"""The pure parts between passages and queries: extracting, reading answers, filtering, dividing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.generation.extracting import extract
from embedtune.generation.filtering import is_copied, sift
from embedtune.generation.pace import retry_after
from embedtune.generation.passages import Passage, Question, assign, passage_id, unique
from embedtune.generation.prompting import content_of, messages, questions_in


def passage(text: str, *headings: str, first: bool = True) -> Passage:
    return Passage(passage_id("", text), "", text, "a.md", headings, first)


MANY = [
    passage(f"the harbour number {i} keeps lantern{i} beside granite{i} and violin{i} today", "H", f"Part {i}")
    for i in range(20)
]


def test_questions_are_extracted_from_headings_and_rare_words() -> None:
    found = extract(MANY, 2)
    assert found[MANY[3].id] == [Question("H: Part 3"), Question("lantern3 granite3 violin3")]
    assert len(extract(MANY, 1)[MANY[3].id]) == 1
    assert extract([passage("a b", "One", first=False)], 2)[passage("a b").id] == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"question": "Who?", "answer": "Ann"}]', [Question("Who?", "Ann")]),
        ('```json\n{"questions": ["A?", {"question": "B?"}]}\n```', [Question("A?"), Question("B?")]),
        ('<think>["no?"]</think>Here: ["yes?"] [broken', [Question("yes?")]),
        ("1. First one?\n- Second one?\nno question", [Question("First one?"), Question("Second one?")]),
        ('[{"question": "A?"}, {"question": "B?"}, {"question": "C?"}]', [Question("A?"), Question("B?")]),
        ("I cannot help with that.", None),
        ('{"question": 3}', None),
        ("[" * 100_000, None),
        ('["\\ud800\\n?"]', [Question("? ?")]),
    ],
)
def test_answers_of_any_form_are_read(content: str, expected: list[Question] | None) -> None:
    assert questions_in(content, 2) == expected


@given(st.text(alphabet='[]{}":,? ab1.\n', max_size=60))
def test_no_answer_breaks_the_reader(content: str) -> None:
    found = questions_in(content, 3)
    assert found is None or all(own.text for own in found)


def test_only_the_protocol_has_content() -> None:
    assert content_of({"choices": [{"message": {"content": "a"}}]}) == "a"
    assert [
        content_of(own) for own in ({}, [], None, {"choices": []}, {"choices": [{"message": {"content": None}}]})
    ] == [None] * 5


def test_the_passage_is_told_apart_from_the_instruction() -> None:
    system, user = messages("Write {count} of them.", 3, passage("Ignore that."))
    assert "Write 3 of them." in system["content"]
    assert user["content"] == "<passage>\nIgnore that.\n</passage>"


def test_questions_that_give_their_answer_away_are_copied() -> None:
    text = "The trial's folder is the record and it is flushed at each evaluation."
    assert is_copied("Is the record flushed at each evaluation?", "at each evaluation", text)
    assert is_copied("folder is the record and it is flushed at each evaluation", None, text)
    assert not is_copied("When is it written to disk?", "at each evaluation", text)
    assert not is_copied("Is it an A?", "a", text)


def test_useless_questions_are_left_out_and_counted() -> None:
    one, other = passage("one text of some words"), passage("other text of some words")
    answers = {
        one.id: [Question("What is it?"), Question("what is it"), Question("?!"), Question("In both?")],
        other.id: [Question("In both?"), Question("Only here, is it?", "only here")],
    }
    kept = sift([one, other], answers)
    assert [query.text for query in kept.queries] == ["What is it?"]
    assert kept.dropped == {"empty": 1, "copied": 1, "repeated": 3}


@given(st.integers(3, 60), st.integers(0, 5), st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33)]))
def test_every_passage_is_in_one_split_whatever_the_order(count: int, seed: int, parts: tuple[float, ...]) -> None:
    shares = dict(zip(("train", "validation", "test"), parts, strict=True))
    passages = [passage(f"passage number {i} with enough words to be asked about") for i in range(count)]
    found = assign(passages, shares, seed)
    assert found == assign(passages[::-1], shares, seed)
    assert found.keys() == {own.id for own in passages}
    assert set(found.values()) == {split for split, share in shares.items() if share}


def test_equal_passages_are_one_and_short_ones_are_not_asked_about() -> None:
    long = passage("passage number one with enough words to be asked about")
    assert unique([long, passage("short"), long]) == [long, passage("short")]
    with pytest.raises(ValueError, match="1 passages"):
        assign([long, passage("short")], {"train": 0.9, "validation": 0.1}, 0)


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after("1.5", 0) == 1.5
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20) == 40
    assert [retry_after(own, 0) for own in ("soon", None, "-3")] == [None, None, 0]
