"""One thing found in the data, with its places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from embedtune.data.drafts import Place, Problem, listed, tell
from embedtune.typed import Document

PLACES = 20
"""Named of one finding; more are counted."""

_SHOWN = 3
"""Named in its sentence."""


@dataclass(frozen=True)
class Finding:
    """One kind of thing, wherever it occurs.

    Attributes:
        kind: The same word for the same kind in every data set.
        severity: Errors prevent training; warnings do not.
        message: A sentence for people.
        count: How often it occurs.
        places: Up to :data:`PLACES` of them.
    """

    kind: str
    severity: Literal["error", "warning"]
    message: str
    count: int = 1
    places: tuple[Place, ...] = ()

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "count": self.count,
            "places": [
                {"file": place.file, place.unit: place.number, "id": place.id}
                for place in self.places
            ],
        }  # fmt: skip


def warn(kind: str, places: Sequence[Place], message: str) -> Finding:
    """A warning; the first of its places end its sentence."""
    return Finding(kind, "warning", tell(f"{message}: {listed(places, _SHOWN)}."), len(places), tuple(places[:PLACES]))


def findings_of(problems: Iterable[Problem], warnings: Iterable[str]) -> list[Finding]:
    """What reading and checking found: problems by kind, then each warning."""
    found: dict[str, Finding] = {}
    for problem in problems:
        known = found.get(problem.kind) or Finding(problem.kind, "error", tell(problem.message), 0)
        places = known.places if problem.place is None else (*known.places, problem.place)
        found[problem.kind] = replace(known, count=known.count + 1, places=places[:PLACES])
    return [*found.values(), *(Finding("reading", "warning", warning) for warning in warnings)]
