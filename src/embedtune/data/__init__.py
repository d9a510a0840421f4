"""Reading, checking and describing a retrieval task."""

from embedtune.data.load import inspect_task, load_task
from embedtune.data.report import DataReport

__all__ = ["DataReport", "inspect_task", "load_task"]
