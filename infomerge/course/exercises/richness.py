"""Unit 3: over how many directions tokens spread (eq. 6 and 7)."""

import math

import torch
from torch import Tensor

from infomerge.budget import spectral_entropy
from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake


def _entropy(share: Tensor) -> Tensor:
    return -torch.special.xlogy(share, share).sum()


def not_squared(tokens: Tensor) -> Tensor:
    """Shares of the singular values, not of their squares."""
    values = torch.linalg.svdvals(tokens.double())
    return _entropy(values / values.sum()) / math.log(len(values))


def not_divided(tokens: Tensor) -> Tensor:
    """Without log R."""
    return spectral_entropy(tokens) * math.log(min(tokens.shape))


def centred(tokens: Tensor) -> Tensor:
    """The mean token taken away first."""
    return spectral_entropy(tokens - tokens.mean(0))


EXERCISE = Exercise(
    name="richness",
    reference=spectral_entropy,
    by_hand={
        "three tokens by hand": (torch.tensor([[3.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]),),
    },
    real=lambda: (real_tokens()[:2].flatten(0, 1),),
    mistakes=(
        Mistake(
            not_squared,
            "your shares are of the singular values; energy is their square.",
        ),
        Mistake(
            not_divided,
            "your entropy can exceed 1; by what is it divided so that all directions alike give exactly 1?",
        ),
        Mistake(
            centred,
            "you took the mean token away before the singular values; the paper does not centre, so that a segment "
            "that shows one thing is poor.",
        ),
    ),
)
