from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data.near_duplicates import near_pairs, representatives, shingles

WORDS = st.sampled_from(["red", "green", "blue", "Rot", "vert", "café", "№7", "the", "of"])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=6), max_size=12)


def similarity(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


pure = settings(deadline=None, max_examples=60)

LONG = " ".join(f"word{number}" for number in range(60))


@pure
@given(texts=TEXTS, threshold=st.floats(0.05, 1.0))
def test_pairs_are_as_similar_as_said_and_the_earlier_comes_first(texts: list[str], threshold: float) -> None:
    order = {text: place for place, text in reversed(list(enumerate(texts)))}
    for one, other in near_pairs(texts, threshold):
        assert similarity(one, other) >= threshold
        assert order[one] < order[other]


@pure
@given(texts=TEXTS)
def test_a_representative_is_the_first_of_its_texts_and_stands_for_itself(texts: list[str]) -> None:
    found = representatives(texts, 0.8)
    for text, head in found.items():
        assert found[head] == head
        assert texts.index(head) <= texts.index(text)
    for one, other in near_pairs(texts, 0.8):
        assert found[one] == found[other]


def test_case_punctuation_and_blanks_make_no_difference() -> None:
    assert list(near_pairs(["Who keeps the lamp?", "who keeps the lamp", "WHO  keeps the lamp!"], 1.0)) == [
        ("Who keeps the lamp?", "who keeps the lamp"),
        ("Who keeps the lamp?", "WHO  keeps the lamp!"),
    ]


def test_one_word_of_many_is_near_and_another_order_is_not() -> None:
    changed, reversed_words = LONG.replace("word59", "other"), " ".join(reversed(LONG.split()))
    assert list(near_pairs([LONG, changed, reversed_words], 0.9)) == [(LONG, changed)]


def test_a_chain_has_one_representative() -> None:
    one = LONG.replace("word0 ", "first ")
    other = one.replace("word59", "last")
    assert similarity(LONG, other) < 0.95 <= similarity(LONG, one)
    assert representatives([other, LONG, one, "alone"], 0.95) == dict.fromkeys((other, LONG, one), other)


def test_nearly_all_planted_pairs_are_found_among_many() -> None:
    texts = [" ".join(f"w{(number * 37 + place * place) % 997}" for place in range(40)) for number in range(300)]
    planted = [f"{text} more" for text in texts[::3]]
    found = {other for _, other in near_pairs([*texts, *planted], 0.9)}
    assert len(found & set(planted)) >= 0.99 * len(planted)


def test_no_text_and_texts_without_words() -> None:
    assert list(near_pairs([], 0.9)) == []
    assert list(near_pairs(["", "...", "?"], 0.9)) == [("", "..."), ("", "?")]
