"""Silence what libraries print on their own: their bars and notices would tear the live view."""

from __future__ import annotations


def quiet_libraries() -> None:
    """Turn off progress bars and advice of transformers, datasets and the hub client."""
    import datasets
    import huggingface_hub.utils
    import transformers

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    huggingface_hub.utils.disable_progress_bars()
