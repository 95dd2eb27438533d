"""SimpleCluster (2026): all tokens of the clip in as many clusters as are kept, each of which becomes its mean."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.options import check_seed
from infomerge.methods.ranges import check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, most_similar
from infomerge.methods.rotary import GRID, check_columns, rotate
from infomerge.numerics import grouped_sums, unit


def check_options(seed: object = 0, iterations: object = 10, rotary: object = True, columns: object = None) -> None:
    """Refuse options that are out of range."""
    check_seed(seed)
    check_whole("iterations", iterations, 1)
    check_columns(columns)
    if not isinstance(rotary, bool):
        raise TypeError(f"rotary: got {type(rotary).__name__}; expected True or False")


@owning_method(
    "simplecluster",
    "SimpleCluster",
    "spherical k-means of all tokens, turned by time and place; every cluster becomes its mean",
    "Zhang et al., SimpleCluster, 2026, arXiv number and code not found; restated from the text",
    "How the centers begin is not published: here with tokens drawn by a seed.",
    "How often they move is not published: here until nothing changes, ten times at most.",
    "What becomes of an empty cluster is not published: here it takes the token that is least like its own center.",
    "Where a mean stands in the prompt is not published: here where its cluster's most typical token stood.",
    "How channels are shared out to time, rows and columns is not published: here in three nearly equal parts. " + GRID,
    "Time is counted in frames.",
    ROUNDED,
    check=check_options,
)
def simplecluster(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    seed: int = 0,
    iterations: int = 10,
    rotary: bool = True,
    columns: int | None = None,
) -> Ownership:
    """Every token goes to the center of largest cosine, every center to the direction of the sum of its tokens.

    So over and over, for the tokens of the whole clip at once, each turned by its frame, row and column. What is kept
    of a cluster is the mean of its tokens as they were before they were turned. Saliency plays no part.

    `seed` draws the tokens that are the first centers, from a generator of its own, the same on every device.
    `iterations` bounds how often centers move, `rotary` False leaves tokens as they are, and `columns` are those of
    the grid of positions.

    Departs from its source, of which the text was had and no code, where that leaves something open: see
    `METHODS["simplecluster"].departures`.
    """
    frames, positions, _ = features.shape
    directions = unit(rotate(features, columns) if rotary else features).flatten(0, 1)
    index = torch.arange(frames * positions, device=features.device)
    if requested == len(index):
        return Ownership(index, torch.zeros_like(index, dtype=torch.bool))
    drawn = (
        torch.randperm(len(index), generator=torch.Generator().manual_seed(seed), device="cpu")[:requested]
        .sort()
        .values
    )
    centers = directions[drawn.to(features.device)]
    cluster, likeness = assign(directions, centers)
    for _ in range(iterations):
        sizes = torch.bincount(cluster, minlength=requested)
        centers = unit(grouped_sums(directions, torch.argsort(cluster, stable=True), sizes))
        before = cluster
        cluster, likeness = assign(directions, centers)
        if torch.equal(cluster, before):
            break
    seat = typical(cluster, likeness, requested)
    owner = seat[cluster]
    return Ownership(owner, torch.bincount(owner, minlength=len(index)) > 1)


def assign(
    directions: Float[Tensor, "tokens channels"], centers: Float[Tensor, "clusters channels"]
) -> tuple[Int[Tensor, "tokens"], Float[Tensor, "tokens"]]:
    """The cluster of each token and its cosine with the center, no cluster empty.

    Empty clusters, in order, take the tokens that are least like their own center (and that is their cosine still);
    none takes the most typical token of its cluster.
    """
    tokens, clusters = len(directions), len(centers)
    both = torch.cat((directions, centers))
    place = torch.arange(len(both), device=directions.device)
    likeness, nearest = most_similar(both, place[:tokens], place[tokens:])
    cluster = nearest - tokens
    empty = (torch.bincount(cluster, minlength=clusters) == 0).nonzero().squeeze(1)
    if len(empty):
        stays = torch.zeros_like(cluster, dtype=torch.bool)
        stays[typical(cluster, likeness, clusters)] = True
        order = torch.argsort(torch.where(stays, torch.inf, likeness), stable=True)[: len(empty)]
        cluster[order] = empty
    return cluster, likeness


def typical(cluster: Int[Tensor, "tokens"], likeness: Float[Tensor, "tokens"], clusters: int) -> Int[Tensor, "filled"]:
    """The token of each cluster that has any that is most like its center, the first of equals."""
    by_likeness = torch.argsort(likeness, descending=True, stable=True)
    order = by_likeness[torch.argsort(cluster[by_likeness], stable=True)]
    sizes = torch.bincount(cluster, minlength=clusters)
    return order[(sizes.cumsum(0) - sizes)[sizes > 0]]
