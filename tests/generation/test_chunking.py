from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from embedtune.generation.chunking import chunk, pieces_of


def words(texts: Sequence[str]) -> list[int]:
    """One token for every two letters of a word, so that long words have several."""
    return [sum(-(-len(word) // 2) for word in text.split()) for text in texts]


TEXT = st.text(alphabet="abcd .!?\n。é\u3000", max_size=300)


@given(TEXT, st.integers(1, 12), st.integers(0, 11))
def test_passages_are_short_enough_and_nothing_is_lost(text: str, size: int, overlap: int) -> None:
    found = chunk(text, size, min(overlap, size - 1), words)
    assert all(words([own])[0] <= size for own in found)
    assert all(own == own.strip() and own in text for own in found)
    pieces = pieces_of(text, size, words)
    assert "".join(text[own.start : own.end] for own in pieces).split() == text.split()
    letters = {letter for own in found for letter in own if not letter.isspace()}
    assert letters == {letter for letter in text if not letter.isspace()}


def test_a_passage_begins_with_the_end_of_the_one_before() -> None:
    text = "aa bb cc. dd ee ff. gg hh ii. jj kk ll."
    assert chunk(text, 6, 3, lambda texts: [len(own.split()) for own in texts]) == [
        "aa bb cc. dd ee ff.",
        "dd ee ff. gg hh ii.",
        "gg hh ii. jj kk ll.",
    ]
    assert chunk(text, 6, 0, lambda texts: [len(own.split()) for own in texts])[1] == "gg hh ii. jj kk ll."


def test_a_long_sentence_is_cut_between_words_and_a_long_word_anywhere() -> None:
    assert chunk("aa bb cc dd ee", 2, 0, words) == ["aa bb", "cc dd", "ee"]
    assert "".join(chunk("a" * 9, 2, 0, words)) == "a" * 9
    assert chunk(" \n ", 2, 0, words) == []
