"""Uses of peft, and of its integration in transformers, beyond their documented interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def tuned_layers(encoder: Any) -> Iterator[tuple[str, Any]]:
    """The layers of an encoder that have adapters, by name.

    An adapter that transformers put into a model is no ``PeftModel``, which alone has a public way to merge.
    """
    if getattr(encoder, "peft_config", None) is None:
        return
    from peft.tuners.tuners_utils import BaseTunerLayer

    yield from ((name, module) for name, module in encoder.named_modules() if isinstance(module, BaseTunerLayer))


def untune(encoder: Any) -> None:
    """Let an encoder be saved as a whole again, once no layer has an adapter."""
    if getattr(encoder, "peft_config", None) is not None:
        del encoder.peft_config
        encoder._hf_peft_config_loaded = False
        # Loading adapters leaves their names for the weights that are saved next; without it the class has its own.
        vars(encoder).pop("_weight_conversions", None)
