"""Spectral entropy of every segment by squarings, on the tensor cores: what `fast.squarings` says, for all at once.

The matrices lie packed one after another, as `segments` says, a number of TILEs a side. They are symmetric: a block
of work is a row of tiles by two columns, on or below the diagonal, shared out among a fixed number of programs. A
matrix is kept as two halves: `high` (float16), which the products read, mirrored into the upper triangle, and `low`,
what float16 leaves out, in the lower one alone.
"""

import torch
import triton.language as tl

from infomerge.fast.kernels.common import kernel


@kernel
def block_at(packing, number, WIDTH: tl.constexpr):
    """Segment, row of tiles and pair of columns of the block of that number in the packed order."""
    slot = tl.arange(0, WIDTH)
    first = tl.load(packing + 2 * WIDTH + slot)
    blocks = tl.load(packing + WIDTH + slot)
    mine = (first <= number) & (number < first + blocks)
    segment = tl.sum(tl.where(mine, slot, 0), 0)
    number = number - tl.sum(tl.where(mine, first, 0), 0)
    # Rows 2q and 2q + 1 have q + 1 blocks each, so that q (q + 1) come before them.
    pair = tl.floor((tl.sqrt(4.0 * number + 1) - 1) / 2).to(tl.int32)
    pair = tl.where(pair * (pair + 1) > number, pair - 1, pair)
    pair = tl.where((pair + 1) * (pair + 2) <= number, pair + 1, pair)
    within = number - pair * (pair + 1)
    return segment, 2 * pair + within // (pair + 1), within % (pair + 1)


@kernel
def store_tile(value, high, low, diagonal, packing, segment, row, column, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Keep a tile of F in its two halves, and its part of the diagonal."""
    side = tl.load(packing + segment) * TILE
    matrix = tl.load(packing + 3 * WIDTH + segment).to(tl.int64) * TILE * TILE
    along = tl.arange(0, TILE)
    upper_half = value.to(high.dtype.element_ty)
    place = matrix + (row * TILE + along)[:, None] * side + (column * TILE + along)[None, :]
    tl.store(high + place, upper_half)
    tl.store(low + place, (value - upper_half.to(tl.float32)).to(low.dtype.element_ty))
    if row == column:
        store_diagonal(value, diagonal, packing, segment, row, WIDTH, TILE)
    else:
        mirrored = matrix + (column * TILE + along)[:, None] * side + (row * TILE + along)[None, :]
        tl.store(high + mirrored, tl.trans(upper_half))


@kernel
def store_diagonal(value, diagonal, packing, segment, row, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Keep the diagonal of a tile on the diagonal, from which the entropy takes its traces."""
    along = tl.arange(0, TILE)
    on_it = tl.sum(tl.where(along[:, None] == along[None, :], value, 0.0), 1)
    tl.store(diagonal + (tl.load(packing + 4 * WIDTH + segment) + row) * TILE + along, on_it)


@kernel
def gram(
    tokens, high, low, diagonal, start, end, trace_scale, packing, positions, channels, programs,
    WIDTH: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr, OPERAND: tl.constexpr,
):  # fmt: skip
    """F_0: the smaller Gram matrix of every segment's tokens, scaled to trace 1 (`squarings.smaller_gram`)."""
    blocks = tl.sum(tl.load(packing + WIDTH + tl.arange(0, WIDTH)), 0)
    deep = tl.arange(0, DEPTH)
    for number in range(tl.program_id(0), blocks, programs):
        segment, row, pair = block_at(packing, number, WIDTH)
        first = tl.load(start + segment).to(tl.int64) * positions
        count = (tl.load(end + segment) - tl.load(start + segment)) * positions
        rows = row * TILE + tl.arange(0, TILE)
        columns = pair * 2 * TILE + tl.arange(0, TILE)
        total = tl.zeros((TILE, TILE), tl.float32)
        beside = tl.zeros((TILE, TILE), tl.float32)
        if count <= channels:
            a = tokens + (first + rows)[:, None] * channels
            b = tokens + (first + columns)[:, None] * channels
            for offset in range(0, channels, DEPTH):
                channel = (offset + deep)[None, :]
                left = tl.load(a + channel, mask=(rows < count)[:, None] & (channel < channels), other=0)
                right = tl.load(b + channel, mask=(columns < count)[:, None] & (channel < channels), other=0)
                next_ = columns + TILE
                b_next = b + TILE * channels + channel
                right_next = tl.load(b_next, mask=(next_ < count)[:, None] & (channel < channels), other=0)
                total = tl.dot(left.to(OPERAND), tl.trans(right.to(OPERAND)), total)
                beside = tl.dot(left.to(OPERAND), tl.trans(right_next.to(OPERAND)), beside)
        else:
            for offset in range(0, count, DEPTH):
                token = tokens + (first + offset + deep)[:, None] * channels
                inside = (offset + deep < count)[:, None]
                left = tl.load(token + rows[None, :], mask=inside & (rows < channels)[None, :], other=0)
                right = tl.load(token + columns[None, :], mask=inside & (columns < channels)[None, :], other=0)
                next_ = columns + TILE
                right_next = tl.load(token + next_[None, :], mask=inside & (next_ < channels)[None, :], other=0)
                total = tl.dot(tl.trans(left.to(OPERAND)), right.to(OPERAND), total)
                beside = tl.dot(tl.trans(left.to(OPERAND)), right_next.to(OPERAND), beside)
        scale = tl.load(trace_scale + segment)
        store_tile(total * scale, high, low, diagonal, packing, segment, row, 2 * pair, WIDTH, TILE)
        if 2 * pair < row:
            store_tile(beside * scale, high, low, diagonal, packing, segment, row, 2 * pair + 1, WIDTH, TILE)


@kernel
def squarings(
    halves, low, diagonals, norms, packing, arrived, elements, width, programs, count,
    WIDTH: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """F_{j+1} = 2 F_j - F_j^2, `count` times: one kernel, whose programs wait for one another after each squaring.

    `halves` holds two high halves, which are read and written in turn; the low half is replaced in place. The last
    squaring keeps its diagonal and, a block at a time, its squared norm; no matrix.
    """
    blocks = tl.sum(tl.load(packing + WIDTH + tl.arange(0, WIDTH)), 0)
    deep = tl.arange(0, DEPTH)
    for power in range(1, count + 1):
        high = halves + ((power + 1) % 2) * elements
        squared = halves + (power % 2) * elements
        diagonal = diagonals + power * width
        for number in range(tl.program_id(0), blocks, programs):
            segment, row, pair = block_at(packing, number, WIDTH)
            side = tl.load(packing + segment) * TILE
            matrix = tl.load(packing + 3 * WIDTH + segment).to(tl.int64) * TILE * TILE
            along = tl.arange(0, TILE)
            a = high + matrix + (row * TILE + along)[:, None] * side + deep[None, :]
            b = high + matrix + (pair * 2 * TILE + along)[:, None] * side + deep[None, :]
            # Above the diagonal there may be no tile: the same one again then, which nobody keeps.
            step = tl.where(2 * pair < row, TILE, 0) * side
            product = tl.zeros((TILE, TILE), tl.float32)
            beside = tl.zeros((TILE, TILE), tl.float32)
            for offset in range(0, side, DEPTH):
                left = tl.load(a + offset)
                product = tl.dot(left, tl.trans(tl.load(b + offset)), product)
                beside = tl.dot(left, tl.trans(tl.load(b + step + offset)), beside)
            norm = squared_tile(
                product, high, low, squared, diagonal, packing, segment, row, 2 * pair, power == count, WIDTH, TILE
            )
            if 2 * pair < row:
                norm += squared_tile(
                    beside,
                    high,
                    low,
                    squared,
                    diagonal,
                    packing,
                    segment,
                    row,
                    2 * pair + 1,
                    power == count,
                    WIDTH,
                    TILE,
                )
            tl.store(norms + number, norm)
        if power < count:
            wait_for_all(arrived, programs * power)


@kernel
def squared_tile(
    product,
    high,
    low,
    squared,
    diagonal,
    packing,
    segment,
    row,
    column,
    is_last,
    WIDTH: tl.constexpr,
    TILE: tl.constexpr,
):
    """A tile of 2 F - F^2: kept, but for the last squaring, of which the diagonal is. Gives its part of |F|^2."""
    side = tl.load(packing + segment) * TILE
    matrix = tl.load(packing + 3 * WIDTH + segment).to(tl.int64) * TILE * TILE
    along = tl.arange(0, TILE)
    place = matrix + (row * TILE + along)[:, None] * side + (column * TILE + along)[None, :]
    value = 2 * (tl.load(high + place).to(tl.float32) + tl.load(low + place).to(tl.float32)) - product
    norm = 0.0
    if is_last:
        norm = tl.where(row == column, 1.0, 2.0) * tl.sum(tl.sum(value * value, 1), 0)
        if row == column:
            store_diagonal(value, diagonal, packing, segment, row, WIDTH, TILE)
    else:
        store_tile(value, squared, low, diagonal, packing, segment, row, column, WIDTH, TILE)
    return norm


@kernel
def wait_for_all(arrived, expected):
    """Go on when so many programs have come here in all, and see what they have written.

    Only for as many programs as the GPU runs at once. Bounded, so that a fault elsewhere cannot hang the GPU.
    """
    tl.debug_barrier()
    here = tl.atomic_add(arrived, 1, sem="acq_rel") + 1
    tries = 0
    while (here < expected) & (tries < 1 << 24):
        here = tl.atomic_add(arrived, 0, sem="acquire")
        tries += 1
    tl.debug_barrier()


@kernel
def traces(
    diagonals, norms, packing, trace, width, powers, WIDTH: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr
):
    """Traces of all F_j of every segment, and in the last row |F_j|^2 of the last. Programs: segments x rows."""
    segment, power = tl.program_id(0), tl.program_id(1)
    of_norms = power == powers
    values = tl.where(of_norms, 0, power) * width
    first = tl.load(packing + 4 * WIDTH + segment) * TILE
    last = first + tl.load(packing + segment) * TILE
    total = tl.zeros((BLOCK,), tl.float64)
    if of_norms:
        first = tl.load(packing + 2 * WIDTH + segment)
        last = first + tl.load(packing + WIDTH + segment)
        for offset in range(first, last, BLOCK):
            place = offset + tl.arange(0, BLOCK)
            total += tl.load(norms + place, mask=place < last, other=0).to(tl.float64)
    else:
        for offset in range(first, last, BLOCK):
            place = offset + tl.arange(0, BLOCK)
            total += tl.load(diagonals + values + place, mask=place < last, other=0).to(tl.float64)
    tl.store(trace + power * tl.num_programs(0) + segment, tl.sum(total, 0))


def operand(dtype: torch.dtype) -> tl.dtype:
    """What tokens of a dtype are multiplied in: half precision as it is, float32 rounded to bfloat16 (3e-6 in e_k)."""
    return tl.float16 if dtype == torch.float16 else tl.bfloat16
