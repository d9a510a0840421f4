"""Hydra finds sweepers only below ``hydra_plugins``: this adapter hands the work to embedtune.

Hydra executes this module again at every start, so nothing here may be compared by type or cost an import. It does
so before the module is in ``sys.modules``, where a dataclass would look up postponed annotations: they are not used.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf


@dataclass
class SweeperConfig:
    """``hydra.sweeper.*`` of ``sweep=optuna``."""

    _target_: str = "hydra_plugins.embedtune_sweeper.sweeper.EmbedtuneSweeper"
    # Sampler and pruner stay configuration here; each worker builds its own.
    _recursive_: bool = False
    sampler: Any = None
    pruner: Any = None
    # None: nothing is searched but what is typed.
    params: dict[str, Any] | None = None
    # What these mean stands in conf/sweep/optuna.yaml.
    conditions: Any = None
    constraints: list[Any] = field(default_factory=list)
    enqueue: list[Any] = field(default_factory=list)
    warm_start: Any = None
    warm_start_trials: int = 3
    repeats: Any = False
    # The index of a worker process; its supervisor sets it.
    worker: Any = None


ConfigStore.instance().store(group="hydra/sweeper", name="embedtune", node=SweeperConfig, provider="embedtune")


class EmbedtuneSweeper(Sweeper):
    """Runs a study instead of batches of jobs."""

    def __init__(self, **sweeper: Any) -> None:
        self.sweeper = {
            key: OmegaConf.to_container(value) if isinstance(value, DictConfig | ListConfig) else value
            for key, value in sweeper.items()
        }
        self.config: DictConfig = MISSING
        self.hydra_context: HydraContext = MISSING
        self.task: Any = MISSING

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra composed, and the task, an ``embedtune.cli.task.Task``."""
        self.hydra_context, self.config, self.task = hydra_context, config, task_function

    def sweep(self, arguments: list[str]) -> Any:
        """Run the study these overrides describe."""
        logging.getLogger("embedtune").info("Loading libraries, data and model ...")
        from embedtune.cli.commands.sweep import sweep

        self.task.began = True
        return sweep(self.hydra_context, self.config, arguments, self.sweeper, self.task.line)
