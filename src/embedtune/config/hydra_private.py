"""Uses of Hydra beyond its documented interface, each with its reason, and nowhere else.

``tests/test_private_api.py`` looks for every name, so that a new version of Hydra turns red in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# No documented type stands for what a sweeper is handed to compose with; no documented function reads an override, and
# no documented type says what kind of sweep it holds.
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

__all__ = [
    "ChoiceSweep",
    "ConfigLoader",
    "IntervalSweep",
    "Override",
    "RangeSweep",
    "compose_trial",
    "make_launcher",
    "parse_override",
]


def parse_override(text: str) -> Override:
    """One override as Hydra reads it.

    Raises:
        OverrideParseException: It does not follow the grammar.
    """
    return OverridesParser.create().parse_overrides([text])[0]


def compose_trial(loader: ConfigLoader, master: DictConfig, overrides: list[str]) -> DictConfig:
    """The configuration of one trial, without Hydra's own part.

    Hydra composes jobs through this method of the loader that it hands to a sweeper; its documented ``compose`` is for
    programs that Hydra does not run, and would forget ``--config-dir`` and the like.
    """
    cfg: DictConfig = loader.load_sweep_config(master, overrides)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def make_launcher(context: HydraContext, task: Callable[[DictConfig], Any], config: DictConfig) -> Any:
    """The launcher that ``hydra/launcher`` names, an object with ``launch(overrides, initial_job_idx=...)``.

    The documented interface of a sweeper is given no launcher; Hydra's own sweepers make theirs in this way. Hydra
    instantiates whatever ``hydra.launcher._target_`` names below its plugins.
    """
    from hydra.core.plugins import Plugins

    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
