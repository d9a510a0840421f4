"""The record in MLflow: the content of a trial folder, delivered any number of times.

Importing this costs no mlflow: its modules import it when they first talk to a store.
"""

from embedtune.tracking.checkpoints import deliver_checkpoints
from embedtune.tracking.links import Links, StoreAddress, links
from embedtune.tracking.place.relocate import Relocation, relocate_store
from embedtune.tracking.registry import (
    Champion,
    NewVersion,
    check_registry,
    find_champion,
    register_release,
    roll_back,
    version_tags,
)
from embedtune.tracking.store import Store, open_store, peek_store
from embedtune.tracking.study_run import deliver_study
from embedtune.tracking.trial_run import deliver_trial, is_delivered
from embedtune.tracking.ui import check_servable, serve_ui

__all__ = [
    "Champion",
    "Links",
    "NewVersion",
    "Relocation",
    "Store",
    "StoreAddress",
    "check_registry",
    "check_servable",
    "deliver_checkpoints",
    "deliver_study",
    "deliver_trial",
    "find_champion",
    "is_delivered",
    "links",
    "open_store",
    "peek_store",
    "register_release",
    "relocate_store",
    "roll_back",
    "serve_ui",
    "version_tags",
]
