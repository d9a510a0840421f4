"""At which optimiser steps a training is evaluated."""

from __future__ import annotations

import math


def evaluation_steps(every: str | float, steps_per_epoch: int, total_steps: int) -> tuple[int, ...]:
    """The steps to evaluate at, ascending, without repeats; the last step is always one of them.

    Args:
        every: ``epoch``, a whole number of steps, or a fraction of an epoch in (0, 1). A fraction stands for its
            multiples, each rounded up to a whole step: 0.25 of an epoch of 10 steps gives 3, 5, 8, 10, 13, ...
        steps_per_epoch: Optimiser steps in one epoch, at least 1.
        total_steps: Optimiser steps of the training; 0 gives no step at all.
    """
    stride = float(steps_per_epoch) if every == "epoch" else float(every)
    if stride < 1:
        stride *= steps_per_epoch
    multiples = range(1, math.floor(total_steps / stride) + 1)
    # The tolerance keeps 3 * (0.1 * 10) at step 3, not 4.
    steps = {max(1, math.ceil(multiple * stride - 1e-9)) for multiple in multiples}
    return tuple(sorted({step for step in steps if step <= total_steps} | {total_steps} - {0}))
