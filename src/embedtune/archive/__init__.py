"""What is recorded in folders, and the one boundary at which it is read back."""

from embedtune.archive.studies import known_definition, read_definition, read_openings, record_decision, record_opening
from embedtune.archive.trials import (
    append_evaluation,
    clear_unfinished,
    read_all,
    read_config,
    read_delivered,
    read_evaluations,
    read_facts,
    read_folder,
    read_recipe,
    read_record,
    read_records,
    require_config,
    write_delivered,
    write_header,
    write_result,
)

__all__ = [
    "append_evaluation",
    "clear_unfinished",
    "known_definition",
    "read_all",
    "read_config",
    "read_definition",
    "read_delivered",
    "read_evaluations",
    "read_facts",
    "read_folder",
    "read_openings",
    "read_recipe",
    "read_record",
    "read_records",
    "record_decision",
    "record_opening",
    "require_config",
    "write_delivered",
    "write_header",
    "write_result",
]
