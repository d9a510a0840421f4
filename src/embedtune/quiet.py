"""Silence what libraries print on their own: their bars and notices would tear the live view."""

from __future__ import annotations


def quiet_libraries() -> None:
    """Turn off progress bars and advice of transformers and datasets."""
    import datasets
    import transformers

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
