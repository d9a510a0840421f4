"""``doctor``: the state of this machine."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from embedtune.cli.commands.answer import Answer, workspace
from embedtune.config import Config, Precision, conf_dir
from embedtune.config.redaction import redact_url
from embedtune.errors import EmbedtuneError
from embedtune.machine.environment import library_versions
from embedtune.models.known_prompts import known_prompts
from embedtune.models.load import packaged_minilm
from embedtune.reporting.tables import make_table
from embedtune.training import resolve_device, resolve_precision


def doctor(config: Config) -> Answer:
    """Devices, precision, versions, storage and tracking; exit status 1 if something needed is missing."""
    device = resolve_device("auto")
    facts = {
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "devices": _devices(),
        "device": device,
        "precision": resolve_precision(Precision.auto, device),
        "model": config.model.name,
        **{f"prompt of a {role}": _prompt(prompt) for role, prompt in known_prompts(config.model).items()},
        "configuration": str(conf_dir()),
        "free disk (GB)": round(shutil.disk_usage(_existing(workspace(config).sweeps)).free / 1e9, 1),
        "tracking": _tracking(config),
        "hub": "offline" if os.environ.get("HF_HUB_OFFLINE") else "online if there is a network",
    }
    checks = {
        "model=minilm": _minilm(),
        "folders can be written": _writable(config),
        "sweeper plugin": importlib.util.find_spec("hydra_plugins.embedtune_sweeper") is not None or "not installed",
    }
    results = {name: "ok" if result is True else str(result) for name, result in checks.items()}
    document = {**facts, "versions": library_versions(), "checks": results}
    parts = (
        make_table(["", "value"], [[k, ", ".join(v) if isinstance(v, list) else v] for k, v in facts.items()]),
        make_table(["library", "version"], library_versions().items()),
        make_table(["check", "result"], results.items()),
    )
    return Answer(document, parts, status=0 if set(results.values()) == {"ok"} else 1)


def _prompt(prompt: str | None) -> str:
    return "the model's own" if prompt is None else repr(prompt) if prompt else "none"


def _devices() -> list[str]:
    import torch

    names = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return [*names, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def _minilm() -> bool | str:
    try:
        packaged_minilm()
    except EmbedtuneError as error:
        return str(error)
    return True


def _writable(config: Config) -> bool | str:
    space = workspace(config)
    refused = [str(p) for p in (space.sweeps, space.mlruns, space.releases) if not os.access(_existing(p), os.W_OK)]
    return not refused or f"no permission: {', '.join(refused)}"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _tracking(config: Config) -> str:
    if not config.tracking.enabled:
        return "off"
    if config.tracking.uri is not None:
        return redact_url(config.tracking.uri)
    store = workspace(config).mlruns / "mlflow.db"
    return f"{store} ({'there' if store.is_file() else 'made at the first run'})"
