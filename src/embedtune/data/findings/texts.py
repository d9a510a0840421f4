"""Single texts that look wrong: unprintable, damaged, all beginning alike, in several languages. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from embedtune.data.drafts import Place, listed
from embedtune.data.findings.finding import Finding, warn
from embedtune.data.findings.located import Located, Part

PREFIX_WORDS, PREFIX_SHARE, PREFIX_TEXTS = 3, 0.2, 5
"""Boilerplate: that many words that begin at least that share of the texts, and that many of them."""

LANGUAGE_SHARE = 0.05
LANGUAGE_SAMPLE = 500
"""Texts of a part whose language is guessed."""
_LANGUAGE_WORDS = 6
"""Fewer do not tell a language."""

_DAMAGED = re.compile("\ufffd|Ã[\u0080-\u00bf]|â€[\u0080-\u00ff™œ\u2018-\u201d]|Â[\u00a0-\u00bf]")
"""What UTF-8 becomes that was decoded as something else, or could not be decoded."""
_MARKUP = re.compile(
    r"</?(?:p|div|span|br|li|ul|ol|td|tr|table|b|i|a|h[1-6])(?:\s[^<>]*)?/?>|&(?:nbsp|amp|quot|lt|gt);"
)
_KEPT = "\t\n\r"


def odd_texts(part: Part) -> Iterator[Finding]:
    """Findings of one part, each kind once."""
    everything = (*part.queries, *part.passages)
    tests = (
        ("control_characters", "have control characters, which a tokenizer drops or splits at", has_control),
        ("damaged_encoding", "were decoded in a wrong encoding", lambda text: _DAMAGED.search(text) is not None),
        ("markup", "have HTML in them", lambda text: _MARKUP.search(text) is not None),
    )
    for kind, said, test in tests:
        places = [own.place for own in everything if test(own.text)]
        if places:
            yield warn(kind, places, f"{part.name}: {len(places)} of {len(everything)} texts {said}")
    for noun, texts in (("queries", part.queries), ("passages", part.passages)):
        yield from _boilerplate(part.name, noun, texts)
    copied = [place for query, answer, place in part.pairs if _folded(query) == _folded(answer)]
    if copied:
        message = f"{part.name}: {len(copied)} of {len(part.pairs)} answers repeat their query"
        yield warn("answer_is_query", copied, message)


def languages(part: Part) -> Iterator[Finding]:
    """Whether the texts are in several languages, of a sample; guessed by py3langid."""
    import py3langid

    texts = [own for own in (*part.queries, *part.passages) if len(own.text.split()) >= _LANGUAGE_WORDS]
    stride = max(1, len(texts) // LANGUAGE_SAMPLE)
    places: dict[str, list[Place]] = {}
    for own in texts[::stride]:
        places.setdefault(py3langid.classify(own.text)[0], []).append(own.place)
    total = sum(map(len, places.values()))
    usual = {code: found for code, found in places.items() if len(found) >= max(2, LANGUAGE_SHARE * total)}
    if len(usual) > 1:
        ordered = sorted(usual, key=lambda code: (-len(usual[code]), code))
        shares = listed(f"{code} {len(usual[code]) / total:.0%}" for code in ordered)
        other = usual[ordered[1]]
        message = f"{part.name}: of {total} texts looked at, the languages are {shares}; {ordered[1]} e.g. at"
        yield warn("languages", other, message)


def has_control(text: str) -> bool:
    """Whether a text has a character that is neither printed nor a blank: C0 and C1 controls, but no line ends."""
    return any(unicodedata.category(c) == "Cc" and c not in _KEPT for c in text) if not text.isprintable() else False


def _boilerplate(name: str, noun: str, texts: Sequence[Located]) -> Iterator[Finding]:
    beginnings = Counter(tuple(own.text.split(None, PREFIX_WORDS)[:PREFIX_WORDS]) for own in texts)
    if not beginnings:
        return
    words, count = beginnings.most_common(1)[0]
    if len(words) < PREFIX_WORDS or count < max(PREFIX_TEXTS, PREFIX_SHARE * len(texts)):
        return
    found = [own for own in texts if tuple(own.text.split(None, PREFIX_WORDS)[:PREFIX_WORDS]) == words]
    message = (
        f"{name}: {count} of {len(texts)} {noun} begin with the same words, {' '.join(words)!r}, which say nothing"
    )
    yield warn("boilerplate", [own.place for own in found], f"{message} of each and use up its length")


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
