"""Methods that keep some tokens as they are and drop the rest: the floor that every other one has to beat.

A dropped token is owned by the most similar kept token of its frame, or of the clip where its frame keeps none; that
says what is left of it, and changes no features.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.methods.options import check_seed
from infomerge.methods.registry import owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.methods.spacing import evenly, share_evenly, spread_order
from infomerge.numerics import ranks

COMMON = "common practice"
SPREAD = "Positions are spread by multiples of the golden section, so that they do not line up in columns."


@owning_method(
    "uniform-frames",
    "even frames",
    "whole frames at even distances",
    COMMON,
    SPREAD,
    group="baseline",
)
def uniform_frames(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """Whole frames at even distances; the last of them keeps evenly spread positions, as many as are left.

    Common practice, no source of its own. The positions of the incomplete frame are those of `spread_order`.
    """
    frames, positions, _ = features.shape
    chosen = evenly(frames, -(-requested // positions))
    kept = torch.zeros(frames, positions, dtype=torch.bool, device="cpu")
    kept[chosen[:-1]] = True
    kept[chosen[-1], spread_order(positions)[: requested - (len(chosen) - 1) * positions]] = True
    return prune(features, kept)


@owning_method(
    "uniform-positions",
    "even positions",
    "the same spread positions in every frame",
    COMMON,
    SPREAD,
    group="baseline",
)
def uniform_positions(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """The same evenly spread positions in every frame; one more in as many evenly spread frames as it takes.

    Common practice, no source of its own. Which positions are spread evenly is `spread_order`.
    """
    frames, positions, _ = features.shape
    place = torch.empty(positions, dtype=torch.long, device="cpu")
    place[spread_order(positions)] = torch.arange(positions, device="cpu")
    return prune(features, place < share_evenly(requested, frames)[:, None])


@owning_method(
    "random",
    "random",
    "tokens drawn from the whole clip by a seed",
    COMMON,
    group="baseline",
    check=check_seed,
)
def random(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    seed: int = 0,
) -> Ownership:
    """Tokens drawn from the whole clip, all alike; with one seed, fewer tokens are a subset of more.

    Common practice, no source of its own. `seed` starts a generator of its own, and is the same on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = torch.zeros(saliency.numel(), dtype=torch.bool, device="cpu")
    kept[torch.randperm(len(kept), generator=generator, device="cpu")[:requested]] = True
    return prune(features, kept.view_as(saliency))


@owning_method(
    "top-saliency",
    "top saliency",
    "the most salient tokens of the whole clip",
    "after Chen et al., FastV, arXiv 2403.06764",
    "Before the language model and by the encoder's saliency, not after its second layer by its attention.",
    group="baseline",
)
def top_saliency(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """The most salient tokens of the whole clip; equal saliency: the lower index first.

    What FastV (arXiv 2403.06764) does inside the language model, done once before it, on the encoder's saliency.
    """
    return prune(features, ranks(saliency.flatten()[None], descending=True).view_as(saliency) < requested)
