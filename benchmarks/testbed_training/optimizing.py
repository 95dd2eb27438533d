"""One optimiser and one schedule for both stages."""

import math
import time
from collections.abc import Iterable

import torch
from torch import Tensor, nn

WARM_UP_STEPS = 250


class Schedule:
    """AdamW whose rate rises, holds, and falls along a cosine, as the time given for training runs out.

    Args:
        weights: to be trained; matrices decay, vectors do not.
        rate: the largest learning rate.
        seconds: of training.
        hold: the share of the time up to which the largest rate holds.
        steps: end after so many steps, whatever the time: for runs that only show that it works.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], rate: float, seconds: float, hold: float, steps: int | None = None
    ) -> None:
        self.weights = list(weights)
        self.rate, self.seconds, self.hold, self.steps = rate, seconds, hold, steps
        groups = [
            {"params": [w for w in self.weights if w.ndim > 1], "weight_decay": 0.05},
            {"params": [w for w in self.weights if w.ndim < 2], "weight_decay": 0.0},
        ]
        fused = self.weights[0].device.type == "cuda"
        self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=fused)
        self.step, self.begin = 0, time.monotonic()

    @property
    def done(self) -> float:
        """The share of the training that is behind, 1 at its end."""
        if self.steps is not None:
            return self.step / self.steps
        return (time.monotonic() - self.begin) / self.seconds

    def descend(self, loss: Tensor) -> None:
        """One step against the gradient."""
        falling = 0.5 + 0.5 * math.cos(math.pi * max(0.0, self.done - self.hold) / (1 - self.hold))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / WARM_UP_STEPS) * falling
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.step += 1
