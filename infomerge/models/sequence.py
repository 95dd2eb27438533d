"""Shortening a batch of token sequences, of which each row loses some of its places."""

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

PADDING = -1
"""What `sources` gives for a place that is filled up."""


def sources(
    keep: Bool[Tensor, "batch sequence"], attention_mask: Int[Tensor, "batch sequence"]
) -> Int[Tensor, "batch shortened"]:
    """Where each place of the shortened sequences comes from.

    Rows that lose more than others are padded on the side on which the batch is padded already, the left where it is
    not, and padding that no row needs any longer goes. A batch that loses nothing stays as it is, padding included.

    Args:
        keep: False for what is dropped.
        attention_mask: 0 for padding, which is dropped too.

    Returns:
        For each place its column in the full sequence, ascending within a row, or `PADDING`.
    """
    columns = torch.arange(keep.shape[1], device=keep.device)
    if keep.all():
        return columns.repeat(len(keep), 1)
    real = keep & (attention_mask != 0)
    width = int(real.sum(dim=1).max())
    # A stable sort brings the dropped places, in order, to the side of the padding; the width then cuts them off.
    on_right = bool((attention_mask[:, -1] == 0).any())
    order = torch.sort((~real if on_right else real).byte(), dim=1, stable=True).indices
    order = order[:, :width] if on_right else order[:, -width:]
    return torch.where(real.gather(1, order), order, PADDING)


def shortened(
    values: Shaped[Tensor, "*leading sequence"], source: Int[Tensor, "batch shortened"], fill: int
) -> Shaped[Tensor, "*leading shortened"]:
    """What `values` hold at the sources, and `fill` at padding.

    Args:
        values: [batch, sequence], or with further dimensions before these two (M-RoPE's three axes).
        source: from `sources`.
        fill: the value of padding.
    """
    place = source.expand(*values.shape[:-2], *source.shape)
    return values.gather(-1, place.clamp(min=0)).masked_fill(place == PADDING, fill)


def places_of(source: Int[Tensor, "shortened"], columns: Int[Tensor, "columns"]) -> Int[Tensor, "columns"]:
    """Where columns of one full sequence, all of them kept, stand in the shortened one."""
    pads = int((source == PADDING).sum())
    if pads and source[0] != PADDING:  # padded on the right
        return torch.searchsorted(source[: len(source) - pads].contiguous(), columns)
    return torch.searchsorted(source, columns)


def counted(attention_mask: Int[Tensor, "batch sequence"]) -> Int[Tensor, "batch sequence"]:
    """Positions counted from 0 over what is not padding; padding has 0."""
    return (attention_mask.long().cumsum(-1) - 1).masked_fill(attention_mask == 0, 0)
