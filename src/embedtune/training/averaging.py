"""The mean of the weights over the end of a training: one more point to evaluate, at no further pass over the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

from embedtune.config import Average

TAIL = 0.25
"""The last share of the steps whose weights a tail average takes."""
HORIZON = 0.1
"""The share of the steps over which an exponential average forgets."""


class Averaging(TrainerCallback):  # type: ignore[misc]
    """Follows the weights that are trained, step by step, in fp32.

    ``tail`` is their plain mean over the last quarter of the steps (tail averaging: Jain et al., Parallelizing
    Stochastic Gradient Descent for Least Squares Regression, 2018; for networks Izmailov et al., Averaging Weights
    Leads to Wider Optima and Better Generalization, 2018). ``ema`` is an exponential mean over a tenth of the steps,
    without the bias of its beginning (Polyak and Juditsky, 1992; Morales-Brotons et al., Exponential Moving Average of
    Weights in Deep Learning, 2024).
    """

    def __init__(self, kind: Average) -> None:
        """Average as ``train.average`` says."""
        self._kind = kind
        self.count = 0
        self.means: dict[str, Tensor] = {}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the weights of this step in."""
        if self._kind is Average.tail and state.global_step <= math.floor(state.max_steps * (1 - TAIL)):
            return
        self.count += 1
        share = 1 / self.count
        if self._kind is Average.ema:
            decay = 1 - 1 / max(1.0, HORIZON * state.max_steps)
            share = (1 - decay) / (1 - decay**self.count) if decay else 1.0
        with torch.no_grad():
            for name, weight in _trained(kwargs["model"]).items():
                if name not in self.means:
                    self.means[name] = torch.zeros_like(weight, dtype=torch.float32)
                self.means[name].lerp_(weight.detach().float(), share)

    def restore(self, means: Mapping[str, Tensor], count: int, device: torch.device) -> None:
        """Go on from an average that was saved."""
        self.means = {name: mean.clone().to(device) for name, mean in means.items()}
        self.count = count

    def apply(self, model: nn.Module) -> None:
        """Give the model the mean weights."""
        with torch.no_grad():
            for name, weight in _trained(model).items():
                weight.copy_(self.means[name])


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
