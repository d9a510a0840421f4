"""Uses of Optuna beyond its documented interface, each with its reason, and nowhere else.

``tests/test_private_api.py`` looks for every name and tries what each is for, so that a new version of Optuna turns red
in one place; it is the reason of the upper bound ``optuna<6``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.storages import BaseStorage, RDBStorage

# A backend of a journal is handed entries whose meaning only this names.
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import FrozenTrial

DURABLE = frozenset(
    {JournalOperation.CREATE_STUDY, JournalOperation.CREATE_TRIAL, JournalOperation.SET_TRIAL_STATE_VALUES}
)
"""Entries that a power cut must not take away once they are acknowledged; those before them are flushed with them."""


def silent_trials(storage: RDBStorage, study_id: int) -> set[int]:
    """Numbers of the running trials without a recent heartbeat, by the database's clock.

    What is documented, ``optuna.storages.fail_stale_trials``, fails them at once; we settle or queue them again.
    """
    return {storage.get_trial_number_from_id(stale) for stale in storage._get_stale_trial_ids(study_id)}


def set_constraint(storage: BaseStorage, trial_id: int, text: str, amount: float) -> None:
    """As ``optuna.Trial.set_constraint``, for a trial whose worker is gone: there is no live ``Trial`` of it."""
    storage.set_trial_system_attr(trial_id, f"constraints:{text}", amount)


def queued_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """The parameters fixed for a queued trial; the documented ``params`` appear only once it has asked for them."""
    params: Mapping[str, Any] = trial.system_attrs.get("fixed_params", {})
    return params
