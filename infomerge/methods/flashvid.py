"""FlashVID (arXiv 2602.08024) before the language model: attentive and different tokens, and trees of alike ones."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.methods.peaks import NO_NOISE, density_peaks
from infomerge.methods.pieces import DROPPED, anchored_weights, blended
from infomerge.methods.ranges import check_number, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership
from infomerge.methods.spacing import share_evenly
from infomerge.methods.static_windows import share_by_size
from infomerge.numerics import floor_count, grouped_sums, rounded, unit
from infomerge.segmentation import find_segments, transition_similarity

MIN_SEGMENTS, SEGMENT_THRESHOLD = 8, 0.9
"""The clip is cut where neighboring frames are less alike than this, and at least into so many segments."""

COMPARED = 12
"""Decimals of a frame's largest score after which two scores of its tokens are equal."""


def check_options(salient_fraction: object = 0.7, tree_threshold: object = 0.8, neighbors: object = 7) -> None:
    """Refuse options that are out of range."""
    check_number("salient_fraction", salient_fraction, 0, 1)
    check_number("tree_threshold", tree_threshold, -1, 1)
    check_whole("neighbors", neighbors, 1)


@owning_method(
    "flashvid",
    "FlashVID",
    "each frame's attentive and mutually different tokens; the rest in trees of alike ones over time, then in clusters",
    "Fan et al., FlashVID, arXiv 2602.08024; code MIT",
    "The half inside the language model, which keeps 30 % after layer 20 by attention, is left out, and with it the "
    "1.25 times as many tokens that go in there: the count is that which is asked for.",
    "Frames share the count evenly, and the frames of a segment its tree tokens by their number of roots, so that it "
    "is exact; the published code rounds each up.",
    "A chosen token is not chosen again, which the published code does not rule out.",
    "In a segment of one frame chosen tokens take no part in the clusters; in the published code they do.",
    "Tokens of a frame without a share of the tree tokens are owned by the most similar kept token of their segment, "
    "unmerged.",
    NO_NOISE,
    "Scores of chosen tokens are compared after rounding to 12 decimals of the frame's largest; equal ones are ordered "
    "by position.",
    ROUNDED,
    check=check_options,
)
def flashvid(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    salient_fraction: float = 0.7,
    tree_threshold: float = 0.8,
    neighbors: int = 7,
) -> Ownership:
    """Most of a frame's tokens are chosen one by one, far from those chosen, where they are salient and to the point.

    The others are linked to the most similar one of the frame before, in any place, where that is similar enough: trees
    within a segment of alike frames, each of which becomes the mean of its tokens in the place of its earliest. Where
    that leaves more than the budget, the trees of a frame are clustered by density peaks, and the means of trees
    averaged.

    `salient_fraction` (alpha) is the share of chosen tokens, `tree_threshold` (T) the cosine above which tokens are
    linked, and of `neighbors` a density is taken.

    Departs from its source: see `METHODS["flashvid"].departures`. What it does inside the language model needs that
    model's attention, and is not there.
    """
    frames, positions, _ = features.shape
    segments = find_segments(transition_similarity(features.mean(1)), MIN_SEGMENTS, SEGMENT_THRESHOLD)
    budget = share_evenly(requested, frames).tolist()
    # Rounded up, forgiving the last bits.
    count = [part - floor_count(part * (1 - salient_fraction)) for part in budget]
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    flat_index, flat = index.flatten(), features.flatten(0, 1)
    seat, center = flat_index.clone(), torch.full_like(flat_index, DROPPED)
    weight = flat.new_zeros(len(flat))
    for start, end in segments.tolist():
        part = slice(start, end)
        chosen = choose(features[part], saliency[part], count[part])
        salient = index[part][chosen]
        center[salient], weight[salient] = salient, 1
        left = sum(budget[part]) - len(salient)
        roots = grow_trees(features[part], ~chosen, tree_threshold, left) + start * positions
        seat[start * positions : end * positions] = roots.flatten()
        is_root = (roots == index[part]) & ~chosen
        for frame, share in enumerate(share_by_size(left, is_root.sum(1).cpu())):
            here = index[start + frame][is_root[frame]]
            if share:
                means = tree_means(flat, seat, here)
                owner = density_peaks(means, share, min(neighbors, share))[1]
                center[here], weight[here] = here[owner], anchored_weights(owner, 0.0)
    return blended(features, seat, center, weight, segments)


def choose(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], count: list[int]
) -> Bool[Tensor, "frames positions"]:
    """Max-min selection in each frame of a segment: so many tokens, each as far as may be from those chosen before.

    Far is 1 - cosine, times the candidate's saliency and its relevance: the mean of its products with the frame means
    of the segment. The first is the one that is farthest from its nearest other.
    """
    frames, positions, _ = features.shape
    directions = unit(features)
    relevance = (features @ features.mean(1).T).mean(2)
    calibration = saliency * relevance
    calibration = calibration / calibration.abs().amax(1, keepdim=True).clamp(min=torch.finfo(features.dtype).tiny)
    far = rounded(1 - rounded(directions @ directions.mT)) * calibration[:, None, :]
    far = torch.round(far, decimals=COMPARED)
    chosen = torch.zeros(frames, positions, dtype=torch.bool, device=features.device)
    here, wanted = torch.arange(frames, device=features.device), torch.tensor(count, device=features.device)
    nearest = far.kthvalue(min(2, positions), dim=1).values
    for turn in range(max(count)):
        best = nearest.masked_fill(chosen, -torch.inf).argmax(1)
        chosen[here, best] |= turn < wanted
        passed = far[here, best]
        nearest = passed if turn == 0 else torch.minimum(nearest, passed)
    return chosen


def grow_trees(
    features: Float[Tensor, "frames positions channels"],
    free: Bool[Tensor, "frames positions"],
    threshold: float,
    at_least: int,
) -> Int[Tensor, "frames positions"]:
    """The root of each token's tree, as a flat index of the segment: a free token is linked to the frame before.

    To the free token there of largest cosine, if that is above the threshold. Where fewer than `at_least` trees would
    be left, the threshold rises to the similarity of as many links as may be.
    """
    frames, positions, _ = features.shape
    root = torch.arange(frames * positions, device=features.device).view(frames, positions)
    similarity = torch.full_like(features[..., 0], -1.0)
    parent = root.clone()
    directions = unit(features)
    for frame in range(1, frames):
        alike = rounded(directions[frame] @ directions[frame - 1].T).masked_fill(~free[frame - 1], -1)
        best, place = alike.max(1)
        similarity[frame] = best.masked_fill(~free[frame], -1)
        parent[frame] = root[frame - 1][place]
    linked = similarity > threshold
    most = int(free.sum()) - at_least
    if int(linked.sum()) > most:
        linked = similarity > (similarity.flatten().topk(most).values[-1] if most else torch.inf)
    for frame in range(1, frames):
        root[frame] = torch.where(linked[frame], root.flatten()[parent[frame]], root[frame])
    return root


def tree_means(
    flat: Float[Tensor, "tokens channels"], seat: Int[Tensor, "tokens"], roots: Int[Tensor, "roots"]
) -> Float[Tensor, "roots channels"]:
    """The mean of the tokens of each tree."""
    inside = torch.isin(seat, roots).nonzero().squeeze(1)
    order = inside[torch.argsort(seat[inside], stable=True)]
    sizes = torch.bincount(seat[inside], minlength=len(seat))[roots]
    return grouped_sums(flat, order, sizes) / sizes[:, None]
