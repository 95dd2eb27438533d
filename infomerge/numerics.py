"""What every step shares: cosine similarity, orders that float noise cannot change, and whole shares that add up."""

import math

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

DECIMALS = 6
"""Whatever decides an order is compared after rounding to this many decimals; equal values go to the lower index."""

BLOCK_ELEMENTS = 1 << 24
"""Numbers in the largest similarity block held at once: bounds memory where it would grow with frames squared."""


def check_dense(name: str, value: Tensor, shape: str) -> None:
    """Refuse a tensor whose numbers do not stand in rows, or that has none.

    Raises:
        TypeError: it is nested, sparse, quantized or on meta.
    """
    if value.is_nested or value.layout != torch.strided or value.is_quantized:
        layout = "quantized" if value.is_quantized else str(value.layout).removeprefix("torch.")
        raise TypeError(
            f"{name}: got a {'nested' if value.is_nested else layout} tensor; expected a dense one, {shape}"
        )
    if value.is_meta:
        raise TypeError(f"{name}: got a tensor on meta, which has no numbers; expected one on a CPU or a GPU")


def rounded(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Values as they are compared: rounded to `DECIMALS`."""
    return torch.round(values, decimals=DECIMALS)


def wide(values: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Values in float64, or in float32 on a device that has none (Apple's GPUs)."""
    return values.to(torch.float64 if values.device.type != "mps" else torch.float32)


def floor_count(share: float) -> int:
    """floor(share) for a product of ratios, forgiving the last bits: 0.29 * 100 is 29."""
    return math.floor(share + 1e-9)


def evenly(length: int, count: int, device: torch.device | str = "cpu") -> Int[Tensor, "count"]:
    """`count` of `length` places, each in the middle of its part of the whole; ascending, and distinct."""
    return (2 * torch.arange(count, device=device) + 1) * length // max(1, 2 * count)


def share_evenly(total: int, parts: int, device: torch.device | str = "cpu") -> Int[Tensor, "parts"]:
    """`total` in whole shares; those that are larger by one are spread evenly over the parts."""
    share, extra = divmod(total, max(1, parts))
    shares = torch.full((parts,), share, device=device)
    shares[evenly(parts, extra, device)] += 1
    return shares


def unit(vectors: Float[Tensor, "*shape channels"]) -> Float[Tensor, "*shape channels"]:
    """Vectors scaled to length 1; a zero vector stays zero, so that its cosine with anything is 0."""
    norm = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / torch.where(norm > 0, norm, 1)


def cosine(a: Float[Tensor, "*shape channels"], b: Float[Tensor, "*shape channels"]) -> Float[Tensor, "*shape"]:
    """Cosine similarity over the last dimension; 0 where either vector is zero."""
    return (unit(a) * unit(b)).sum(-1)


def ranks(values: Float[Tensor, "rows n"], descending: bool = False) -> Int[Tensor, "rows n"]:
    """Place of each value in its row's order, from 0; equal values in order of their index."""
    order = torch.sort(values, dim=-1, descending=descending, stable=True).indices
    return invert(order)


def invert(order: Int[Tensor, "rows n"]) -> Int[Tensor, "rows n"]:
    """The inverse of each row's permutation."""
    places = torch.arange(order.shape[-1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(-1, order, places)


def positions_of(mask: Bool[Tensor, "rows n"], count: int) -> Int[Tensor, "rows count"]:
    """The indices of the `count` true entries that every row holds, ascending."""
    return torch.sort(mask.to(torch.uint8), dim=-1, descending=True, stable=True).indices[:, :count]


def grouped_sums(
    values: Float[Tensor, "tokens channels"],
    source: Int[Tensor, "members"],
    sizes: Int[Tensor, "groups"],
    weights: Float[Tensor, "members"] | None = None,
) -> Float[Tensor, "groups channels"]:
    """Sum of each group's values; the members of group 0 come first in `source`, then those of group 1, and so on.

    With `weights`, each member's values times its weight. Summed in the order of `source`: a scattered sum would depend
    on the order of a GPU's threads. A block of groups at a time, so that the members' values are never held all at
    once.
    """
    if len(sizes) == 0:
        return values.new_zeros(0, values.shape[1])
    rows = max(1, BLOCK_ELEMENTS // values.shape[1])
    _, blocks = torch.unique_consecutive((sizes.cumsum(0) - 1).clamp(min=0) // rows, return_counts=True)
    lengths = sizes.split(blocks.tolist())
    ends = [int(part.sum()) for part in lengths]
    members = source.split(ends)
    shares = [None] * len(members) if weights is None else weights.to(values.dtype).split(ends)
    sums = [
        torch.segment_reduce(
            values[block] if share is None else values[block] * share[:, None], "sum", lengths=part, axis=0
        )
        for block, share, part in zip(members, shares, lengths, strict=True)
    ]
    return torch.cat(sums)


def group_means(
    values: Float[Tensor, "tokens channels"], group: Int[Tensor, "tokens"], groups: int
) -> Float[Tensor, "groups channels"]:
    """Mean of each group's values; every group from 0 to `groups` - 1 has members."""
    sizes = torch.bincount(group, minlength=groups)
    return grouped_sums(values, torch.argsort(group, stable=True), sizes) / sizes[:, None]
