"""A release in ONNX, run by ONNX Runtime.

sentence-transformers' own export, and its ``backend="onnx"``, need optimum-onnx, whose releases (0.1.0 at the time of
writing) exclude the transformers 5 that sentence-transformers 6 needs. So torch exports the encoder and ONNX Runtime
runs it here, with inputs, output and place as optimum has them, so that a later optimum-onnx finds it.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from embedtune.config import ModelConfig
from embedtune.errors import ReleaseError
from embedtune.models.load import load_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "last_hidden_state"
_SAMPLE = ["one short text", "another text, with more tokens in it than the first"]


def onnx_problems(precision: str | None) -> list[str]:
    """Obstacles to ``release.onnx`` that are visible before anything is measured: missing packages."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if precision is None or not missing:
        return []
    return [
        f"release.onnx must find the packages {', '.join(_PACKAGES)}, but {', '.join(missing)} is missing. "
        "Run: pip install 'embedtune[onnx]'"
    ]


def export_onnx(folder: Path, file: Path, precision: str) -> None:
    """Export the encoder of a model folder; pooling and what follows stay as they are.

    Args:
        folder: As ``SentenceTransformer`` loads it.
        file: The ONNX file to write.
        precision: ``fp32``, or ``int8`` for weights of 8 bits with a scale for each channel; activations are quantised
            while it runs.

    Raises:
        ReleaseError: The model does not begin with a transformer that reads tokens and gives a vector for each.
    """
    model = load_model(ModelConfig(name=str(folder)), "cpu").eval()
    names, sample = _inputs(model)
    encoder = _Positional(_encoder(model), names)
    file.parent.mkdir(parents=True, exist_ok=True)
    exported = file if precision == "fp32" else file.with_name("fp32.onnx")
    shapes = tuple({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for _ in names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about operators of packages that are not installed
            torch.onnx.export(
                encoder, sample, str(exported), input_names=list(names), output_names=[_OUTPUT], dynamo=True,
                dynamic_shapes=(shapes,), opset_version=18, external_data=False, verbose=False,
            )  # fmt: skip
    except (RuntimeError, ValueError, TypeError, torch.onnx.errors.OnnxExporterError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ReleaseError(
            f"release.onnx must be null for this model, but torch cannot export it ({first})."
        ) from error
    if exported != file:
        _quantise(exported, file)
        exported.unlink()


def load_onnx(folder: Path, file: Path) -> SentenceTransformer:
    """The model of a folder with its encoder replaced by an ONNX file, on the CPU."""
    model = load_model(ModelConfig(name=str(folder)), "cpu").eval()
    model[0].model = _Session(file, _encoder(model).config)
    return model


def _encoder(model: SentenceTransformer) -> Any:
    encoder = model.transformers_model
    if encoder is None or not hasattr(encoder, "config"):
        raise ReleaseError(
            f"release.onnx must be null for this model, but it begins with {type(model[0]).__name__}, no transformer."
        )
    return encoder


def _inputs(model: SentenceTransformer) -> tuple[tuple[str, ...], tuple[Tensor, ...]]:
    features = model.preprocess(_SAMPLE)
    names = tuple(name for name in _INPUTS if name in features)
    return names, tuple(features[name] for name in names)


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # One scale for a whole matrix loses far more: a cosine of 0.95 to the exact embedding instead of 0.99 for MiniLM.
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


class _Positional(nn.Module):
    """An encoder that takes its inputs by position and gives one tensor."""

    def __init__(self, encoder: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.encoder = encoder
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        """Vectors of tokens, of shape (texts, tokens, dimension)."""
        named = dict(zip(self.names, inputs, strict=True))
        vectors: Tensor = self.encoder(**named, return_dict=True)[_OUTPUT]
        return vectors


class _Session(nn.Module):
    """An ONNX file in the place of an encoder."""

    def __init__(self, file: Path, config: Any) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.config = config
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.names = [item.name for item in self.session.get_inputs()]
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)  # tells the device and the type

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.place.device

    @property
    def dtype(self) -> torch.dtype:
        """Of what it gives."""
        return self.place.dtype

    def forward(self, **features: Any) -> dict[str, Tensor]:
        """Vectors of tokens, of shape (texts, tokens, dimension)."""
        fed = {name: features[name].numpy() for name in self.names}
        return {_OUTPUT: torch.from_numpy(self.session.run([_OUTPUT], fed)[0])}
