"""Every key a user can type, with its type and default. What a key means stands in ``conf/``.

Plain dataclasses, because OmegaConf refuses overrides of frozen ones; enum members are lower case, because
OmegaConf matches them by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import Any

SMALLEST = "smallest"
"""As ``eval.second``: the same metric at the smallest dimension that is measured."""
DIMENSION = "dimension"
"""As ``eval.second``: the size of the embedding, the smaller the better."""


class Precision(Enum):
    """Arithmetic of the training step; weights, gradients and evaluation stay in fp32."""

    auto = "auto"
    bf16 = "bf16"
    fp32 = "fp32"


class BatchSampler(Enum):
    """How a batch is drawn; ``no_duplicates`` keeps equal texts out of one batch."""

    plain = "plain"
    no_duplicates = "no_duplicates"


class Kernels(Enum):
    """Implementation of attention and dropout for training on the CPU."""

    auto = "auto"
    stock = "stock"


class Distractors(Enum):
    """Further passages to search in: those of the training rows, or none."""

    none = "none"
    train = "train"


class OnChange(Enum):
    """How to treat a study that was begun with another definition."""

    refuse = "refuse"
    new = "new"


class Format(Enum):
    """How a command answers on stdout."""

    table = "table"
    json = "json"


@dataclass
class PromptsConfig:
    """``model.prompts.*``: what is put before each text; None is the model's own, empty text is none."""

    query: str | None = None
    document: str | None = None


@dataclass
class ModelConfig:
    """``model.*``: the base model."""

    name: str = "minilm"
    revision: str | None = None
    max_seq_length: int | None = None
    trust_remote_code: bool = False
    prompts: PromptsConfig = field(default_factory=PromptsConfig)


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
    seed: int = 42
    max_train: int | None = None
    max_queries: int | None = None

    @property
    def label(self) -> str:
        """The name given, else the last part of the path, else the source."""
        return self.name or PurePath(self.path or "").stem or self.source


@dataclass
class TrainConfig:
    """``train.*``: one fine-tuning."""

    batch_size: int = 20
    epochs: float = 5
    learning_rate: float = 5e-5
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    scheduler: str = "linear"
    precision: Precision = Precision.auto
    batch_sampler: BatchSampler = BatchSampler.plain
    chunks: int = 4
    kernels: Kernels = Kernels.auto
    seed: int = 42
    device: str = "auto"


@dataclass
class MatryoshkaConfig:
    """``loss.matryoshka.*``: the sizes trained at once."""

    dims: list[int] | None = None
    weights: dict[str, float] = field(default_factory=dict)


@dataclass
class LossConfig:
    """``loss.*``: the objective of the training; no ``matryoshka`` trains the full size alone."""

    name: str = "mnrl"
    scale: float = 20.0
    matryoshka: MatryoshkaConfig | None = field(default_factory=MatryoshkaConfig)


@dataclass
class EvalConfig:
    """``eval.*``: what is measured, where and how often."""

    objective: str = "cosine_map@100"
    dim: int | None = None
    second: Any = None
    split: str = "validation"
    every: Any = "epoch"
    batch_size: int = 32
    distractors: Distractors = Distractors.none
    folds: int = 0


@dataclass
class StudyConfig:
    """``study.*``: the search."""

    name: str | None = None
    n_trials: int | None = 6
    workers: Any = 0
    storage: str | None = None
    keep: int = 3
    attempts: int = 3
    resume: bool = True
    on_change: OnChange = OnChange.refuse


@dataclass
class TrackingConfig:
    """``tracking.*``: the MLflow store."""

    enabled: bool = True
    uri: str | None = None
    experiment: str = "embedtune"
    port: int = 5000


@dataclass
class ReleaseConfig:
    """``release.*``: the exported checkpoint."""

    name: str | None = None
    trial: int | None = None
    candidates: int = 5
    seeds: int = 0
    soup: bool = False
    gate: bool = True
    level: float = 0.95
    margin: float = 0.01
    dim: int | None = None
    dim_margin: float = 0.01
    register: bool = True
    alias: str = "candidate"
    overwrite: bool = False
    license: str | None = None
    language: Any = None
    onnx: str | None = None
    push_to_hub: str | None = None


@dataclass
class ReproduceConfig:
    """``reproduce.*``: running a recorded trial again."""

    tolerance: float = 1e-6


@dataclass
class PathsConfig:
    """``paths.*``: the folders written."""

    sweeps: str = "sweeps"
    mlruns: str = "mlruns"
    releases: str = "releases"


@dataclass
class Config:
    """The whole configuration."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    release: ReleaseConfig = field(default_factory=ReleaseConfig)
    reproduce: ReproduceConfig = field(default_factory=ReproduceConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    format: Format = Format.table
    run: str | None = None
