"""Where Optuna keeps a study, and the locks that go with it: files of one machine, or a database that several share."""

from embedtune.study.storage.database import HEARTBEAT, is_lost, open_storage, persistently, reporting_lost
from embedtune.study.storage.journal import Journal
from embedtune.study.storage.locks import Locks, open_locks

__all__ = [
    "HEARTBEAT",
    "Journal",
    "Locks",
    "is_lost",
    "open_locks",
    "open_storage",
    "persistently",
    "reporting_lost",
]
