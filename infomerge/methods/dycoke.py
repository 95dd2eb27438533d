"""DyCoke's temporal token merging (arXiv 2411.15024): tokens that repeat those of an earlier frame go into them."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, most_similar
from infomerge.methods.spacing import share_evenly, spread_order
from infomerge.numerics import cosine, ranks, rounded, unit
from infomerge.redundancy import ADJACENT_WINDOW


@owning_method(
    "dycoke",
    "DyCoke",
    "in windows of 4 frames, tokens that repeat an earlier frame's at their position merge into it",
    "Tao et al., DyCoke, arXiv 2411.15024",
    "Every compared frame keeps the same number of tokens (or one more) in place of a pruning rate.",
    "Below a quarter, the first frames of the windows form windows of 4 in their turn, down to a single frame, of "
    "which evenly spread positions stay.",
    "The third frame of every window is compressed; the published code never compresses that of the last window.",
    "Merged tokens are averaged, where the published code drops them.",
    "The pruning of the cache while the answer is written is left out.",
    ROUNDED,
)
def dycoke(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """In windows of four frames, the second and fourth are compared with the frame before, the third with the first.

    Position by position, by cosine: what is most similar goes into the token of the frame it was compared with. The
    first frame of a window stays whole. A kept token becomes the mean of all tokens that went into it.

    Departs from its source: instead of a pruning rate, every compared frame keeps the same number of tokens, evenly
    spread ones keep one more, so that the total is exact. Where the first frames alone are more than that, everything
    else goes into them, and they form windows of four in their turn. Where a single frame is still too much, evenly
    spread positions of it stay and the others go into the most similar of them. The source describes a merge and
    publishes a cut (the token compared with keeps its features); here it is a mean. Its second stage, which shrinks
    the cache while the answer is written, has no counterpart before the language model.
    """
    frames, positions, _ = features.shape
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    owner = index.clone()
    level = torch.arange(frames, device=features.device)
    reference, compared = _compare(level)
    while requested < int((~compared).sum()) * positions and len(level) > 1:
        owner[level[compared]] = index[reference]
        level = level[~compared]
        reference, compared = _compare(level)

    left = requested - int((~compared).sum()) * positions
    if left >= 0:
        later = level[compared]
        similarity = rounded(cosine(features[later], features[reference]))
        stays = share_evenly(left, len(later)).to(features.device)
        owner[later] = torch.where(ranks(similarity) < stays[:, None], index[later], index[reference])
    else:
        kept = spread_order(positions)[:requested].sort().values.to(features.device)
        owner[0] = most_similar(unit(features[0]), index[0], kept)[1]
        owner[0, kept] = kept

    owner = _follow(owner.flatten())
    sizes = torch.bincount(owner, minlength=frames * positions)
    # A window spans four of the level's frames, and with them all frames that have gone into these.
    span = ADJACENT_WINDOW * (int(level[1]) if len(level) > 1 else frames)
    edges = torch.tensor([*range(0, frames, span), frames], device=features.device)
    return Ownership(owner, sizes > 1, torch.stack((edges[:-1], edges[1:]), dim=1))


def _compare(level: Int[Tensor, "frames"]) -> tuple[Int[Tensor, "compared"], Bool[Tensor, "frames"]]:
    """Which frames of a level are compared, and with which frame each of these."""
    number = torch.arange(len(level), device=level.device)
    place = number % ADJACENT_WINDOW
    compared = place > 0
    other = torch.where(place % 2 == 1, number - 1, number - place)
    return level[other[compared]], compared


def _follow(owner: Int[Tensor, "tokens"]) -> Int[Tensor, "tokens"]:
    """Owners of owners, to the end: a token that went into one that went further goes with it."""
    while not torch.equal(owner, owner[owner]):
        owner = owner[owner]
    return owner
