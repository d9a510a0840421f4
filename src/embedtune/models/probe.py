"""A model that was just loaded, tried on a short and a long text before anything depends on it."""

from __future__ import annotations

import logging

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.config import ModelConfig
from embedtune.errors import ModelError
from embedtune.models.attention import encoders, readable_on_cpu
from embedtune.models.prompts import missing_prompts
from embedtune.models.token_cache import Role
from embedtune.models.tokens import prompt_of

logger = logging.getLogger(__name__)

LONGEST = 1024
"""Words of the long text at most: models that read more have no table of positions, and would take long to try."""

_SHORT = "a"


def probe_model(model: SentenceTransformer, config: ModelConfig) -> None:
    """Encode a short text and one that is longer than the model's limit, with its prompts, and take a gradient.

    Args:
        model: On the CPU, where a text that does not fit is an error like any other; left as it was.
        config: ``model.*``, for messages.

    Raises:
        ModelError: It cannot be padded, read or trained; the message says what to type.
    """
    for role in Role:
        _check_room(model, config, role)
    for sentence in filter(None, (missing_prompts(model, config), _too_long(model, config))):
        logger.warning("%s", sentence)
    training = model.training
    model.train()
    try:
        with torch.random.fork_rng(devices=[]), readable_on_cpu(model):  # dropout draws
            for role in Role:
                _try(model, config, role)
    finally:
        model.train(training)


def _too_long(model: SentenceTransformer, config: ModelConfig) -> str | None:
    """A sentence about a model that reads far longer texts than a search needs, where nobody chose a length.

    ModernBERT's own 8192 tokens are the usual case: one long text in a batch makes all its rows as costly.
    """
    reads = model.max_seq_length
    if config.max_seq_length is not None or reads is None or reads <= LONGEST or not encoders(model):
        return None
    return (
        f"{config.name} reads up to {reads:.0f} tokens of a text, and memory grows with the longest of a batch. "
        f"Type model.max_seq_length=512, or model.max_seq_length={reads:.0f} if that is meant."
    )


def _check_room(model: SentenceTransformer, config: ModelConfig, role: Role) -> None:
    """Check that a prompt leaves room for text; otherwise all texts would be equal to the model."""
    prompt = prompt_of(model, role)
    if prompt and _are_one(model, prompt) and not _are_one(model, None):
        raise ModelError(
            f"model.prompts.{role} must leave room for a text, but got {prompt!r:.60}, which fills the "
            f"{model.max_seq_length} tokens that {config.name} reads. Shorten it or raise model.max_seq_length."
        )


def _are_one(model: SentenceTransformer, prompt: str | None) -> bool:
    """Whether two texts are the same to the model."""
    ids = model.preprocess(["a", "b"], prompt=prompt).get("input_ids")
    return isinstance(ids, Tensor) and ids.ndim == 2 and torch.equal(ids[0], ids[1])


def _try(model: SentenceTransformer, config: ModelConfig, role: Role) -> None:
    try:
        embeddings = _embed(model, [_SHORT, _long(model)], role)
    except (ValueError, IndexError, RuntimeError) as error:
        raise ModelError(_explained(model, config, role, error)) from error
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters or not embeddings.requires_grad:
        raise ModelError(
            f"model.name must be a model that can be trained, but got {config.name}, which gives no gradient. "
            "Take one whose weights are not frozen or quantised."
        )
    # That of the smallest parameter alone: the whole would take as much memory again as the weights.
    torch.autograd.grad(embeddings.sum(), min(parameters, key=torch.numel), allow_unused=True)


def _embed(model: SentenceTransformer, texts: list[str], role: Role) -> Tensor:
    features = dict(model.preprocess(texts, prompt=prompt_of(model, role) or None, task=role.value))
    embeddings: Tensor = model(features, task=role.value)["sentence_embedding"]
    return embeddings


def _long(model: SentenceTransformer, words: int | None = None) -> str:
    """A text of that many words, so of that many tokens or more; by default more than the model reads."""
    return "a " * (words or min((model.max_seq_length or LONGEST) + 8, LONGEST))


def _explained(model: SentenceTransformer, config: ModelConfig, role: Role, error: Exception) -> str:
    if getattr(model.tokenizer, "pad_token", "") is None:
        return (
            f"model.name must be a model whose tokenizer has a padding token, but got {config.name}, which has none. "
            "Set one and save the model: model.tokenizer.pad_token = model.tokenizer.eos_token; model.save(FOLDER)."
        )
    reads = _reads(model, role)
    if reads:
        whose = "" if config.max_seq_length else " (the model's own)"
        return (
            f"model.max_seq_length must be at most {reads} for {config.name}, which has no positions for more, but got "
            f"{model.max_seq_length}{whose}. Type model.max_seq_length={reads}."
        )
    return (
        f"model.name must be a model that encodes text, but {config.name} fails on a short one "
        f"({type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}). "
        "Take another model."
    )


def _reads(model: SentenceTransformer, role: Role) -> int:
    """The most tokens that the model takes, by halving; 0 if not even a short text."""
    asked = model.max_seq_length
    below, above = 0, min(asked or LONGEST, LONGEST) + 1
    try:
        while above - below > 1:
            middle = (below + above) // 2
            model.max_seq_length = middle
            below, above = (middle, above) if _fits(model, role) else (below, middle)
    finally:
        model.max_seq_length = asked
    return below


def _fits(model: SentenceTransformer, role: Role) -> bool:
    try:
        with torch.no_grad():
            _embed(model, [_long(model, LONGEST)], role)
    except (ValueError, IndexError, RuntimeError):
        return False
    return True
