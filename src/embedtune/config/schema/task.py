"""``model.*`` and ``data.*``: what is trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from embedtune.config.schema.choices import Attention, Baselines, Dtype, Mix, OnLeak


@dataclass
class PromptsConfig:
    """``model.prompts.*``: what is put before each text; None is the model's own, empty text is none."""

    query: str | None = None
    document: str | None = None


@dataclass
class LearningRatesConfig:
    """``model.learning_rates.*``: the custom of the base model: one rate, and what a search tries, as sweeps."""

    default: float = 5e-5
    search: str = "tag(log, interval(1e-5, 3e-4))"
    grid: str = "choice(2e-5, 5e-5, 1e-4)"


@dataclass
class ModelConfig:
    """``model.*``: the base model."""

    name: str = "minilm"
    revision: str | None = None
    max_seq_length: int | None = None
    trust_remote_code: bool = False
    dtype: Dtype = Dtype.fp32
    attention: Attention | None = None
    prompts: PromptsConfig = field(default_factory=PromptsConfig)
    learning_rates: LearningRatesConfig = field(default_factory=LearningRatesConfig)


@dataclass
class DataConfig:
    """``data.*``: the texts. ``source`` is ``pydocs``, ``files`` or ``hub``."""

    name: str | None = "pydocs"
    source: str = "pydocs"
    path: str | None = None
    subset: str | None = None
    revision: str | None = None
    splits: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, dict[str, str | None]] = field(default_factory=dict)
    mix: Mix = Mix.round_robin
    split: str | None = None
    on_leak: OnLeak = OnLeak.warn
    near_duplicates: float | None = None
    relevant_from: float | None = None
    skip_own: bool = True
    baselines: Baselines = Baselines.auto
    seed: int = 42
    max_train: int | None = None
    max_queries: int | None = None

    @property
    def label(self) -> str:
        """The name given, else the last part of the path, else the source."""
        return self.name or PurePath(self.path or "").stem or self.source
