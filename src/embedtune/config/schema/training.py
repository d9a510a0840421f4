"""``train.*`` and ``loss.*``: one fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedtune.config.schema.choices import (
    Average,
    BatchSampler,
    Directions,
    HardnessOn,
    Kernels,
    MarginStrategy,
    Partition,
    Precision,
    Similarity,
)


@dataclass
class NegativesConfig:
    """``train.negatives.*``: hard negatives that are mined for the training rows."""

    count: int = 0
    margin: float | None = 0.05
    range: list[int] = field(default_factory=lambda: [0, 100])
    model: str | None = None
    refresh: int | None = None


@dataclass
class LoraConfig:
    """``train.lora.*``: adapters that are trained in the place of the encoder's weights."""

    r: int = 16
    alpha: int = 32
    dropout: float = 0.1
    targets: list[str] | None = None


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
    average: Average = Average.none
    gradient_checkpointing: bool = False
    seed: int = 42
    device: str = "auto"
    lora: LoraConfig | None = None
    negatives: NegativesConfig = field(default_factory=NegativesConfig)


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
    similarity: Similarity = Similarity.cosine
    directions: Directions = Directions.query
    partition: Partition = Partition.joint
    hardness: float = 0.0
    hardness_on: HardnessOn = HardnessOn.in_batch
    mask_false_negatives: bool = False
    guide: str | None = None
    margin: float | None = None
    margin_strategy: MarginStrategy = MarginStrategy.absolute
    teacher: str | None = None
    matryoshka: MatryoshkaConfig | None = field(default_factory=MatryoshkaConfig)
