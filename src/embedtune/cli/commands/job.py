"""A worker as a Hydra launcher runs it, in a process that need not be on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from embedtune.cli.commands.answer import workspace
from embedtune.cli.output import quiet_libraries, redacted_streams
from embedtune.config import Config, register_schema, to_config
from embedtune.config.explain import explain
from embedtune.config.hydra_private import ConfigLoader, compose_trial, make_launcher
from embedtune.config.redaction import RedactedFormatter, remember_secrets
from embedtune.errors import ConfigError, DeviceLost
from embedtune.machine.processes import worker_identity
from embedtune.records import Settings
from embedtune.study.definition import study_name
from embedtune.sweep.plan import plan_sweep
from embedtune.sweep.sweeper import run_worker
from embedtune.trial.watching import Silent

BASIC = "basic"
"""Hydra's launcher unless another is chosen; it runs jobs one by one, which our own workers do better."""

RAY = "ray"
RAY_INIT = {"include_dashboard": False, "log_to_driver": False}
"""Options for starting our own Ray: the workers write their own logs."""
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # in spite of its name: everything listens on 127.0.0.1 alone
}
"""Read when ray is imported, unless the user set it."""


def composer(loader: ConfigLoader, master: DictConfig) -> Callable[[list[str]], Config]:
    """Return a function that turns overrides into a checked configuration."""

    def compose(overrides: list[str]) -> Config:
        try:
            cfg = compose_trial(loader, master, overrides)
        except Exception as error:  # whatever it is, it was typed
            raise ConfigError(explain(error, overrides)) from error
        return to_config(cfg)

    return compose


@dataclass(frozen=True)
class Job:
    """The worker; the launcher carries it to another process by cloudpickle.

    Attributes:
        loader: Composes configurations.
        master: What Hydra composed for the sweep, without the secrets of addresses.
        arguments: Overrides of the command line, the same.
        sweeper: ``hydra.sweeper``.
        debug: Whether its log takes what libraries say too.
        folder: The working directory of the sweep.
        owner: The identity of the sweep's process.
    """

    loader: ConfigLoader
    master: DictConfig
    arguments: tuple[str, ...]
    sweeper: Settings
    debug: bool = False
    folder: str = field(default_factory=os.getcwd)
    owner: str = field(default_factory=worker_identity)

    def __call__(self, _: DictConfig) -> None:
        """Run trials until none is left, or the sweep is asked to stop."""
        os.chdir(self.folder)
        remember_secrets(environment=os.environ)
        with redacted_streams():
            self._work()

    def _work(self) -> None:
        register_schema()
        quiet_libraries()
        index = int(HydraConfig.get().job.num)
        compose = composer(self.loader, self.master)
        plan = plan_sweep(compose, self.arguments, self.sweeper, workspace)
        space = workspace(plan.config)
        _log_to(space.study(study_name(plan.config)).root / "workers" / f"{index}.log", self.debug)
        try:
            run_worker(plan, compose, space, Silent(), index, owner=self.owner)
        except KeyboardInterrupt:
            return
        except DeviceLost:
            os._exit(DeviceLost.STATUS)  # a launcher may use the process again, and its device is lost to it


def launcher_of(context: HydraContext, job: Job, folder: Path) -> Callable[[int], None] | None:
    """Return a function that runs that many workers as jobs of the chosen launcher; None for Hydra's own.

    Args:
        context: Of Hydra.
        job: A worker.
        folder: For the launcher's own files.
    """
    chosen = job.master.hydra.runtime.choices.get("hydra/launcher")
    if chosen in (None, BASIC):
        return None
    config = deepcopy(job.master)
    with open_dict(config):
        config.hydra.sweep.dir = str(folder)
        if chosen == RAY and config.hydra.launcher.ray.init.get("address") is None:
            os.environ.update({key: value for key, value in RAY_ENVIRONMENT.items() if key not in os.environ})
            config.hydra.launcher.ray.init = OmegaConf.merge(RAY_INIT, config.hydra.launcher.ray.init)
    launcher = make_launcher(context, job, config)

    def launch(count: int) -> None:
        HydraConfig.instance().set_config(config)  # launchers write it to files, too
        for done in launcher.launch([[] for _ in range(count)], initial_job_idx=0):
            done.return_value  # noqa: B018  # raises what the job raised

    return launch


def _log_to(file: Path, debug: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(RedactedFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.DEBUG if debug else logging.ERROR, force=True)
    logging.getLogger("embedtune").setLevel(logging.DEBUG if debug else logging.INFO)
