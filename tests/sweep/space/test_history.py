"""The configurations a study has tried, against a search through all its trials."""

from __future__ import annotations

import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from embedtune.study import ANSWERED_BY, REPEAT, takes_part
from embedtune.sweep.space.history import Tried
from embedtune.sweep.space.space import build_space

SPACE = build_space((), {"train.epochs": "choice(1, 2, 3)"}, (64,))
ENDS = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def trial_of(number: int, epochs: int, state: TrialState, attrs: dict[str, int], queued: bool) -> FrozenTrial:
    params = {"train.epochs": epochs}
    asked = {} if queued else {"params": params, "distributions": {"train.epochs": SPACE.distributions["train.epochs"]}}
    trial = optuna.trial.create_trial(
        state=TrialState.WAITING, user_attrs=attrs, system_attrs={"fixed_params": params} if queued else {}, **asked
    )
    trial.number, trial.state = number, state
    return trial


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.sampled_from([TrialState.RUNNING, TrialState.WAITING]),
            st.sampled_from([{}, {REPEAT: 0}, {ANSWERED_BY: 0}]),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from(ENDS)), max_size=8),
)
def test_what_is_remembered_is_what_a_search_finds(
    begun: list[tuple[int, TrialState, dict[str, int], bool]], ended: list[tuple[int, TrialState]]
) -> None:
    tried, trials = Tried(SPACE), []
    for number, (epochs, state, attrs, queued) in enumerate(begun):
        trials.append(trial_of(number, epochs, state, attrs, queued))
        tried.twins(trials, SPACE.identity({"train.epochs": 1}))
    for number, end in ended:
        if number < len(trials) and not trials[number].state.is_finished():
            epochs, _, attrs, queued = begun[number]
            trials[number] = trial_of(number, epochs, end, attrs, queued)
        for value in (1, 2, 3):
            identity = SPACE.identity({"train.epochs": value})
            same = [own for own in trials if tried.identity(own) == identity and takes_part(own)]
            assert tried.twins(trials, identity) == [own for own in same if REPEAT in own.user_attrs]
            assert list(tried.all(trials)).count(identity) == len(same)
