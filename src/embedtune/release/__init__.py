"""Export a checkpoint as a release: a model folder with its card and the evidence behind it.

Loads neither torch nor any model library.
"""

from embedtune.release.card.card import render_card
from embedtune.release.card.inputs import CardInputs
from embedtune.release.export.export import Contents, export_release

__all__ = ["CardInputs", "Contents", "export_release", "render_card"]
