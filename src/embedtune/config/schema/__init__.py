"""Every key a user can type, with its type and default. What a key means stands in ``conf/``.

Plain dataclasses, because OmegaConf refuses overrides of frozen ones.
"""

from embedtune.config.schema.choices import (
    Attention,
    Average,
    Baselines,
    BatchSampler,
    Directions,
    Distractors,
    Dtype,
    Format,
    Gain,
    HardnessOn,
    Kernels,
    MarginStrategy,
    Method,
    Mix,
    OnChange,
    OnLeak,
    Partition,
    Precision,
    Similarity,
)
from embedtune.config.schema.evaluation import DIMENSION, SMALLEST, EvalConfig
from embedtune.config.schema.generation import GenerateConfig
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
    "Baselines",
    "BatchSampler",
    "Config",
    "DataConfig",
    "Directions",
    "Distractors",
    "Dtype",
    "EvalConfig",
    "Format",
    "Gain",
    "GenerateConfig",
    "HardnessOn",
    "Kernels",
    "LearningRatesConfig",
    "LoraConfig",
    "LossConfig",
    "MarginStrategy",
    "MatryoshkaConfig",
    "Method",
    "Mix",
    "ModelConfig",
    "NegativesConfig",
    "OnChange",
    "OnLeak",
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
