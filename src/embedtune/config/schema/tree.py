"""The whole configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedtune.config.schema.choices import Format
from embedtune.config.schema.evaluation import EvalConfig
from embedtune.config.schema.generation import GenerateConfig
from embedtune.config.schema.record import PathsConfig, StudyConfig, TrackingConfig
from embedtune.config.schema.release import ReleaseConfig, ReproduceConfig
from embedtune.config.schema.task import DataConfig, ModelConfig
from embedtune.config.schema.training import LossConfig, TrainConfig


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
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    format: Format = Format.table
    run: str | None = None
