"""Which configurations a study has tried; a trial that has ended is looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial

from embedtune.study import REPEAT, takes_part
from embedtune.study.storage.optuna_private import queued_params
from embedtune.sweep.space.space import Identity, Space


@dataclass
class Tried:
    """The configurations of a study's trials, up to its last look at them.

    Attributes:
        space: Tells equal configurations.
    """

    space: Space
    _ended: dict[Identity, list[int]] = field(default_factory=dict)
    _open: list[int] = field(default_factory=list)
    _seen: int = 0

    def twins(self, trials: Sequence[FrozenTrial], identity: Identity) -> list[FrozenTrial]:
        """The trials that run, ran, or wait to run again with this configuration, in order of number.

        Args:
            trials: All of the study.
            identity: Of the configuration.
        """
        self._look(trials)
        accepted = [own for own in self._unfinished(trials) if REPEAT in own.user_attrs]
        same = [own for own in accepted if self.identity(own) == identity]
        ended = [trials[number] for number in self._ended.get(identity, ())]
        return sorted([*(own for own in ended if REPEAT in own.user_attrs), *same], key=lambda own: own.number)

    def all(self, trials: Sequence[FrozenTrial]) -> Iterator[Identity]:
        """The configuration of every trial that takes part, those that only wait included."""
        self._look(trials)
        for identity, numbers in self._ended.items():
            yield from [identity] * len(numbers)
        yield from map(self.identity, self._unfinished(trials))

    def identity(self, trial: FrozenTrial) -> Identity:
        """The configuration of a trial, as far as it has one."""
        return self.space.identity({**queued_params(trial), **trial.params})

    def _unfinished(self, trials: Sequence[FrozenTrial]) -> Iterator[FrozenTrial]:
        return (trials[number] for number in self._open if takes_part(trials[number]))

    def _look(self, trials: Sequence[FrozenTrial]) -> None:
        still_open = []
        for number in [*self._open, *range(self._seen, len(trials))]:
            trial = trials[number]
            if not trial.state.is_finished():
                still_open.append(number)
            elif takes_part(trial):
                self._ended.setdefault(self.identity(trial), []).append(number)
        self._open, self._seen = still_open, len(trials)
