"""Errors of loading a model, told apart: those about its files, and those of a device or of a library's own code."""

from __future__ import annotations

_OF_FILES = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""Exceptions that the libraries raise for malformed files; not those of a device."""

_OF_WEIGHTS = ("size mismatch", "ignore_mismatched_sizes", "in loading state_dict")
"""What torch and transformers say, in a plain RuntimeError, of weights that are not the configuration's."""


def is_of_files(error: Exception) -> bool:
    """Whether what was raised while a model was loaded is about its files."""
    from safetensors import SafetensorError

    if isinstance(error, (SafetensorError, *_OF_FILES)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OF_WEIGHTS)
