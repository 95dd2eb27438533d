"""Tango (arXiv 2604.09547): salient tokens of different kinds, and clusters in a space turned by time and place."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.holitom import LET_GO
from infomerge.methods.peaks import NO_NOISE, directional_peaks, highest
from infomerge.methods.pieces import DROPPED, blended
from infomerge.methods.ranges import check_number, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership
from infomerge.methods.rotary import GRID, check_columns, rotate
from infomerge.methods.static_windows import share_by_size, static_windows
from infomerge.numerics import floor_count, ranks, unit, wide

BASE_TIME, BASE_SPACE = 10_000.0, 1_000.0
"""Of the angles by which tokens are turned."""

CANDIDATES = 1.5
"""Salient tokens that are looked at for each one that stays."""


def check_options(
    static_threshold: object = 0.8,
    context_fraction: object = 0.4,
    anchor_weight: object = 0.6,
    neighbors: object = 7,
    columns: object = None,
) -> None:
    """Refuse options that are out of range."""
    check_number("static_threshold", static_threshold, -1, 1)
    check_number("context_fraction", context_fraction, 0, 1)
    check_number("anchor_weight", anchor_weight, 0, 1)
    check_whole("neighbors", neighbors, 1)
    check_columns(columns)


@owning_method(
    "tango",
    "Tango",
    "in HoliTom's windows: the most salient of each cluster of candidates; clusters turned by time and place",
    "Yin et al., Tango, arXiv 2604.09547; code Apache-2.0",
    "Windows share the budget by their frames, and their static tokens and frames by their sizes, so that the count is "
    "exact; the published code rounds each up, and keeps 95 to 105 % of it, more at 1 %.",
    LET_GO,
    "Static similarity is above 0.8 at every ratio; the source takes 0.65 at 10 %, which is static_threshold=0.65.",
    "The saliency of attention sinks, six positions of SigLIP's 14 x 14 grid, is not set to 0: another encoder has "
    "others.",
    "Time is counted in frames, as in the published code where it is given no seconds.",
    "Channels are shared out to time, rows and columns in nearly equal parts, as in the published code. " + GRID,
    "Tokens that are dropped where a window has no context tokens are owned by its most similar kept token, unmerged.",
    NO_NOISE,
    ROUNDED,
    check=check_options,
)
def tango(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    static_threshold: float = 0.8,
    context_fraction: float = 0.4,
    anchor_weight: float = 0.6,
    neighbors: int = 7,
    columns: int | None = None,
) -> Ownership:
    """Of one and a half times as many candidates as stay, by saliency, clustered, the most salient of each cluster.

    So in every frame of a window, and among its static tokens, which are one over time. What is left of all frames of a
    window together, and what is left of its static tokens, is clustered by density peaks. Distances are those of
    tokens turned by their frame, row and column, so that clusters hold together in time and space; a static token is
    turned as in its first frame. A center becomes a mean of itself and of all tokens of its cluster.

    `static_threshold` (tau) is the cosine above which a position stands still from a frame to the next,
    `context_fraction` the share of the budget for clustered tokens, `anchor_weight` (beta) the least weight of a center
    beside the mean of its cluster, of `neighbors` a density is taken, and `columns` are those of the grid of positions.

    Departs from its source: see `METHODS["tango"].departures`.
    """
    frames, positions, _ = features.shape
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    turned = unit(rotate(unit(features), columns, BASE_TIME, BASE_SPACE)).flatten(0, 1)
    seat, center = index.clone(), torch.full_like(index, DROPPED).flatten()
    weight = features.new_zeros(frames * positions)

    def select(seats: Tensor, values: Tensor, count: int) -> Tensor:
        """Of some tokens the chosen ones; they stay as they are."""
        chosen = seats[most_salient_of_clusters(turned[seats], values, count, neighbors)]
        center[chosen], weight[chosen] = chosen, 1
        return seats[~torch.isin(seats, chosen)]

    def cluster(seats: Tensor, count: int) -> None:
        if count:
            owner = directional_peaks(turned[seats], count, neighbors)[1]
            center[seats], weight[seats] = seats[owner], mixed_weights(owner, anchor_weight)

    windows = static_windows(features, static_threshold)
    budget = share_by_size(requested, (windows.edges[:, 1] - windows.edges[:, 0]).cpu() * positions)
    for whole, tokens in zip(windows.parted(), budget, strict=True):
        window = whole.keeping(tokens)
        ((start, end),), (static,) = window.edges.tolist(), window.static
        still, *moving = share_by_size(tokens, window.sizes())
        seat[start:end, static] = index[start, static]
        salient = floor_count(still * (1 - context_fraction))
        cluster(select(index[start, static], saliency[start:end, static].mean(0), salient), still - salient)
        rest, left = [], 0
        for frame, share in zip(range(start, end), moving, strict=True):
            salient = floor_count(share * (1 - context_fraction))
            rest.append(select(index[frame, ~static], saliency[frame, ~static], salient))
            left += share - salient
        cluster(torch.cat(rest), left)
    return blended(features, seat.flatten(), center, weight, windows.edges)


def most_salient_of_clusters(
    directions: Float[Tensor, "tokens channels"], saliency: Float[Tensor, "tokens"], count: int, neighbors: int
) -> Int[Tensor, "count"]:
    """Places of `count` tokens: candidates by saliency are clustered, and of each cluster the most salient stays."""
    candidates = highest(saliency, min(floor_count(CANDIDATES * count), len(saliency)))
    if len(candidates) <= count:
        return candidates
    owner = directional_peaks(directions[candidates], count, neighbors)[1]
    by_saliency = ranks(saliency[candidates][None], descending=True)[0]
    best = torch.full_like(owner, len(owner)).scatter_reduce_(0, owner, by_saliency, "amin")
    return candidates[by_saliency == best[owner]]


def mixed_weights(owner: Int[Tensor, "pieces"], anchor_weight: float) -> Float[Tensor, "pieces"]:
    """Weights of a center and the mean of its whole cluster of n: w center + (1 - w) mean, w = max(anchor_weight, 1/n).

    As in eq. 34, but that the center is in the mean, too.
    """
    members = wide(torch.bincount(owner, minlength=len(owner)))[owner]
    beside = (1 / members).clamp(min=anchor_weight)
    is_center = owner == torch.arange(len(owner), device=owner.device)
    return (1 - beside) / members + beside * is_center
