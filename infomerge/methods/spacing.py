"""Even spacing in whole numbers: frames, positions, and shares that add up."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.numerics import evenly as evenly
from infomerge.numerics import share_evenly as share_evenly

GOLDEN_SECTION = (math.sqrt(5) - 1) / 2


def spread_order(positions: int) -> Int[Tensor, "positions"]:
    """All positions of a frame in an order whose every beginning is spread over the frame.

    From the middle on in steps of the golden section of the number of positions (the nearest whole number that has no
    common divisor with it). On a row-major grid they scatter over rows and columns, where a fixed stride near the
    grid's width would pile them up in one column.
    """
    steps = [step for step in range(1, positions + 1) if math.gcd(step, positions) == 1]
    step = min(steps, key=lambda step: abs(step - GOLDEN_SECTION * positions))
    return (positions // 2 + torch.arange(positions, device="cpu") * step) % positions


def grid_of(positions: int, columns: int | None = None) -> tuple[int, int]:
    """Rows and columns of a grid of so many positions: the one nearest to a square, rows not above columns.

    With `columns`, the one that has as many.

    Raises:
        ValueError: no grid with so many columns has so many positions.
    """
    if columns is None:
        rows = next(rows for rows in range(math.isqrt(positions), 0, -1) if positions % rows == 0)
        return rows, positions // rows
    if positions % columns:
        raise ValueError(f"columns: got {columns}; expected a divisor of the {positions} positions")
    return positions // columns, columns


def grid_places(rows: int, columns: int) -> Float[Tensor, "positions 2"]:
    """The middle of every cell of a grid, row by row, as shares of its height and width; float64."""
    down = (torch.arange(rows, dtype=torch.float64, device="cpu") + 0.5) / rows
    along = (torch.arange(columns, dtype=torch.float64, device="cpu") + 0.5) / columns
    return torch.stack([down.repeat_interleave(columns), along.repeat(rows)], dim=1)
