"""HoliTom (arXiv 2505.21334) before the language model: windows in which the most tokens stand still."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.methods.peaks import NO_NOISE, density_peaks, highest
from infomerge.methods.pieces import DROPPED, anchored_weights, blended
from infomerge.methods.ranges import check_number, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership
from infomerge.methods.static_windows import share_by_size, static_windows
from infomerge.numerics import floor_count

LET_GO = (
    "Where more tokens are asked for than are left when all static ones have merged, the least static positions do not "
    "merge; the published code keeps fewer tokens."
)
"""What HoliTom's windows do at large ratios, for every method that uses them."""


def check_options(
    static_threshold: object = 0.8, context_fraction: object = 0.0, anchor_weight: object = 0.6, neighbors: object = 7
) -> None:
    """Refuse options that are out of range."""
    check_number("static_threshold", static_threshold, -1, 1)
    check_number("context_fraction", context_fraction, 0, 1)
    check_number("anchor_weight", anchor_weight, 0, 1)
    check_whole("neighbors", neighbors, 1)


@owning_method(
    "holitom",
    "HoliTom",
    "static tokens of the windows that save most become one; of the others each frame's most salient stay",
    "Shao et al., HoliTom, arXiv 2505.21334; code Apache-2.0",
    "The half after the language model's layer 18, which keeps every second token, is left out.",
    "The budget is shared among a window's static tokens and its frames by their sizes, so that the count is exact; "
    "the published code rounds each of them.",
    LET_GO,
    "Static similarity is above 0.8 at every ratio; the source takes 0.65 at 10 %, which is static_threshold=0.65.",
    "A center of a cluster weighs 0.6, as in the published code by default; with anchor_weight=0 it counts like the "
    "others, which a switch of that code does.",
    "Tokens that are dropped are owned by the most similar kept token of their window.",
    NO_NOISE,
    ROUNDED,
    check=check_options,
)
def holitom(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    static_threshold: float = 0.8,
    context_fraction: float = 0.0,
    anchor_weight: float = 0.6,
    neighbors: int = 7,
) -> Ownership:
    """Windows by dynamic programming, static tokens merged over time and then in space, salient ones of what moves.

    A position is static in a window where it is similar from each frame to the next. The windows are those in which
    merging static positions over time saves the most tokens in all. What is left of a window, static tokens and
    each frame's others, keeps the same share. Static tokens are clustered by density peaks. Of a frame's others the
    most salient stay, and with `context_fraction` above 0, as in the source's ablation, that share is clustered too.

    `static_threshold` (tau) is the cosine above which a position stands still from a frame to the next,
    `context_fraction` (D, published as 0) the share of a frame's budget for clustered tokens, `anchor_weight` (beta)
    the least weight of a cluster's center in the token that it becomes, and of `neighbors` a density is taken.

    Departs from its source: see `METHODS["holitom"].departures`. What it does inside the language model needs that
    model's attention, and is not there.
    """
    frames, positions, _ = features.shape
    windows = static_windows(features, static_threshold).keeping(requested)
    shares = iter(share_by_size(requested, windows.sizes()))
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    seat, center = index.clone(), torch.full_like(index, DROPPED).flatten()
    weight = features.new_zeros(frames * positions)
    flat = features.flatten(0, 1)

    def cluster(seats: Tensor, values: Tensor, count: int) -> None:
        if count:
            owner = density_peaks(values, count, min(neighbors, count))[1]
            center[seats], weight[seats] = seats[owner], anchored_weights(owner, anchor_weight)

    for (start, end), static in zip(windows.edges.tolist(), windows.static, strict=True):
        seat[start:end, static] = index[start, static]
        cluster(index[start, static], features[start:end, static].mean(0), next(shares))
        for frame in range(start, end):
            moving, share = index[frame, ~static], next(shares)
            dominant = floor_count(share * (1 - context_fraction) + 0.5)
            chosen = highest(saliency[frame, ~static], dominant)
            center[moving[chosen]], weight[moving[chosen]] = moving[chosen], 1
            rest = moving[~torch.isin(moving, moving[chosen])]
            cluster(rest, flat[rest], share - dominant)
    return blended(features, seat.flatten(), center, weight, windows.edges)
