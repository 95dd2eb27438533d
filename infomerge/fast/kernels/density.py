"""Density peaks of every frame on the GPU: section 3.4, eq. 31 to 33 (`fast.float32.candidate_density`)."""

import triton.language as tl

from infomerge.fast.kernels.common import kernel, rounded


@kernel
def squared_distances(products, frame, rows, columns, positions, channels):
    """Squared distances of some tokens of a frame from others, in the product form, over the channels."""
    product = products + frame * positions * positions
    energy_of_row = tl.load(product + rows * (positions + 1), mask=rows < positions, other=0)
    energy_of_column = tl.load(product + columns * (positions + 1), mask=columns < positions, other=0)
    inside = (rows < positions)[:, None] & (columns < positions)[None, :]
    between = tl.load(product + rows[:, None] * positions + columns[None, :], mask=inside, other=0)
    squared = tl.maximum(energy_of_row[:, None] + energy_of_column[None, :] - 2 * between, 0.0) / channels
    return tl.where(rows[:, None] == columns[None, :], 0.0, squared)


@kernel
def spreads(
    products, salient, spread, farthest, energy, positions, channels, neighbors,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Mean squared distance of the nearest neighbors (eq. 31), and each token's farthest one.

    Among tokens that ATS left. `energy` [frames, positions] gets the squared norms. Programs: frames x rows.
    """
    frame = tl.program_id(0).to(tl.int64)
    rows, columns = tl.program_id(1) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    squared = squared_distances(products, frame, rows, columns, positions, channels)
    free = tl.load(salient + frame * positions + columns, mask=columns < positions, other=1) == 0
    row_is_free = tl.load(salient + frame * positions + rows, mask=rows < positions, other=1) == 0
    own = tl.load(products + (frame * positions + rows) * positions + rows, mask=rows < positions, other=0)
    place = frame * positions + rows
    tl.store(energy + place, own, mask=rows < positions)
    largest = tl.max(tl.where(free[None, :], squared, 0.0), 1)
    tl.store(farthest + place, tl.where(row_is_free, largest, 0.0), mask=rows < positions)

    left = tl.where(free[None, :], squared, 1e30)
    total = tl.zeros((ROWS,), tl.float32)
    for _ in range(neighbors):
        total += tl.min(left, 1)
        nearest = tl.argmin(left, 1)
        left = tl.where(columns[None, :] == nearest[:, None], 1e30, left)
    tl.store(spread + place, rounded(total / neighbors), mask=rows < positions)


@kernel
def scores(products, salient, spread, farthest, score, positions, channels, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Logarithm of the density score (eq. 33): `density.log_score`. Programs: frames x rows."""
    frame = tl.program_id(0).to(tl.int64)
    rows, columns = tl.program_id(1) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    squared = squared_distances(products, frame, rows, columns, positions, channels)
    inside = columns < positions
    free = tl.load(salient + frame * positions + columns, mask=inside, other=1) == 0
    most = tl.max(tl.load(farthest + frame * positions + columns, mask=inside, other=0), 0)
    own = tl.load(spread + frame * positions + rows, mask=rows < positions, other=0)
    other = tl.load(spread + frame * positions + columns, mask=inside, other=0)
    earlier = (other[None, :] == own[:, None]) & (columns[None, :] < rows[:, None])
    denser = ((other[None, :] < own[:, None]) | earlier) & free[None, :]
    delta = tl.sqrt(tl.min(tl.where(denser, squared, most), 1))
    value = rounded(tl.log(tl.maximum(delta, 1e-12)) - own)
    tl.store(score + frame * positions + rows, value, mask=rows < positions)
