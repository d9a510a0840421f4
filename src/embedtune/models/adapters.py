"""Low-rank adapters (LoRA, Hu et al. 2021) on a model: attached for a training, merged into the weights afterwards.

A checkpoint of a training with adapters holds them alone, in sentence-transformers' own layout, and beside them the
name of the model they belong to. Whoever loads it through :func:`~embedtune.models.load.load_model` gets whole weights.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import LoraConfig, ModelConfig
from embedtune.errors import ConfigError, ModelError
from embedtune.machine.folders import copy_folder
from embedtune.models.peft_private import tuned_layers, untune

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ADAPTER = "adapter_config.json"
BASE = "base_model.json"
_UNUSED = "pooler"
"""A layer that encoders of BERT's kind have and sentence-transformers does not read."""


def attach(model: SentenceTransformer, lora: LoraConfig, seed: int) -> None:
    """Freeze the encoder's weights and put adapters beside its linear layers; drawn by ``seed``.

    Raises:
        ConfigError: The model has no layer to adapt, or none of a name asked for.
    """
    import peft
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.add_adapter(
            peft.LoraConfig(
                r=lora.r,
                lora_alpha=lora.alpha,
                lora_dropout=lora.dropout,
                target_modules=adapted_layers(model, lora),
            )
        )


def adapted_layers(model: SentenceTransformer, lora: LoraConfig) -> list[str]:
    """The names of the layers that get an adapter: those that ``train.lora.targets`` ends, or all linear ones.

    Raises:
        ConfigError: There are none.
    """
    from sentence_transformers.sentence_transformer.modules import Transformer
    from torch import nn

    # Of a router, adapters would lie in folders of its routes, and be released unmerged.
    layers = model.transformers_model.named_modules() if isinstance(model[0], Transformer) else ()
    found = [name for name, module in layers if isinstance(module, nn.Linear) and _UNUSED not in name.split(".")]
    if not found:
        raise ConfigError(
            "train.lora must be null for a model whose first module is no transformer with linear layers, but got an "
            "adapter. Take train=default."
        )
    if lora.targets is None:
        return found
    missing = [target for target in lora.targets if not any(_ends(name, target) for name in found)]
    if missing:
        kinds = sorted({name.rpartition(".")[2] for name in found})
        raise ConfigError(
            f"train.lora.targets must name linear layers of the model, but got {', '.join(missing)}. "
            f"It has {', '.join(kinds)}; null takes all."
        )
    return [name for name in found if any(_ends(name, target) for target in lora.targets)]


def merge(model: SentenceTransformer) -> None:
    """Add the adapters to the weights they stand beside, and leave a model without any."""
    encoder = model.transformers_model
    for name, layer in list(tuned_layers(encoder)):
        layer.merge(safe_merge=True)
        parent, _, own = name.rpartition(".")
        setattr(encoder.get_submodule(parent), own, layer.get_base_layer())
    untune(encoder)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def is_adapter(folder: Path) -> bool:
    """Whether a model folder holds adapters alone."""
    return (folder / ADAPTER).is_file()


def name_base(folder: Path, base: ModelConfig, identity: str) -> None:
    """Write beside the adapters which model they belong to, and what tells it from another of that name."""
    values = {"name": base.name, "revision": base.revision, "identity": identity}
    (folder / BASE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


@contextmanager
def on_base(folder: Path, find: Callable[[ModelConfig, str, Path], str]) -> Iterator[Path]:
    """The adapters of ``folder`` in a folder that names their base where it is here, whatever place they were made at.

    Args:
        folder: Of adapters, as a training keeps them, or as peft wrote them: those name their base themselves.
        find: The base model and its identity to its folder or hub id; a temporary folder is there for its use.

    Raises:
        ModelError: The base cannot be told.
    """
    require_peft(f"{folder} holds adapters")
    if not (folder / BASE).is_file():
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="embedtune-") as scratch:
        try:
            base = json.loads((folder / BASE).read_text(encoding="utf-8"))
            named = ModelConfig(name=str(base["name"]), revision=base["revision"])
            adapter = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
            place = find(named, str(base["identity"]), Path(scratch) / "base")
            whole = Path(scratch) / "adapters"
            copy_folder(folder, whole, but=lambda name: name == ADAPTER)
            changed = {**adapter, "base_model_name_or_path": place, "revision": named.revision}
            (whole / ADAPTER).write_text(json.dumps(changed), encoding="utf-8")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"model.name must be a model that loads, but got {folder}, whose adapters do not say of which model "
                f"they are ({error}). Restore {BASE} and {ADAPTER}."
            ) from error
        yield whole


def require_peft(what: str) -> None:
    """Check that the library is there.

    Raises:
        ModelError: It is not.
    """
    from importlib.util import find_spec

    if find_spec("peft") is None:
        raise ModelError(f"peft must be installed, because {what}, but it is not. Run: pip install 'embedtune[lora]'.")


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")
