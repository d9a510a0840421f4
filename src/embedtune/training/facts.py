"""Training data and method, as a model card states them; computed without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from torch import nn

from embedtune.config import Config
from embedtune.machine.environment import library_versions
from embedtune.models.token_cache import Role
from embedtune.models.tokens import prompt_of, read_tokens
from embedtune.records import DatasetFacts, TrainingFacts, TrainingSet
from embedtune.training.arguments import training_arguments
from embedtune.training.collate import column_prompts, prompted, role_of, row_lengths
from embedtune.training.device import device_name, resolve_device, resolve_precision
from embedtune.training.losses import build_loss, library_name, nested_losses

_SAMPLES = 3
_MEASURED_ROWS = 1000
_BATCH = 64

_LEFT_OUT = frozenset(
    [
        "output_dir",
        "logging_dir",
        "logging_strategy",
        "logging_first_step",
        "logging_steps",
        "eval_delay",
        "save_strategy",
        "save_steps",
        "save_total_limit",
        "metric_for_best_model",
        "greater_is_better",
        "report_to",
        "do_train",
        "do_eval",
        "run_name",
        "hub_token",
        "push_to_hub_token",
        "trackio_space_id",
    ]
)
"""Arguments that say where files go, who may upload and how it is logged, but nothing about the training.

The library's own cards leave out the same ones.
"""


def training_facts(model: SentenceTransformer, training: Sequence[TrainingSet], config: Config) -> TrainingFacts:
    """Everything a model card says about the training of ``model`` on ``training``; plain types, no local path.

    Raises:
        ConfigError: The device is not there, or every loss weight is 0.
    """
    device = resolve_device(config.train.device)
    precision = resolve_precision(config.train.precision, device)
    losses = nested_losses(build_loss(model, config))
    hyperparameters, non_default = _hyperparameters(config, device, precision, column_prompts(model, training))
    local = Path(config.model.name).is_dir()
    return TrainingFacts(
        losses=tuple(map(library_name, losses)),
        loss_parameters=_plain(losses[0].get_config_dict()),
        citations=_citations(losses),
        hyperparameters=hyperparameters,
        non_default=non_default,
        datasets=tuple(_dataset_facts(model, part) for part in training),
        architecture=str(model),
        base_model=Path(config.model.name).name if local else config.model.name,
        base_revision=None if local else config.model.revision,
        dimension=model.get_embedding_dimension(),
        max_seq_length=model.max_seq_length or 0,
        similarity=str(model.similarity_fn_name),
        device=device_name(device),
        precision=precision,
        versions=library_versions(),
    )


def _citations(losses: Sequence[Any]) -> dict[str, str]:
    """BibTeX by class name; not every class of the library has some."""
    found = {library_name(loss): getattr(loss, "citation", "").strip() for loss in losses}
    return {name: text for name, text in found.items() if text}


def _hyperparameters(
    config: Config, device: str, precision: str, prompts: Mapping[str, Any] | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Every argument, and the names of those that differ from the library's defaults."""
    unused = Path("unused")  # with this name the library knows that no training follows, and does not warn
    chosen = training_arguments(
        config.train, unused, device, precision, prompts, config.data.mix
    ).to_dict() | _evaluated(config)
    defaults = SentenceTransformerTrainingArguments(
        output_dir=str(unused), accelerator_config={"use_configured_state": True}
    ).to_dict()
    kept = {key: _plain(value) for key, value in chosen.items() if key not in _LEFT_OUT}
    return kept, tuple(key for key, value in kept.items() if key in defaults and value != _plain(defaults[key]))


def _evaluated(config: Config) -> dict[str, Any]:
    """How often, in which batches, and with which activations kept: what is ours, so that the trainer does not know."""
    every, epochs = config.eval.every, config.train.epochs
    return {
        "eval_strategy": "epoch" if every == "epoch" else "steps",
        "eval_steps": None if every == "epoch" else every,
        "per_device_eval_batch_size": config.eval.batch_size,
        "gradient_checkpointing": config.train.gradient_checkpointing,
        "dtype": config.model.dtype.value,
        "attention": config.model.attention.value if config.model.attention else None,
        "num_train_epochs": int(epochs) if epochs == int(epochs) else epochs,
    }


def _dataset_facts(model: SentenceTransformer, part: TrainingSet) -> DatasetFacts:
    model = prompted(model, part)
    return DatasetFacts(
        name=part.name,
        size=len(part),
        statistics={
            column: _statistics(model, role_of(column), texts[:_MEASURED_ROWS])
            for column, texts in part.columns.items()
        },
        samples=tuple(
            {column: texts[row] for column, texts in part.columns.items()} for row in range(len(part))[:_SAMPLES]
        ),
    )


def _statistics(model: SentenceTransformer, role: Role, texts: Sequence[str]) -> dict[str, float]:
    """Tokens of the shortest, the mean and the longest text, as the model reads them: with prompt, truncated."""
    lengths = _lengths(model, role, texts)
    if not lengths:
        return {}
    return {"min": float(min(lengths)), "mean": round(sum(lengths) / len(lengths), 2), "max": float(max(lengths))}


def _lengths(model: SentenceTransformer, role: Role, texts: Sequence[str]) -> list[int]:
    tokens = read_tokens(model, role)
    if tokens is not None and tokens.read(texts):
        return tokens.lengths(texts)
    prompt = prompt_of(model, role) or None
    batches = (list(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH))
    return [length for batch in batches for length in row_lengths(model.preprocess(batch, prompt=prompt))]


def _plain(value: Any) -> Any:
    """As JSON would give it back: tuples become lists, anything foreign its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, nn.Module):  # a loss's guide or inner function
        return type(value).__name__
    return value if isinstance(value, str | int | float | bool | None) else str(value)
