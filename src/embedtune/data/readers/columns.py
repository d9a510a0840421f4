"""Which column of a file has which role: as the user says, or by the usual names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from embedtune.data.drafts import Notes, listed

_NAMES = {
    "anchor": ("anchor", "query", "question", "sentence1", "sentence_0"),
    "positive": (
        "positive", "answer", "passage", "context", "sentence2", "sentence_1", "pos", "positives", "positive_passages",
    ),
    "negative": ("negative", "sentence3", "sentence_2", "neg", "negatives", "negative_passages"),
    "score": ("score", "label", "labels", "scores", "similarity_score"),
    "group": (),
}  # fmt: skip
"""Role -> usual names, those of sentence-transformers first, then of FlagEmbedding (pos, neg) and Tevatron. Groups have
none: which rows belong together is the user's to say."""

_ROLE = re.compile(r"(anchor|score|group|(positive|negative)(?:_(\d{1,6}))?)")
PASSAGE_SCORES = ("pos_scores", "neg_scores")
"""FlagEmbedding's scores of a teacher: lists beside the positives and the negatives."""
_LISTED = 20


@dataclass(frozen=True)
class Roles:
    """The columns that are read; positives and negatives may have several."""

    anchor: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    """One column, or the two of :data:`PASSAGE_SCORES`."""
    groups: tuple[str, ...] = ()
    """One column, or none."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((self.anchor, *self.positives, *self.negatives, *self.scores, *self.groups)))


def is_role(name: str) -> bool:
    """Whether ``data.columns`` may have this key."""
    return _ROLE.fullmatch(name) is not None


def is_usual(name: str) -> bool:
    """Whether a column of this name has a role by default."""
    return is_role(_plain(name)) or any(_plain(name) in names for names in _NAMES.values())


def match_columns(found: Iterable[str], mapping: Mapping[str, str], file: str, notes: Notes) -> Roles | None:
    """The roles of a file's columns, or None after noting which role has no column or several.

    What the user says (``mapping``: role -> name) wins over the names that are usual.
    """
    names = list(found)
    before = len(notes.problems)
    chosen = {role: _columns_of(role, names, mapping, file, notes) for role in _NAMES}
    for name, count in Counter(names).items():
        if count > 1 and any(name in columns for columns in chosen.values()):
            notes.refuse("columns", f"{file} must not repeat a column, but got {name!r} {count} times. Rename one.")
    if len(notes.problems) > before:
        return None
    scores = chosen["score"] or _passage_scores(names, bool(chosen["negative"]))
    roles = Roles(chosen["anchor"][0], chosen["positive"], chosen["negative"], scores, chosen["group"])
    _name_unread([name for name in names if name not in roles.columns], file, notes)
    return roles


def _columns_of(
    role: str, names: Sequence[str], mapping: Mapping[str, str], file: str, notes: Notes
) -> tuple[str, ...]:
    """The columns of one role, in the order of their numbers."""
    shown = listed(names, _LISTED) or "none"
    given = {key: mapping[key] for key in sorted(mapping, key=_number) if _role(key) == role}
    for key, name in given.items():
        if name not in names:
            message = f"data.columns.{key} must be a column of {file}, but got {name}; it has {shown}. Use one."
            notes.refuse("columns", message)
    if given or role == "group":
        return tuple(given.values())
    exact = [name for name in names if _role(name) == role]
    usual = list(dict.fromkeys(exact or (name for name in names if _is_named(name, role))))
    family = [name for name in usual if _role(_plain(name)) == role]
    if len(usual) > 1 and len(family) < len(usual):
        message = f"{file} must have one column for {role}, but got {listed(usual)}. Set data.columns.{role}."
        notes.refuse("columns", message)
    elif not usual and role in ("anchor", "positive"):
        message = f"{file} must have a column for {role} ({', '.join(_NAMES[role])}), but got {shown}."
        notes.refuse("columns", f"{message} Rename one or set data.columns.{role}.")
    return tuple(sorted(usual, key=_number))


def _name_unread(unread: Sequence[str], file: str, notes: Notes) -> None:
    """Report the columns that nothing reads."""
    if unread:
        shown = listed([repr(name) for name in dict.fromkeys(unread)], _LISTED)
        notes.warnings.append(
            f"{file} has columns that are not read: {shown}. data.columns.ROLE=NAME gives one the role of anchor, "
            "positive, negative, score or group."
        )


def _passage_scores(names: Sequence[str], negatives: bool) -> tuple[str, ...]:
    """The columns of a teacher's scores, where there is one for every passage."""
    wanted = PASSAGE_SCORES if negatives else PASSAGE_SCORES[:1]
    return wanted if set(wanted) <= set(names) else ()


def _is_named(name: str, role: str) -> bool:
    return _plain(name) in _NAMES[role] or _role(_plain(name)) == role


def _plain(name: str) -> str:
    return name.strip().lower()


def _role(name: str) -> str | None:
    """The role that a column is named after: ``negative`` for negative_3."""
    match = _ROLE.fullmatch(name)
    return (match[2] or match[1]) if match else None


def _number(name: str) -> tuple[int, str]:
    """Order of columns of one role: the one without a number first."""
    match = _ROLE.fullmatch(_plain(name))
    return int(match[3] or -1) if match else -1, name
