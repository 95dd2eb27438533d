"""GleanVID: more tokens for frames that bring what their places never showed, and tokens that no kept one can compose.

All similarities are of tokens without the clip's first singular direction, which they share.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.budget import allocate
from infomerge.methods.options import check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.methods.spacing import grid_of
from infomerge.numerics import cosine, group_means, ranks, rounded, unit

CELL = 2
"""Rows and columns of tokens in a cell."""
SLOPE = 4.0
"""Of the softplus that lets tokens unlike their cell count little, but not less than nothing."""
NOTHING = 1e-6
"""What is left of a vector of length 1 when it is less than this counts as nothing."""


def check_gleanvid(columns: object = None) -> None:
    """Refuse values that the method cannot take."""
    if columns is not None:
        check_whole("columns", columns)


@owning_method(
    "gleanvid",
    "GleanVID",
    "more tokens for frames that are new to their places, and tokens outside the span of those kept before",
    "GleanVID, Beihang University, autumn 2026, no arXiv number known; no published code",
    "Written after a summary of the paper's text: cells are taken as 2 x 2 tokens, prototypes and tokens as scaled to "
    "length 1, and a frame's tokens as chosen at once, by their distance from the span of earlier frames' ones.",
    "Frames share the exact count by largest remainder, at least one token each while there are enough.",
    "The grid is the squarest one, or one with `columns` columns.",
    ROUNDED,
    check=check_gleanvid,
)
def gleanvid(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    columns: int | None = None,
) -> Ownership:
    """Budgets by how new a frame is, then in each the tokens that stand for their cell and add to what is kept.

    A frame gets a / frames + (1 - a) s of the tokens, where s is its share of all novelty and a = 0.6 - 0.4 times the
    Gini coefficient of the novelties. A token's score is the sum of two terms, each scaled to run from 0 to 1 in its
    frame: softplus(4 (cosine with the mean of its cell - cosine with that of its frame)) / 4, and the length of its
    part outside the span of the tokens kept in earlier frames.

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep.
        columns: of the grid of positions; without it, those of the squarest grid.

    Raises:
        ValueError: `columns` does not divide the number of positions.
    """
    frames, positions, channels = features.shape
    rows, columns = grid_of(positions, columns)
    least = NOTHING * torch.linalg.vector_norm(features, dim=2).max()
    rest = at_least(without_first_direction(features.flatten(0, 1)).view_as(features), least)
    cell = cells(rows, columns).to(features.device)
    means = at_least(torch.stack([group_means(frame, cell, int(cell.max()) + 1) for frame in rest]), least)
    whole = at_least(rest.mean(dim=1, keepdim=True), least)
    novelty = new_parts(unit(means).transpose(0, 1)).sum(dim=0)
    room = torch.full((frames,), positions, device=features.device)
    counts = allocate(shares(novelty), requested, room, "exact")

    typical = cosine(rest, means[:, cell]) - cosine(rest, whole.expand_as(rest))
    standing = from_zero_to_one(torch.nn.functional.softplus(SLOPE * typical) / SLOPE)
    directions = unit(rest)
    basis = directions.new_zeros(channels, 0)
    kept = torch.zeros_like(saliency, dtype=torch.bool)
    for frame, count in enumerate(counts.tolist()):
        outside = outside_of(basis, directions[frame])
        length = torch.linalg.vector_norm(outside, dim=1)
        score = standing[frame] + from_zero_to_one(length[None])[0]
        kept[frame] = ranks(rounded(score)[None], descending=True)[0] < count
        basis = torch.cat([basis, span_of(outside[kept[frame]])], dim=1)
    return prune(features, kept)


def without_first_direction(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, "tokens channels"]:
    """Tokens less their part along the first right singular vector of all of them, not centred."""
    if tokens.shape[0] < tokens.shape[1]:
        left = torch.linalg.eigh(tokens @ tokens.T).eigenvectors[:, -1]
        first = unit(tokens.T @ left)
    else:
        first = torch.linalg.eigh(tokens.T @ tokens).eigenvectors[:, -1]
    return tokens - (tokens @ first)[:, None] * first


def at_least(vectors: Float[Tensor, "*shape channels"], length: Float[Tensor, ""]) -> Float[Tensor, "*shape channels"]:
    """Vectors shorter than a length as zero: what rounding left of them has no direction."""
    return torch.where(torch.linalg.vector_norm(vectors, dim=-1, keepdim=True) >= length, vectors, 0)


def cells(rows: int, columns: int) -> Int[Tensor, "positions"]:
    """The number of the cell of 2 x 2 tokens that each position lies in; cells at odd edges are smaller."""
    down, along = torch.arange(rows, device="cpu") // CELL, torch.arange(columns, device="cpu") // CELL
    return (down[:, None] * -(-columns // CELL) + along).flatten()


def new_parts(vectors: Float[Tensor, "sets steps channels"]) -> Float[Tensor, "sets steps"]:
    """Length of each vector's part outside the span of those before it in its set."""
    sets, steps, channels = vectors.shape
    basis = vectors.new_zeros(sets, channels, min(steps, channels) + 1)
    lengths = vectors.new_zeros(sets, steps)
    filled = torch.zeros(sets, dtype=torch.long, device=vectors.device)
    row = torch.arange(sets, device=vectors.device)
    for step in range(steps):
        left = outside_of(basis, vectors[:, step, None])[:, 0]
        length = torch.linalg.vector_norm(left, dim=1)
        new = length >= NOTHING
        lengths[:, step] = torch.where(new, length, 0)
        # What is nothing goes into a last column that is overwritten by zeros.
        basis[row, :, torch.where(new, filled, -1)] = torch.where(new[:, None], unit(left), 0)
        filled += new
    return lengths


def shares(novelty: Float[Tensor, "frames"]) -> Float[Tensor, "frames"]:
    """Share of the tokens that each frame gets, by the novelty of all: a / frames + (1 - a) s."""
    frames = len(novelty)
    even = torch.full_like(novelty, 1 / frames)
    total = novelty.sum()
    if total < NOTHING:
        return even
    place = torch.arange(1, frames + 1, device=novelty.device)
    gini = ((2 * place - frames - 1) * novelty.sort().values).sum() / (frames * total)
    constant = 0.6 - 0.4 * gini
    return constant * even + (1 - constant) * novelty / total


def from_zero_to_one(values: Float[Tensor, "rows n"]) -> Float[Tensor, "rows n"]:
    """Each row moved and scaled to run from 0 to 1; 0 where all are nearly equal."""
    low, high = values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
    return torch.where(high - low >= NOTHING, (values - low) / (high - low).clamp(min=NOTHING), 0)


def outside_of(
    basis: Float[Tensor, "*sets channels size"], vectors: Float[Tensor, "*sets n channels"]
) -> Float[Tensor, "*sets n channels"]:
    """What is left of vectors without their part in the span of an orthonormal basis; taken out twice, for rounding."""
    for _ in range(2):
        vectors = vectors - vectors @ basis @ basis.mT
    return vectors


def span_of(vectors: Float[Tensor, "n channels"]) -> Float[Tensor, "channels rank"]:
    """An orthonormal basis of the span of vectors."""
    _, sizes, directions = torch.linalg.svd(vectors, full_matrices=False)
    return directions[sizes >= NOTHING].T
