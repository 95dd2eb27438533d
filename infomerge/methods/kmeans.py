"""k-means by cosine, for the methods that group tokens by it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.numerics import BLOCK_ELEMENTS, grouped_sums, rounded, unit


def cosine_kmeans(
    directions: Float[Tensor, "sets members channels"], starts: Int[Tensor, "sets clusters"], iterations: int
) -> tuple[Int[Tensor, "sets members"], Float[Tensor, "sets clusters channels"]]:
    """Clusters of every set of unit vectors, each by itself: the label of each vector, and the centers, of length 1.

    A vector goes to the center with the largest cosine, the first among equals; a center is the direction of the mean
    of its members. A cluster without members keeps its center. Ends when no label changes, or after `iterations`.

    Args:
        directions: vectors of length 1, or zero.
        starts: the members that are the centers at first.
        iterations: at most so many rounds of labels and centers, at least one.
    """
    sets, members, channels = directions.shape
    clusters = starts.shape[1]
    first = torch.arange(sets, device=directions.device)[:, None] * clusters
    centers = directions.gather(1, starts[:, :, None].expand(-1, -1, channels))
    labels = torch.full((sets, members), -1, device=directions.device)
    for _ in range(iterations):
        before, labels = labels, nearest_centers(directions, centers)
        if torch.equal(labels, before):
            break
        group = (labels + first).flatten()
        sizes = torch.bincount(group, minlength=sets * clusters)
        sums = grouped_sums(directions.flatten(0, 1), torch.argsort(group, stable=True), sizes)
        centers = torch.where((sizes > 0)[:, None], unit(sums), centers.flatten(0, 1)).view_as(centers)
    return labels, centers


def nearest_centers(
    directions: Float[Tensor, "sets members channels"], centers: Float[Tensor, "sets clusters channels"]
) -> Int[Tensor, "sets members"]:
    """The center with the largest cosine for each vector, the first among equals; a block of vectors at a time."""
    sets, clusters, _ = centers.shape
    blocks = directions.split(max(1, BLOCK_ELEMENTS // (sets * clusters)), dim=1)
    turned = centers.transpose(1, 2)
    return torch.cat([rounded(block @ turned).max(dim=2).indices for block in blocks], dim=1)
