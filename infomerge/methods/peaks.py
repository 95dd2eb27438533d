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

    Distances are not divided by the number of channels, and a token is no neighbor of its own. Densities, scores and
    the distances to centers are compared after rounding.
    """
    neighbors = min(neighbors, len(directions) - 1)
    if count == 0:
        return (nothing := torch.empty(0, dtype=torch.long, device=directions.device)), nothing
    blocks = torch.arange(len(directions), device=directions.device).split(
        max(1, BLOCK_ELEMENTS // 8 // len(directions))
    )
    spread, farthest = [], directions.new_zeros(())
    for block in blocks:
        squared = _squared(directions[block], directions)
        # The smallest is the token's own, or that of its double, which is as well zero.
        spread.append(squared.topk(neighbors + 1, dim=1, largest=False).values[:, 1:].sum(1) / max(1, neighbors))
        farthest = torch.maximum(farthest, squared.amax())
    density = torch.cat(spread)
    rank = ranks(rounded(density)[None])[0]
    delta = []
    for block in blocks:
        no_denser = rank[None, :] >= rank[block, None]
        delta.append(_squared(directions[block], directions).masked_fill_(no_denser, torch.inf).amin(1))
    nearest_denser = torch.cat(delta).clamp(max=farthest)  # of the densest, the farthest of all
    centers = highest(rounded(nearest_denser.sqrt() * (-density).exp()), count)
    nearest = [rounded(_squared(directions[block], directions[centers])).argmin(1) for block in blocks]
    return centers, _own(torch.cat(nearest), centers)


def highest(score: Float[Tensor, "tokens"], count: int) -> Int[Tensor, "count"]:
    """The places of the `count` largest scores, ascending; of equal ones the first."""
    return (ranks(score[None], descending=True)[0] < count).nonzero().squeeze(1)


def _own(nearest: Int[Tensor, "tokens"], centers: Int[Tensor, "count"]) -> Int[Tensor, "tokens"]:
    owner = centers[nearest]
    owner[centers] = centers
    return owner


def _squared(a: Float[Tensor, "n channels"], b: Float[Tensor, "m channels"]) -> Float[Tensor, "n m"]:
    """Squared distances, by the product form, which is off by about 1e-15 between unit vectors."""
    energy = a.square().sum(1)[:, None] + b.square().sum(1)[None]
    return torch.addmm(energy, a, b.T, alpha=-2).clamp_(min=0)
