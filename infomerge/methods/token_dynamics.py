"""Token Dynamics (arXiv 2503.16980), called VQToken since, its training-free half: a codebook and its key map."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.kmeans import cosine_kmeans
from infomerge.methods.options import check_seed, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership
from infomerge.numerics import rounded, unit

FLOOR = 1e-6
"""What the source adds to every squared distance, so that there is always something to draw."""


def check_token_dynamics(iterations: object = 10, seed: object = 0) -> None:
    """Refuse values that the method cannot take."""
    check_whole("iterations", iterations)
    check_seed(seed)


@owning_method(
    "token-dynamics",
    "Token Dynamics, codebook",
    "k-means by cosine over the whole clip: every cluster becomes one code, the mean of its tokens",
    "Zhang and Fu, Token Dynamics (VQToken), arXiv 2503.16980; code: BSD-3-Clause",
    "The training-free half alone, which the published code calls its base: the attention that mixes the key map into "
    "the codes has trained weights, and the published results are of a language model and an encoder tuned with it.",
    "As many codes as tokens are asked for; the source has 32, or 12 to 32 by a score.",
    "A code is the mean of its tokens as they are, not of the tokens scaled to length 1, so that it lies where the "
    "language model knows tokens to lie.",
    "A code takes the place of its token nearest to the center, for the codes of the source have no order.",
    "10 rounds of k-means at most, not 300 (iterations=...); ends when no label changes.",
    "A cluster that ends empty takes the token that is farthest from its own center, so that the count is exact.",
    ROUNDED,
    check=check_token_dynamics,
)
def token_dynamics(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    iterations: int = 10,
    seed: int = 0,
) -> Ownership:
    """Cluster all tokens of the clip into as many codes as are asked for.

    Who owns whom is the key map of the source: which code stands in which place of the grid.

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep, which are the codes.
        iterations: rounds of k-means at most.
        seed: starts the draws of the first centers, which are the same on every device.
    """
    directions = unit(features).flatten(0, 1)
    starts = drawn_starts(directions, requested, seed)
    labels, centers = cosine_kmeans(directions[None], starts[None], iterations)
    closeness = rounded((directions * centers[0, labels[0]]).sum(dim=1))
    labels = without_empty(labels[0], closeness, requested)
    # The first token of each cluster, nearest to the center first: its place is the code's.
    order = torch.sort(closeness, descending=True, stable=True).indices
    order = order[torch.sort(labels[order], stable=True).indices]
    sizes = torch.bincount(labels, minlength=requested)
    seats = order[sizes.cumsum(0) - sizes]
    merged = torch.zeros_like(labels, dtype=torch.bool)
    merged[seats] = sizes > 1
    return Ownership(seats[labels], merged)


def drawn_starts(directions: Float[Tensor, "tokens channels"], count: int, seed: int) -> Int[Tensor, "count"]:
    """Tokens for first centers, each other than those before: k-means++, by squared distance to the nearest of them.

    The source may draw a token twice; here it may not.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(count, generator=generator, dtype=torch.float64, device="cpu").tolist()
    lengths = directions.square().sum(dim=1)
    free = torch.ones(len(lengths), dtype=torch.float64, device="cpu")
    nearest = torch.ones_like(lengths)  # before the first center, which may be any token
    starts: list[int] = []
    for draw in draws:
        # On the CPU, where sums do not depend on the order of threads.
        upto = (free * (rounded(nearest).cpu() + FLOOR)).cumsum(0)
        chosen = int(torch.searchsorted(upto, draw * upto[-1], right=True))
        apart = (lengths + lengths[chosen] - 2 * (directions @ directions[chosen])).clamp(min=0)
        nearest = torch.minimum(nearest, apart) if starts else apart
        free[chosen] = 0
        starts.append(chosen)
    return torch.tensor(starts, device=directions.device)


def without_empty(
    labels: Int[Tensor, "tokens"], closeness: Float[Tensor, "tokens"], clusters: int
) -> Int[Tensor, "tokens"]:
    """Labels in which every cluster has a member: an empty one takes the token least close to its own center.

    The lowest empty cluster is filled first; a token that is alone in its cluster stays.
    """
    sizes = torch.bincount(labels, minlength=clusters).tolist()
    empty = [cluster for cluster, size in enumerate(sizes) if not size]
    filled = labels.clone()
    if empty:
        for token in torch.sort(closeness, stable=True).indices.tolist():
            owner = int(labels[token])
            if sizes[owner] > 1:
                sizes[owner] -= 1
                filled[token] = empty.pop(0)
            if not empty:
                break
    return filled
