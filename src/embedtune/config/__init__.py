"""The typed configuration: one dataclass tree, and one function that turns Hydra's result into it."""

from embedtune.config.checks import problems, to_config
from embedtune.config.dims import (
    check_dims,
    default_dims,
    dims_problems,
    measured_dims,
    objective_dim,
    trained_dims,
    trained_weights,
)
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
    "check_dims",
    "conf_dir",
    "default_dims",
    "dims_problems",
    "measured_dims",
    "objective_dim",
    "problems",
    "register_schema",
    "to_config",
    "trained_dims",
    "trained_weights",
]
