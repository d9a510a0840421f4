"""The mark of a folder whose queries were made by the command ``generate``."""

from __future__ import annotations

import json
from pathlib import Path

from embedtune.data.drafts import Notes
from embedtune.data.readers.boundary import boundary
from embedtune.data.readers.regular_file import read_text
from embedtune.records import Synthetic

SYNTHETIC = "synthetic.json"


def read_synthetic(folder: Path, splits: tuple[str, ...], notes: Notes) -> Synthetic | None:
    """How the queries of a folder were made; None if it has no such mark, or no split is of it.

    Args:
        folder: Of the data.
        splits: Whose queries are those of the folder.
        notes: Of a mark that cannot be read.
    """
    file = folder / SYNTHETIC
    if not file.exists() or not splits:
        return None
    with boundary(str(file), notes):
        values = json.loads(read_text(file))
        method, model = (values.get(key) for key in ("method", "model")) if isinstance(values, dict) else (None, None)
        if isinstance(method, str) and isinstance(model, str | None):
            return Synthetic(method, model, splits)
        message = f"{file} must say the method and the model, but does not. Copy the folder again, or remove the file."
        notes.refuse("synthetic", message)
    return None
