"""Every key a user can type, with its type and default. What a key means stands in ``conf/``.

Plain dataclasses, because OmegaConf refuses overrides of frozen ones.
"""

from embedtune.config.schema.choices import (
    Attention,
    Average,
    BatchSampler,
    Directions,
    Distractors,
    Dtype,
    Format,
    HardnessOn,
    Kernels,
    MarginStrategy,
    Mix,
    OnChange,
    Partition,
    Precision,
    Similarity,
)
from embedtune.config.schema.evaluation import DIMENSION, SMALLEST, EvalConfig
from embedtune.config.schema.record import PathsConfig, StudyConfig, TrackingConfig
from embedtune.config.schema.release import ReleaseConfig, ReproduceConfig
from embedtune.config.schema.task import DataConfig, LearningRatesConfig, ModelConfig, PromptsConfig
from embedtune.config.schema.training import LoraConfig, LossConfig, MatryoshkaConfig, NegativesConfig, TrainConfig
from embedtune.config.schema.tree import Config

__all__ = [
    "DIMENSION",
    "SMALLEST",
    "Attention",
    "Average",
    "BatchSampler",
    "Config",
    "DataConfig",
    "Directions",
    "Distractors",
    "Dtype",
    "EvalConfig",
    "Format",
    "HardnessOn",
    "Kernels",
    "LearningRatesConfig",
    "LoraConfig",
    "LossConfig",
    "MarginStrategy",
    "MatryoshkaConfig",
    "Mix",
    "ModelConfig",
    "NegativesConfig",
    "OnChange",
    "Partition",
    "PathsConfig",
    "Precision",
    "PromptsConfig",
    "ReleaseConfig",
    "ReproduceConfig",
    "Similarity",
    "StudyConfig",
    "TrackingConfig",
    "TrainConfig",
]
