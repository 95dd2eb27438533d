"""Rotary positions in time and space: tokens turned by where they are, so that far ones are alike less."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.methods.ranges import check_whole

GRID = "Without `columns` the grid is the most nearly square one of as many positions."
"""What a method that needs places on the grid says of them: a method is given positions, not rows and columns."""


def rotate(
    features: Float[Tensor, "frames positions channels"],
    columns: int | None,
    base_time: float = 10_000.0,
    base_space: float = 10_000.0,
) -> Float[Tensor, "frames positions channels"]:
    """Every token turned by its frame, row and column: pairs of its channels by angles that grow with them.

    The pairs are shared out to time, rows and columns in nearly equal parts, time first and with what is left over. In
    a part of 2m channels, channel i < m is paired with channel i + m, and turned by place * base^(-i / m). An odd last
    channel stays. The cosine of two turned tokens depends on how far they are apart and not on where they are.
    """
    frames, positions, channels = features.shape
    columns = nearly_square(positions) if columns is None else columns
    place = torch.arange(positions, device=features.device)
    places = (
        torch.arange(frames, device=features.device)[:, None],
        (place // columns)[None],
        (place % columns)[None],
    )
    pairs = channels // 2
    in_space = pairs // 3
    out, first = features.clone(), 0
    for where, size, base in zip(
        places, (pairs - 2 * in_space, in_space, in_space), (base_time, base_space, base_space), strict=True
    ):
        half = torch.arange(size, device=features.device)
        angle = where[..., None] * float(base) ** (-half.to(features.dtype) / max(1, size))
        a, b = features[..., first : first + size], features[..., first + size : first + 2 * size]
        out[..., first : first + size] = a * angle.cos() - b * angle.sin()
        out[..., first + size : first + 2 * size] = b * angle.cos() + a * angle.sin()
        first += 2 * size
    return out


def nearly_square(positions: int) -> int:
    """Columns of the row-major grid of so many positions whose sides are closest, wider than high."""
    rows = max(rows for rows in range(1, positions + 1) if rows * rows <= positions and positions % rows == 0)
    return positions // rows


def check_columns(columns: object) -> None:
    """Refuse what is neither None nor a whole number from 1."""
    if columns is not None:
        check_whole("columns", columns, 1)
