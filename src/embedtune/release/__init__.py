"""Export a checkpoint as a release: a model folder with its card and the evidence behind it.

Loads neither torch nor any model library.
"""

from embedtune.release.card import render_card
from embedtune.release.export import export_release
from embedtune.release.inputs import CardInputs

__all__ = ["CardInputs", "export_release", "render_card"]
