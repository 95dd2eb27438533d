"""V-CAST (arXiv 2603.27650): more tokens where the clip's path bends, and in each frame the unusual and the long."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.budget import allocate
from infomerge.methods.options import check_number
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.numerics import cosine, ranks, rounded, unit

EPSILON = 1e-6
"""The source's guard of divisions: steps shorter than this count as no bend either way."""


def check_v_cast(temperature: object = 0.7) -> None:
    """Refuse values that the method cannot take."""
    check_number("temperature", temperature, 0, above=True)


@owning_method(
    "v-cast",
    "V-CAST",
    "more tokens for frames at which the mean token's path bends, and in each the tokens unlike its mean or long",
    "V-CAST, arXiv 2603.27650; code: MIT",
    "A clip of fewer kept tokens than frames keeps one in the frames of the largest weights; the published code raises "
    "the count to one a frame.",
    "Tokens beyond a full frame's go to the others by largest remainder, one after the other; the published code gives "
    "them to the frame with the largest fraction until it is full.",
    "A clip of one frame is pruned like any other; the published code leaves it as it is.",
    ROUNDED,
    check=check_v_cast,
)
def v_cast(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    temperature: float = 0.7,
) -> Ownership:
    """Keep, in every frame, the tokens that are unlike the frame's mean or have large norms.

    A token's score is 1 - its cosine with f_t, its frame's mean token, plus its norm, scaled to run from 0 to 1 in the
    frame. Every frame keeps one token; the rest is shared in proportion to softmax(curvature / temperature).

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep.
        temperature: of the softmax; lower gives more to bends.
    """
    frames, positions, _ = features.shape
    means = unit(features.mean(dim=1))
    weights = torch.softmax(curvature(means) / temperature, dim=0)
    shares = weights if requested < frames else 1 + weights * (requested - frames)
    counts = allocate(shares, requested, torch.full((frames,), positions, device=features.device), "exact")
    norms = torch.linalg.vector_norm(features, dim=2)
    low, high = norms.amin(dim=1, keepdim=True), norms.amax(dim=1, keepdim=True)
    score = 1 - cosine(features, means[:, None].expand_as(features)) + (norms - low) / (high - low + EPSILON)
    return prune(features, ranks(rounded(score), descending=True) < counts[:, None])


def curvature(means: Float[Tensor, "frames channels"]) -> Float[Tensor, "frames"]:
    """kappa_t: one minus the cosine of the steps to and from each frame's unit mean; 1 for the first and the last."""
    steps = means.diff(dim=0)
    lengths = torch.linalg.vector_norm(steps, dim=1, keepdim=True).clamp(min=EPSILON)
    bends = torch.ones_like(means[:, 0])
    bends[1:-1] = 1 - (steps[:-1] / lengths[:-1] * steps[1:] / lengths[1:]).sum(dim=1)
    return bends
