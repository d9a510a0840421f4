"""The uniform average of several models' weights (Wortsman et al. 2022, "Model soups", section 2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from embedtune.errors import ConfigError
from embedtune.machine.folders import copy_folder, regular_files


def cook_soup(folders: Sequence[Path], target: Path) -> Path:
    """Write a model folder whose every weight is the mean of the given models' weights.

    Args:
        folders: Two or more models as ``SentenceTransformer.save`` writes them, of one architecture.
        target: A folder that does not exist yet; all but the weights are those of the first model.

    Raises:
        ConfigError: Fewer than two, of different architectures, or with different prompts.
    """
    if len(folders) < 2:
        raise ConfigError(
            f"release.soup must have at least two candidates that keep weights, but got {len(folders)}. "
            "Raise release.candidates and study.keep, or remove release.soup."
        )
    files = [_weights(folder) for folder in folders]
    if any(names != files[0] for names in files):
        raise ConfigError(f"release.soup must have candidates of one architecture, but their files differ. {_REMEDY}")
    if any(_prompts(folder) != _prompts(folders[0]) for folder in folders):
        raise ConfigError(f"release.soup must have candidates with the same prompts, but theirs differ. {_REMEDY}")
    copy_folder(folders[0], target, but=lambda name: name in files[0])
    for name in files[0]:
        _average([folder / name for folder in folders], target / name)
    return target


_REMEDY = "Remove release.soup, or lower release.candidates."


def _weights(folder: Path) -> list[str]:
    return [name for name in regular_files(folder) if name.endswith(".safetensors")]


def _prompts(folder: Path) -> dict[str, str]:
    """The prompts of a model that are not empty: weights trained with different prompts are for different inputs."""
    file = folder / "config_sentence_transformers.json"
    prompts = json.loads(file.read_text(encoding="utf-8")).get("prompts") if file.is_file() else None
    return {name: prompt for name, prompt in (prompts or {}).items() if prompt}


def _average(sources: Sequence[Path], target: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(sources[0], framework="pt") as file:
        metadata = file.metadata()
    first, *others = [load_file(source) for source in sources]
    shapes = {name: tensor.shape for name, tensor in first.items()}
    if any({name: tensor.shape for name, tensor in other.items()} != shapes for other in others):
        raise ConfigError(f"release.soup must have candidates of one architecture, but their weights differ. {_REMEDY}")
    for name, tensor in first.items():
        if tensor.is_floating_point():  # positions and the like are equal in all
            mean = sum((other[name].double() for other in others), tensor.double()) / len(sources)
            first[name] = mean.to(tensor.dtype)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(first, target, metadata=metadata)
