"""Frames and the cuts between them, on the GPU: section 3.1. Segments are slots, one a frame; unused ones are empty."""

import triton.language as tl

from infomerge.fast.kernels.common import inverse_root, kernel, rounded


@kernel
def frame_means(tokens, means, positions, channels, BLOCK: tl.constexpr, ROWS: tl.constexpr):
    """The mean token of every frame. Programs: frames x blocks of channels."""
    frame = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    rows = tl.arange(0, ROWS)
    total = tl.zeros((ROWS, BLOCK), tl.float32)
    for first in range(0, positions, ROWS):
        inside = (first + rows < positions)[:, None] & (channel < channels)[None, :]
        place = (frame * positions + first + rows)[:, None] * channels + channel[None, :]
        total += tl.load(tokens + place, mask=inside, other=0).to(tl.float32)
    tl.store(means + frame * channels + channel, tl.sum(total, 0) / positions, mask=channel < channels)


@kernel
def distinctness(tokens, means, saliency, positions, channels, BLOCK: tl.constexpr):
    """`selection.frame_distinctness`: distance of every token from its frame's mean. Programs: tokens."""
    token = tl.program_id(0).to(tl.int64)
    mean = means + (token // positions) * channels
    total = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, channels, BLOCK):
        channel = first + tl.arange(0, BLOCK)
        value = tl.load(tokens + token * channels + channel, mask=channel < channels, other=0).to(tl.float32)
        away = value - tl.load(mean + channel, mask=channel < channels, other=0)
        total += away * away
    tl.store(saliency + token, tl.sqrt(tl.sum(total, 0)))


@kernel
def transitions(features, transition, energies, channels, BLOCK: tl.constexpr):
    """t_l (eq. 22): `segmentation.transition_similarity`, and the features' energies. Programs: frames but the last.

    An energy is not finite where a feature is not: so bad input is found without a look at it.
    """
    frame = tl.program_id(0)
    product = tl.zeros((BLOCK,), tl.float64)
    energy = product
    energy_of_next = product
    for first in range(0, channels, BLOCK):
        channel = first + tl.arange(0, BLOCK)
        here = tl.load(features + frame * channels + channel, mask=channel < channels, other=0).to(tl.float64)
        there = tl.load(features + (frame + 1) * channels + channel, mask=channel < channels, other=0).to(tl.float64)
        product += here * there
        energy += here * here
        energy_of_next += there * there
    similarity = tl.sum(product, 0) * inverse_root(tl.sum(energy, 0)) * inverse_root(tl.sum(energy_of_next, 0))
    tl.store(transition + frame, similarity)
    tl.store(energies + frame, tl.sum(energy, 0) + tl.sum(energy_of_next, 0))


@kernel
def segments(
    transition, segment_of, start, end, bounds, packing, arrived,
    frames, min_segments, threshold, positions, channels, WIDTH: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Where the clip is cut (eq. 23): `segmentation.find_segments`; one program.

    Also `packing` [5, WIDTH], how the segments' Gram matrices lie one after another: tiles a side, blocks of two
    tiles on or below the diagonal, the first of these (larger matrices first), the first of all its tiles, and the
    first on the diagonal. `arrived`, by which programs wait for one another later, begins at 0.
    """
    tl.store(arrived, 0)
    slot = tl.arange(0, WIDTH)
    row, column = slot[:, None], slot[None, :]
    similarity = rounded(tl.load(transition + slot, mask=slot < frames - 1, other=9.0))
    before = (similarity[None, :] < similarity[:, None]) | (
        (similarity[None, :] == similarity[:, None]) & (column < row)
    )
    rank = tl.sum(before.to(tl.int32), 1)
    cut = (((similarity < threshold) | (rank < min_segments - 1)) & (slot < frames - 1)).to(tl.int32)
    segment = tl.where(slot < frames, tl.sum(tl.where(column < row, cut[None, :], 0), 1), WIDTH + 1)
    first = tl.sum((segment[None, :] < row).to(tl.int32), 1)
    last = tl.sum((segment[None, :] <= row).to(tl.int32), 1)
    tl.store(segment_of + slot, segment, mask=slot < frames)
    tl.store(start + slot, first, mask=slot < frames)
    tl.store(end + slot, last, mask=slot < frames)

    tl.store(bounds + 2 * slot, first.to(tl.int64), mask=slot < frames)
    tl.store(bounds + 2 * slot + 1, last.to(tl.int64), mask=slot < frames)

    side = (tl.minimum((last - first) * positions, channels) + TILE - 1) // TILE
    side = tl.where(slot < frames, side, 0)
    blocks = ((side + 1) // 2) * ((side + 2) // 2)
    earlier = column < row
    larger = (side[None, :] > side[:, None]) | ((side[None, :] == side[:, None]) & earlier)
    tl.store(packing + slot, side)
    tl.store(packing + WIDTH + slot, blocks)
    tl.store(packing + 2 * WIDTH + slot, tl.sum(tl.where(larger, blocks[None, :], 0), 1))
    tl.store(packing + 3 * WIDTH + slot, tl.sum(tl.where(earlier, (side * side)[None, :], 0), 1))
    tl.store(packing + 4 * WIDTH + slot, tl.sum(tl.where(earlier, side[None, :], 0), 1))
