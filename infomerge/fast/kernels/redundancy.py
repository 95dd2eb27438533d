"""Static candidates on the GPU: section 3.2."""

import triton
import triton.language as tl

from infomerge.fast.kernels.common import among_largest, inverse_root, order_key, rounded


@triton.jit
def fingerprint_difference(products, segment_of, start, end, scores, energy, frames, positions, WIDTH: tl.constexpr):
    """TFD_k(p) (eq. 2): `redundancy.temporal_fingerprint_difference` of every segment. Programs: positions.

    `products` [positions, frames, frames] are the inner products of a position's tokens; `energy` [frames, positions]
    gets their squared norms.
    """
    position = tl.program_id(0)
    frame = tl.arange(0, WIDTH)
    row, column = frame[:, None], frame[None, :]
    product = products + position.to(tl.int64) * frames * frames
    own = tl.load(product + frame * (frames + 1), mask=frame < frames, other=0)
    own_of_next = tl.load(product + (frame + 1) * (frames + 1), mask=frame + 1 < frames, other=0)
    tl.store(energy + frame * positions + position, own, mask=frame < frames)

    inside = (row + 1 < frames) & (column < frames)
    scale = inverse_root(own)[None, :]
    here = tl.load(product + row * frames + column, mask=inside, other=0) * inverse_root(own)[:, None] * scale
    there = tl.load(product + (row + 1) * frames + column, mask=inside, other=0) * (
        inverse_root(own_of_next)[:, None] * scale
    )
    segment = tl.load(segment_of + frame, mask=frame < frames, other=-1)
    segment_of_next = tl.load(segment_of + frame + 1, mask=frame + 1 < frames, other=-2)
    within = (segment[:, None] == segment[None, :]) & (segment == segment_of_next)[:, None] & inside
    change = tl.sum(tl.where(within, tl.abs(there - here), 0.0), 1)

    first, last = tl.load(start + frame, mask=frame < frames, other=0), tl.load(end + frame, mask=frame < frames, other=0)
    length = (last - first).to(tl.float32)
    total = tl.sum(tl.where(segment[None, :] == row, change[None, :], 0.0), 1)
    tl.store(scores + frame * positions + position, total / tl.maximum(length * (length - 1), 1.0), mask=frame < frames)


@triton.jit
def static_candidates(scores, energy, start, end, static, trace_scale, count, positions, WIDTH: tl.constexpr):
    """S_k: `redundancy.static_candidates`. Programs: segments.

    Also `trace_scale`, one over the energy of the segment's tokens: what makes its Gram matrix one of trace 1.
    """
    segment = tl.program_id(0)
    position = tl.arange(0, WIDTH)
    first, last = tl.load(start + segment), tl.load(end + segment)
    score = rounded(tl.load(scores + segment * positions + position, mask=position < positions, other=9.0))
    keys = tl.where(position < positions, order_key(-score, position), -(1 << 62))
    chosen = among_largest(keys, count, WIDTH) & (last - first > 1)
    tl.store(static + segment * positions + position, chosen.to(tl.int8), mask=position < positions)

    total = tl.zeros((WIDTH,), tl.float32)
    for frame in range(first, last):
        total += tl.load(energy + frame * positions + position, mask=position < positions, other=0)
    whole = tl.sum(total, 0)
    tl.store(trace_scale + segment, tl.where(whole > 0, 1 / tl.where(whole > 0, whole, 1.0), 0.0))
