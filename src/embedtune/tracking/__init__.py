"""The record in MLflow: whatever a trial folder holds, delivered as often as one likes.

Importing this costs no mlflow: its modules import it when they first talk to a store.
"""

from embedtune.tracking.checkpoints import deliver_checkpoints
from embedtune.tracking.registry import register_release
from embedtune.tracking.relocate import Relocation, relocate_store
from embedtune.tracking.store import Links, Store, links, open_store, peek_store
from embedtune.tracking.study_run import deliver_study
from embedtune.tracking.trial_run import deliver_trial
from embedtune.tracking.ui import check_servable, serve_ui

__all__ = [
    "Links",
    "Relocation",
    "Store",
    "check_servable",
    "deliver_checkpoints",
    "deliver_study",
    "deliver_trial",
    "links",
    "open_store",
    "peek_store",
    "register_release",
    "relocate_store",
    "serve_ui",
]
