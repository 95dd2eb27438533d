"""OTT-Vid (arXiv 2605.11803): each frame by facility location, then neighboring frames by optimal transport."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.budget import allocate
from infomerge.methods.options import check_number, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, own_by_similarity
from infomerge.methods.spacing import grid_of, grid_places
from infomerge.numerics import cosine, ranks, rounded, unit

SPATIAL = 0.7
"""r^0.7 of the tokens are left by the first stage; the second takes what else is to go."""
TEMPERATURE = 0.3
"""Of the softmax that makes masses of losses, and of the one that shares merges among pairs of frames."""
SHARPNESS = 0.01
"""Entropy of the transport (epsilon)."""


class Pairs(NamedTuple):
    """Every frame with the next one: what it costs to match their tokens, and the transport between them."""

    cost: Float[Tensor, "pairs earlier later"]
    plan: Float[Tensor, "pairs earlier later"]


def check_ott_vid(max_cost: object = 0.3, iterations: object = 200, columns: object = None) -> None:
    """Refuse values that the method cannot take."""
    check_number("max_cost", max_cost, 0)
    check_whole("iterations", iterations)
    if columns is not None:
        check_whole("columns", columns)


@owning_method(
    "ott-vid",
    "OTT-Vid",
    "in each frame what covers its salient tokens best; then merging with the next frame by optimal transport",
    "OTT-Vid, arXiv 2605.11803; code: MIT by its README",
    "Merges are shared among the pairs of frames by largest remainder, at least one each while there are enough; the "
    "published code shares what does not fit anew by the softmax.",
    "Where a clip is to keep less than frames and first stage allow, a frame may merge entirely into the one before; "
    "in the published code one token of each stays.",
    "A saliency below 0 counts as 0, and a frame without any as one that is salient everywhere.",
    "Places are the middles of the cells of the squarest grid, or of one with `columns` columns.",
    "Tokens that are dropped, not merged, are owned by the most similar kept token of their frame, or of the clip.",
    ROUNDED,
    check=check_ott_vid,
)
def ott_vid(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    max_cost: float = 0.3,
    iterations: int = 200,
    columns: int | None = None,
) -> Ownership:
    """Prune each frame by weighted facility location, then merge matched tokens of neighboring frames.

    A merged token is the plain mean of the matched ones, at the place of the earliest.

    Args:
        features: the clip's tokens.
        saliency: weight of every token in what is to be covered.
        requested: tokens to keep.
        max_cost: matches that cost more are no matches: the later token is dropped, with all that merged into it.
        iterations: of Sinkhorn's algorithm.
        columns: of the grid of positions; without it, those of the squarest grid.

    Raises:
        ValueError: `columns` does not divide the number of positions.
    """
    frames, positions, _ = features.shape
    rows, columns = grid_of(positions, columns)
    each = per_frame(frames, positions, requested)
    chosen, mass = cover(features, saliency, each)
    places = grid_places(rows, columns).to(features)
    pairs = transport(features, chosen, mass, places, iterations)
    parent, dropped = matches(pairs, frames * each - requested, max_cost)
    root = parent
    for _ in range(frames):
        root = root[root]
    flat = (chosen + torch.arange(frames, device=chosen.device)[:, None] * positions).flatten()
    stays = ~dropped[root]
    kept = torch.zeros(frames * positions, dtype=torch.bool, device=features.device)
    kept[flat[root[stays]]] = True
    owner = own_by_similarity(features, kept.view(frames, positions))
    owner[flat[stays]] = flat[root[stays]]
    goes_in = torch.zeros_like(kept)
    goes_in[flat[stays]] = True
    sizes = torch.bincount(owner[flat[stays]], minlength=len(owner))
    return Ownership(owner, sizes > 1, goes_in=goes_in)


def per_frame(frames: int, positions: int, requested: int) -> int:
    """Tokens that the first stage leaves in each frame: round(N r^0.7), enough for what is asked, and no more."""
    ratio = requested / (frames * positions)
    share = math.floor(positions * ratio**SPATIAL + 0.5)
    return requested if frames == 1 else min(max(share, -(-requested // frames)), requested, positions)


def cover(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], count: int
) -> tuple[Int[Tensor, "frames chosen"], Float[Tensor, "frames chosen"]]:
    """The positions, ascending, that cover each frame's salient tokens best, one after the other, and their masses.

    Covered is a token by the largest cosine with a chosen one. A chosen token's loss is what covering would lose
    without it; its mass is softmax(-(loss / largest loss) / 0.3).
    """
    frames, positions, _ = features.shape
    directions = unit(features)
    likeness = directions @ directions.transpose(1, 2)
    weights = saliency.clamp(min=0)
    weights = torch.where(weights.sum(dim=1, keepdim=True) > 0, weights, 1)
    weights = positions * weights / weights.sum(dim=1, keepdim=True)
    covered = torch.zeros_like(weights)
    taken = torch.zeros_like(weights, dtype=torch.bool)
    row = torch.arange(frames, device=features.device)
    for _ in range(count):
        gain = (weights[:, None] @ (likeness - covered[:, :, None]).clamp(min=0)).squeeze(1)
        best = rounded(gain).masked_fill(taken, -1).max(dim=1).indices
        taken[row, best] = True
        covered = torch.maximum(covered, likeness[row, :, best])
    chosen = taken.nonzero()[:, 1].view(frames, count)
    to_chosen = rounded(likeness.gather(2, chosen[:, None].expand(-1, positions, -1)))
    best_two = to_chosen.topk(min(2, count), dim=2).values
    lost = weights * (best_two[:, :, 0] - (best_two[:, :, 1] if count > 1 else 0))
    owner = to_chosen.max(dim=2).indices
    loss = (lost[:, :, None] * torch.nn.functional.one_hot(owner, count)).sum(dim=1)
    largest = loss.amax(dim=1, keepdim=True)
    return chosen, torch.softmax(-loss / torch.where(largest > 0, largest, 1) / TEMPERATURE, dim=1)


def transport(
    features: Float[Tensor, "frames positions channels"],
    chosen: Int[Tensor, "frames chosen"],
    mass: Float[Tensor, "frames chosen"],
    places: Float[Tensor, "positions 2"],
    iterations: int,
) -> Pairs:
    """Cost and entropic transport between the chosen tokens of neighboring frames.

    cost = a (1 - max(cosine, 0)) + (1 - a) distance / sqrt(2), where a = 0.5 + 0.5 (1 - the mean cosine of all tokens
    with those at the same positions of the next frame): the more moves, the less the places say.
    """
    still = cosine(features[:-1], features[1:]).mean(dim=1)
    weight = (0.5 + 0.5 * (1 - still).clamp(0, 1))[:, None, None]
    directions = unit(features.gather(1, chosen[:, :, None].expand(-1, -1, features.shape[2])))
    unlike = 1 - (directions[:-1] @ directions[1:].transpose(1, 2)).clamp(min=0)
    seats = places[chosen]
    apart = torch.linalg.vector_norm(seats[:-1, :, None] - seats[1:, None], dim=3)
    cost = weight * unlike + (1 - weight) * apart / math.sqrt(2)
    # Costs are at most 1, so that the kernel is at least e^-100: float64 needs no logarithms.
    kernel = torch.exp(-cost / SHARPNESS)
    left, right = torch.ones_like(mass[:-1]), torch.ones_like(mass[1:])
    for _ in range(iterations):
        right = mass[1:] / (left[:, None] @ kernel).squeeze(1)
        left = mass[:-1] / (kernel @ right[:, :, None]).squeeze(2)
    return Pairs(cost, left[:, :, None] * kernel * right[:, None])


def matches(pairs: Pairs, count: int, max_cost: float) -> tuple[Int[Tensor, "tokens"], Bool[Tensor, "tokens"]]:
    """`count` matches: of each chosen token the one that it merges into, or itself; and which are dropped.

    Tokens are numbered frame by frame. Every later token is matched once at most, with the earlier one that sends it
    most, the largest shares of a pair first.
    """
    frames, each = len(pairs.cost) + 1, pairs.cost.shape[2]
    parent = torch.arange(frames * each, device=pairs.cost.device)
    dropped = torch.zeros_like(parent, dtype=torch.bool)
    if not count:
        return parent, dropped
    price = (pairs.plan * pairs.cost).sum(dim=(1, 2))
    most = each - 1 if count <= (frames - 1) * (each - 1) else each
    room = torch.full_like(price, most, dtype=torch.long)
    budget = allocate(torch.softmax(-price / TEMPERATURE, dim=0), count, room, "exact")
    share, sender = rounded(each * pairs.plan).max(dim=1)
    # Of equal shares the earlier token's number decides, then the later one's.
    by_sender = torch.sort(sender, dim=1, stable=True).indices
    place = ranks(share.gather(1, by_sender), descending=True)
    matched = torch.zeros_like(share, dtype=torch.bool).scatter_(1, by_sender, place < budget[:, None])
    pair, later = matched.nonzero().unbind(1)
    earlier = sender[pair, later]
    child = (pair + 1) * each + later
    good = rounded(pairs.cost[pair, earlier, later]) <= max_cost
    parent[child[good]] = pair[good] * each + earlier[good]
    dropped[child[~good]] = True
    return parent, dropped
