"""Where ``conf/`` is, and the registration of the schema it extends."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from embedtune.config.schema import Config
from embedtune.errors import ConfigError

MAPPINGS = ("loss.matryoshka.weights", "data.splits", "data.columns", "data.extra", "data.prompts")
"""Keys below which users name keys of their own, so the schema must not refuse them."""


def conf_dir() -> Path:
    """The folder of configuration files: in a wheel beside the package, in a checkout at its top.

    Raises:
        ConfigError: The installation has none.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "conf", package.parents[1] / "conf")
    for candidate in candidates:
        if (candidate / "config.yaml").is_file():
            return candidate
    places = " or ".join(str(candidate) for candidate in candidates)
    raise ConfigError(f"conf/config.yaml must exist in {places}, but it does not. Install embedtune again.")


@cache
def loss_options() -> dict[str, frozenset[str]]:
    """The losses there are -> the keys of ``loss.*`` that each reads, as the files of ``conf/loss/`` list them."""
    found: dict[str, frozenset[str]] = {}
    for file in sorted((conf_dir() / "loss").glob("*.yaml")):
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        found[str(values["name"])] = found.get(str(values["name"]), frozenset()) | frozenset(values)
    return dict(sorted(found.items()))


def register_schema() -> None:
    """Make the schema known to Hydra as ``schema``; call before composing."""
    node = OmegaConf.structured(Config)
    for key in MAPPINGS:
        OmegaConf.set_struct(OmegaConf.select(node, key), False)
    ConfigStore.instance().store(name="schema", node=node)


def group_choices(group: str) -> list[str]:
    """The choices of a group, such as ``sampler``; none if it is no group of ``conf/``."""
    return sorted(file.stem for file in (conf_dir() / group).glob("*.yaml")) if group.isidentifier() else []


def read_choice(group: str, name: str) -> dict[str, Any]:
    """The content of a choice's file, such as ``conf/sampler/tpe.yaml`` for ``sampler=tpe``; interpolations stay."""
    values = OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{name}.yaml"))
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def find_choice(group: str, values: Mapping[str, Any]) -> str | None:
    """The choice of a group whose file says just this; None if there is none."""
    return next((name for name in group_choices(group) if read_choice(group, name) == values), None)
