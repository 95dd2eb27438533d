"""Density peak clustering (DPC-kNN): tokens that are dense and far from anything denser are centers of the others."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.density import density_scores
from infomerge.numerics import BLOCK_ELEMENTS, ranks, rounded

NO_NOISE = "No noise on the densities: equal ones are ordered by position."
"""What every method says whose published code adds random numbers to the densities."""


def density_peaks(
    tokens: Float[Tensor, "tokens channels"], count: int, neighbors: int
) -> tuple[Int[Tensor, "count"], Int[Tensor, "tokens"]]:
    """The `count` tokens of largest density score (eq. 31 to 33), ascending, and for every token the nearest of them.

    Nearest by Euclidean distance; the first of equals. A center is its own, also beside its double. With no center
    (count 0) the second is empty.
    """
    score = density_scores(tokens[None], max(1, neighbors))[0]
    centers = highest(score, count)
    if count == 0:
        return centers, centers
    distance = torch.cdist(tokens, tokens[centers], compute_mode="donot_use_mm_for_euclid_dist")
    # The logarithm is rounded, since a rounded distance would make all equal in clips of small numbers.
    return centers, _own(rounded(distance.clamp(min=1e-12).log()).argmin(1), centers)


def directional_peaks(
    directions: Float[Tensor, "tokens channels"], count: int, neighbors: int
) -> tuple[Int[Tensor, "count"], Int[Tensor, "tokens"]]:
    """The same among unit vectors, of which there may be as many as a clip has tokens; in memory for a block of them.

    Distances are not divided by the number of channels, and a token is no neighbor of its own. Squared distances are
    compared after rounding, and so are scores.
    """
    neighbors = min(neighbors, len(directions) - 1)
    if count == 0:
        return (nothing := torch.empty(0, dtype=torch.long, device=directions.device)), nothing
    blocks = torch.arange(len(directions), device=directions.device).split(max(1, BLOCK_ELEMENTS // len(directions)))
    spread, farthest = [], directions.new_zeros(())
    for block in blocks:
        squared = _squared(directions, block)
        # The smallest is the token's own, or that of its double, which is as well zero.
        spread.append(squared.topk(neighbors + 1, dim=1, largest=False).values[:, 1:].sum(1) / max(1, neighbors))
        farthest = torch.maximum(farthest, squared.amax())
    density = torch.cat(spread)
    rank = ranks(rounded(density)[None])[0]
    delta = []
    for block in blocks:
        denser = rank[None, :] < rank[block, None]
        delta.append(torch.where(denser, _squared(directions, block), farthest).amin(1))
    score = rounded(torch.cat(delta).sqrt() * (-density).exp())
    centers = highest(score, count)
    nearest = [_squared(directions, block, centers).argmin(1) for block in blocks]
    return centers, _own(torch.cat(nearest), centers)


def highest(score: Float[Tensor, "tokens"], count: int) -> Int[Tensor, "count"]:
    """The places of the `count` largest scores, ascending; of equal ones the first."""
    return (ranks(score[None], descending=True)[0] < count).nonzero().squeeze(1)


def _own(nearest: Int[Tensor, "tokens"], centers: Int[Tensor, "count"]) -> Int[Tensor, "tokens"]:
    owner = centers[nearest]
    owner[centers] = centers
    return owner


def _squared(
    directions: Float[Tensor, "tokens channels"],
    block: Int[Tensor, "block"],
    others: Int[Tensor, "others"] | None = None,
) -> Float[Tensor, "block others"]:
    """Squared distances of some tokens to all, or to some others, rounded."""
    energy = directions.square().sum(1)
    targets = directions if others is None else directions[others]
    sums = energy[block, None] + (energy if others is None else energy[others])[None]
    return rounded((sums - 2 * directions[block] @ targets.T).clamp(min=0))
