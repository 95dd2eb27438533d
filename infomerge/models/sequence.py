"""Shortening a batch of token sequences, of which each row loses some of its columns."""

from typing import Any

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

PADDING = -1
"""What `kept_columns` gives for an index that is filled up."""


def kept_columns(
    keep: Bool[Tensor, "batch sequence"], attention_mask: Int[Tensor, "batch sequence"]
) -> Int[Tensor, "batch shortened"]:
    """The column of the full sequence that each index of the shortened ones comes from.

    Rows that lose more than others are padded on the side on which the batch is padded already, the left where it is
    not, and padding that no row needs any longer goes. A batch that loses nothing stays as it is, padding included.

    Args:
        keep: False for what is dropped.
        attention_mask: 0 for padding, which is dropped too.

    Returns:
        For each index its column in the full sequence, ascending within a row, or `PADDING`.
    """
    columns = torch.arange(keep.shape[1], device=keep.device)
    if keep.all():
        return columns.repeat(len(keep), 1)
    real = keep & (attention_mask != 0)
    width = int(real.sum(dim=1).max())
    # A stable sort brings the dropped columns, in order, to the side of the padding; the width then cuts them off.
    on_right = bool((attention_mask[:, -1] == 0).any())
    order = torch.sort((~real if on_right else real).byte(), dim=1, stable=True).indices
    order = order[:, :width] if on_right else order[:, -width:]
    return torch.where(real.gather(1, order), order, PADDING)


def gather_kept(
    values: Shaped[Tensor, "*leading sequence"], source: Int[Tensor, "batch shortened"], fill: int
) -> Shaped[Tensor, "*leading shortened"]:
    """What `values` hold at the kept columns, and `fill` at padding.

    Args:
        values: [batch, sequence], or with further dimensions before these two (M-RoPE's three axes).
        source: from `kept_columns`.
        fill: the value of padding.
    """
    index = source.expand(*values.shape[:-2], *source.shape)
    return values.gather(-1, index.clamp(min=0)).masked_fill(index == PADDING, fill)


def index_of(source: Int[Tensor, "shortened"], columns: Int[Tensor, "columns"]) -> Int[Tensor, "columns"]:
    """The index in the shortened sequence of columns of one full sequence, all of them kept."""
    pads = int((source == PADDING).sum())
    if pads and source[0] != PADDING:  # padded on the right
        return torch.searchsorted(source[: len(source) - pads].contiguous(), columns)
    return torch.searchsorted(source, columns)


def kept_index(source: Int[Tensor, "batch shortened"], wanted: Any, length: int) -> Any:
    """`logits_to_keep` of a full prompt, for the shortened one: an int counts from the end, and stays.

    Args:
        source: from `kept_columns`.
        wanted: an int; or columns of the full sequence, in any form that indexes a dimension.
        length: columns of the full sequence.

    Raises:
        ValueError: a column was dropped, or stands at different indices of different rows.
    """
    if isinstance(wanted, int):
        return wanted
    columns = torch.arange(length, device=source.device)[wanted]
    found = source[:, None] == columns[:, None]
    index = found.int().argmax(dim=-1)
    gone = columns[~found.any(dim=-1).all(dim=0)]
    if len(gone):
        raise ValueError(
            f"logits_to_keep: got column {int(gone[0])}, which was dropped with its video token or padding; expected "
            "columns of what stays, such as the words after the last video, or a number of them"
        )
    if not (index == index[0]).all():
        raise ValueError(
            "logits_to_keep: got columns that stand at different places in the shorter prompts of the batch; "
            "expected columns after the last video, or a number of them"
        )
    return index[0]


def counted_positions(attention_mask: Int[Tensor, "batch sequence"]) -> Int[Tensor, "batch sequence"]:
    """Positions counted from 0 over what is not padding; padding has 0."""
    return (attention_mask.long().cumsum(-1) - 1).masked_fill(attention_mask == 0, 0)
