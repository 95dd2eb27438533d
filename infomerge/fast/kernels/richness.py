"""Spectral entropy of every segment by squarings, on the tensor cores: what `fast.squarings` says, for all at once.

The matrices lie packed one after another in square tiles, as `segments` says; only tiles of the lower triangle are
computed, by a fixed number of programs that share them out evenly. A matrix is kept as two halves: `high` (float16),
which the products read, mirrored into the upper triangle, and `low`, what float16 leaves out, in the lower one alone.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def tile_at(packing, number, WIDTH: tl.constexpr):
    """Segment, row and column of the tile of that number in the packed order."""
    slot = tl.arange(0, WIDTH)
    first = tl.load(packing + 2 * WIDTH + slot)
    lower = tl.load(packing + WIDTH + slot)
    segment = tl.sum(tl.where((first <= number) & (number < first + lower), slot, 0), 0)
    number = number - tl.load(packing + 2 * WIDTH + segment)
    row = tl.floor((tl.sqrt(8.0 * number + 1) - 1) / 2).to(tl.int32)
    row = tl.where(row * (row + 1) // 2 > number, row - 1, row)
    row = tl.where((row + 1) * (row + 2) // 2 <= number, row + 1, row)
    return segment, row, number - row * (row + 1) // 2


@triton.jit
def store_tile(value, high, low, diagonal, packing, segment, row, column, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Keep a tile of F in its two halves, and its part of the diagonal."""
    side = tl.load(packing + segment) * TILE
    matrix = tl.load(packing + 3 * WIDTH + segment).to(tl.int64) * TILE * TILE
    along = tl.arange(0, TILE)
    place = matrix + (row * TILE + along)[:, None] * side + (column * TILE + along)[None, :]
    upper_half = value.to(high.dtype.element_ty)
    tl.store(high + place, upper_half)
    tl.store(low + place, (value - upper_half.to(tl.float32)).to(low.dtype.element_ty))
    if row != column:
        mirrored = matrix + (column * TILE + along)[:, None] * side + (row * TILE + along)[None, :]
        tl.store(high + mirrored, tl.trans(upper_half))
    else:
        store_diagonal(value, diagonal, packing, segment, row, WIDTH, TILE)


@triton.jit
def store_diagonal(value, diagonal, packing, segment, row, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Keep the diagonal of a tile on the diagonal, from which the entropy takes its traces."""
    along = tl.arange(0, TILE)
    on_it = tl.sum(tl.where(along[:, None] == along[None, :], value, 0.0), 1)
    tl.store(diagonal + (tl.load(packing + 4 * WIDTH + segment) + row) * TILE + along, on_it)


@triton.jit
def gram(
    tokens, high, low, diagonal, start, end, trace_scale, packing, positions, channels, programs,
    WIDTH: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr, OPERAND: tl.constexpr,
):  # fmt: skip
    """F_0: the smaller Gram matrix of every segment's tokens, scaled to trace 1 (`squarings.smaller_gram`)."""
    tiles = tl.sum(tl.load(packing + WIDTH + tl.arange(0, WIDTH)), 0)
    along, deep = tl.arange(0, TILE), tl.arange(0, DEPTH)
    for number in range(tl.program_id(0), tiles, programs):
        segment, row, column = tile_at(packing, number, WIDTH)
        first = tl.load(start + segment).to(tl.int64) * positions
        count = (tl.load(end + segment) - tl.load(start + segment)) * positions
        rows, columns = row * TILE + along, column * TILE + along
        total = tl.zeros((TILE, TILE), tl.float32)
        if count <= channels:
            a = tokens + (first + rows)[:, None] * channels
            b = tokens + (first + columns)[:, None] * channels
            for offset in range(0, channels, DEPTH):
                channel = (offset + deep)[None, :]
                left = tl.load(a + channel, mask=(rows < count)[:, None] & (channel < channels), other=0)
                right = tl.load(b + channel, mask=(columns < count)[:, None] & (channel < channels), other=0)
                total = tl.dot(left.to(OPERAND), tl.trans(right.to(OPERAND)), total)
        else:
            for offset in range(0, count, DEPTH):
                token = tokens + (first + offset + deep)[:, None] * channels
                inside = (offset + deep < count)[:, None]
                left = tl.load(token + rows[None, :], mask=inside & (rows < channels)[None, :], other=0)
                right = tl.load(token + columns[None, :], mask=inside & (columns < channels)[None, :], other=0)
                total = tl.dot(tl.trans(left.to(OPERAND)), right.to(OPERAND), total)
        value = total * tl.load(trace_scale + segment)
        store_tile(value, high, low, diagonal, packing, segment, row, column, WIDTH, TILE)


@triton.jit
def squaring(
    high, low, squared, diagonal, norms, packing, programs,
    WIDTH: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr, LAST: tl.constexpr,
):  # fmt: skip
    """F_{j+1} = 2 F_j - F_j^2. The low half is replaced in place, the high one goes to `squared`.

    The LAST one keeps its diagonal and, a tile at a time, its squared norm; no matrix.
    """
    tiles = tl.sum(tl.load(packing + WIDTH + tl.arange(0, WIDTH)), 0)
    along, deep = tl.arange(0, TILE), tl.arange(0, DEPTH)
    for number in range(tl.program_id(0), tiles, programs):
        segment, row, column = tile_at(packing, number, WIDTH)
        side = tl.load(packing + segment) * TILE
        matrix = tl.load(packing + 3 * WIDTH + segment).to(tl.int64) * TILE * TILE
        a = high + matrix + (row * TILE + along)[:, None] * side + deep[None, :]
        b = high + matrix + (column * TILE + along)[:, None] * side + deep[None, :]
        product = tl.zeros((TILE, TILE), tl.float32)
        for offset in range(0, side, DEPTH):
            product = tl.dot(tl.load(a + offset), tl.trans(tl.load(b + offset)), product)
        place = matrix + (row * TILE + along)[:, None] * side + (column * TILE + along)[None, :]
        old = tl.load(high + place).to(tl.float32) + tl.load(low + place).to(tl.float32)
        value = 2 * old - product
        if LAST:
            twice = tl.where(row == column, 1.0, 2.0)
            tl.store(norms + number, twice * tl.sum(tl.sum(value * value, 1), 0))
            if row == column:
                store_diagonal(value, diagonal, packing, segment, row, WIDTH, TILE)
        else:
            store_tile(value, squared, low, diagonal, packing, segment, row, column, WIDTH, TILE)


@triton.jit
def entropy(
    diagonals, norms, coefficients, start, end, richness, packing, width, positions, channels, squarings,
    WIDTH: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """e_k (eq. 7) from the traces of all F_j: `squarings.entropy_by_squarings` over log rank. Programs: segments."""
    segment = tl.program_id(0)
    first = tl.load(packing + 4 * WIDTH + segment) * TILE
    last = first + tl.load(packing + segment) * TILE
    total = tl.zeros((BLOCK,), tl.float64)
    next_coefficient = tl.load(coefficients + squarings + 1)
    for power in range(squarings + 1):
        coefficient = tl.load(coefficients + power)
        if power == squarings:  # tr F_{j+1} = 2 tr F_j - |F_j|^2
            coefficient += 2 * next_coefficient
        for offset in range(first, last, BLOCK):
            place = offset + tl.arange(0, BLOCK)
            value = tl.load(diagonals + power * width + place, mask=place < last, other=0)
            total += coefficient * value.to(tl.float64)
    tile = tl.load(packing + 2 * WIDTH + segment)
    last_tile = tile + tl.load(packing + WIDTH + segment)
    for offset in range(tile, last_tile, BLOCK):
        place = offset + tl.arange(0, BLOCK)
        total -= next_coefficient * tl.load(norms + place, mask=place < last_tile, other=0).to(tl.float64)
    rank = tl.minimum((tl.load(end + segment) - tl.load(start + segment)) * positions, channels).to(tl.float64)
    value = tl.where(rank > 1, tl.sum(total, 0) / tl.log(tl.maximum(rank, 2.0)), 0.0)
    tl.store(richness + segment, value)


def operand(dtype: torch.dtype) -> tl.dtype:
    """What tokens of a dtype are multiplied in: half precision as it is, float32 rounded to bfloat16 (3e-6 in e_k)."""
    return tl.float16 if dtype == torch.float16 else tl.bfloat16
