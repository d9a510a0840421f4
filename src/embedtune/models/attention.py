"""How an encoder computes attention: chosen by name, refused where this machine or the architecture lacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from embedtune.config import Attention, ModelConfig
from embedtune.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

_ANYWHERE = Attention.sdpa.value


def choose_attention(model: SentenceTransformer, config: ModelConfig) -> None:
    """Have every encoder of ``model`` compute attention as ``model.attention`` says; null leaves it as it is.

    Raises:
        ModelError: It is not there: no encoder, another architecture, a missing package, or weights of 32 bits.
    """
    if config.attention is None:
        return
    asked, found = config.attention, encoders(model)
    if not found:
        raise _refused(config, "it has no attention")
    if asked is Attention.flash_attention_2 and str(model.dtype) == "torch.float32":
        raise _refused(config, "it computes in 16 bits, and the weights have 32: type model.dtype=bf16 too")
    for encoder in found:
        try:
            encoder.set_attn_implementation(asked.value)
        except (ImportError, ValueError) as error:
            raise _refused(config, str(error).strip().partition("\n")[0] or type(error).__name__) from error
        if encoder.config._attn_implementation != asked.value:
            raise _refused(config, f"{type(encoder).__name__} does not let it be chosen")


@contextmanager
def readable_on_cpu(model: SentenceTransformer) -> Iterator[None]:
    """Inside the block kernels that exist for GPUs alone are replaced: a model is tried on the CPU."""
    flash = [own for own in encoders(model) if own.config._attn_implementation == Attention.flash_attention_2.value]
    for encoder in flash:
        encoder.set_attn_implementation(_ANYWHERE)
    try:
        yield
    finally:
        for encoder in flash:
            encoder.set_attn_implementation(Attention.flash_attention_2.value)


def encoders(model: SentenceTransformer) -> list[PreTrainedModel]:
    """The outermost encoders of transformers in a model: none in a table of words, two in some routers."""
    from transformers import PreTrainedModel

    found: list[PreTrainedModel] = []
    for module in model.modules():
        if isinstance(module, PreTrainedModel) and not any(module in own.modules() for own in found):
            found.append(module)
    return found


def _refused(config: ModelConfig, reason: str) -> ModelError:
    asked = config.attention.value if config.attention else None
    return ModelError(
        f"model.attention must be one that {config.name} can use on this machine, but got {asked} ({reason}). "
        "null leaves the choice to the library."
    )
