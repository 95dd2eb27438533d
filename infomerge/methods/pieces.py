"""Merging in two steps: tokens into pieces that stand still or follow each other, and pieces into those that are kept.

A piece is known by its seat, the one of its tokens in whose place it stands, and is the plain mean of its tokens.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.result import Merges, Ownership, own_by_similarity
from infomerge.numerics import wide

DROPPED = -1
"""The center of a piece that is not kept and goes into none."""


def blended(
    features: Float[Tensor, "frames positions channels"],
    seat: Int[Tensor, "tokens"],
    center: Int[Tensor, "tokens"],
    weight: Float[Tensor, "tokens"],
    segments: Int[Tensor, "segments 2"],
) -> Ownership:
    """The ownership of pieces that go into pieces.

    Args:
        features: tokens of the clip.
        seat: flat index of the token at which each token's piece is seated; a seat's own.
        center: at every seat, that of the piece that is kept and takes it in (its own, if it is kept), or `DROPPED`.
            The tokens of dropped pieces are owned by the most similar kept token of their segment, unmerged.
        weight: at every seat, the piece's weight in what is kept; those that go into one sum up to 1.
        segments: runs of frames that the method works on.
    """
    index = torch.arange(len(seat), device=seat.device)
    goes_to = center[seat]
    lost = goes_to == DROPPED
    owner = goes_to
    if lost.any():
        kept = (center == index).view(features.shape[:2])
        owner = torch.where(lost, own_by_similarity(features, kept, segments=segments), goes_to)
    source = (~lost & (goes_to != index)).nonzero().squeeze(1)
    target = goes_to[source]
    share = (weight / torch.bincount(seat, minlength=len(seat)).clamp(min=1))[seat[source]]
    merged = torch.zeros_like(lost)
    merged[target] = True
    return Ownership(owner, merged, segments, Merges(source, target, share))


def anchored_weights(owner: Int[Tensor, "pieces"], anchor_weight: float) -> Float[Tensor, "pieces"]:
    """Weights by eq. 34, for pieces of which each goes into the one at its owner's place; a center is its own.

    A center weighs mu = max(anchor_weight, 1 / (n + 1)), and each of the n others (1 - mu) / n.
    """
    others = wide(torch.bincount(owner, minlength=len(owner)) - 1)
    own = (1 / (others + 1)).clamp(min=anchor_weight)
    rest = (1 - own) / others.clamp(min=1)
    is_center = owner == torch.arange(len(owner), device=owner.device)
    return torch.where(is_center, own, rest[owner])
