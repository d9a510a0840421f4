"""The typed configuration: one dataclass tree, and one function that turns Hydra's result into it."""

from embedtune.config.checks import problems, to_config
from embedtune.config.location import conf_dir, register_schema
from embedtune.config.schema import (
    BatchSampler,
    Config,
    DataConfig,
    EvalConfig,
    Format,
    LossConfig,
    MatryoshkaConfig,
    ModelConfig,
    PathsConfig,
    Precision,
    ReleaseConfig,
    StudyConfig,
    TrackingConfig,
    TrainConfig,
)

__all__ = [
    "BatchSampler",
    "Config",
    "DataConfig",
    "EvalConfig",
    "Format",
    "LossConfig",
    "MatryoshkaConfig",
    "ModelConfig",
    "PathsConfig",
    "Precision",
    "ReleaseConfig",
    "StudyConfig",
    "TrackingConfig",
    "TrainConfig",
    "conf_dir",
    "problems",
    "register_schema",
    "to_config",
]
