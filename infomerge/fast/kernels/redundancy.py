"""Static candidates on the GPU: section 3.2."""

import triton.language as tl

from infomerge.fast.kernels.common import among_largest, inverse_root, kernel, order_key, rounded


@kernel
def fingerprint_difference(
    tokens, segment_of, start, end, scores, energy, frames, positions, channels,
    WIDTH: tl.constexpr, DEPTH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """TFD_k(p) (eq. 2): `redundancy.temporal_fingerprint_difference` of every segment. Programs: positions.

    `energy` [frames, positions] gets the tokens' squared norms.
    """
    position = tl.program_id(0)
    frame, deep = tl.arange(0, WIDTH), tl.arange(0, DEPTH)
    row, column = frame[:, None], frame[None, :]
    here = tl.zeros((WIDTH, WIDTH), tl.float32)
    there = tl.zeros((WIDTH, WIDTH), tl.float32)
    token = tokens + (row * positions + position).to(tl.int64) * channels
    for offset in range(0, channels, DEPTH):
        channel = (offset + deep)[None, :]
        inside = channel < channels
        own = tl.load(token + channel, mask=inside & (row < frames), other=0)
        following = tl.load(token + positions * channels + channel, mask=inside & (row + 1 < frames), other=0)
        here = tl.dot(own, tl.trans(own), here, input_precision=PRECISION)
        there = tl.dot(following, tl.trans(own), there, input_precision=PRECISION)
    own_energy = tl.sum(tl.where(row == column, here, 0.0), 1)
    next_energy = tl.sum(tl.where(row + 1 == column, own_energy[None, :], 0.0), 1)
    tl.store(energy + frame * positions + position, own_energy, mask=frame < frames)

    scale = inverse_root(own_energy)[None, :]
    here, there = here * inverse_root(own_energy)[:, None] * scale, there * inverse_root(next_energy)[:, None] * scale
    change = tl.abs(there - here)
    segment = tl.load(segment_of + frame, mask=frame < frames, other=-1)
    next_segment = tl.load(segment_of + frame + 1, mask=frame + 1 < frames, other=-2)
    within = (segment[:, None] == segment[None, :]) & (segment == next_segment)[:, None] & (column < frames)
    by_frame = tl.sum(tl.where(within, change, 0.0), 1)

    first = tl.load(start + frame, mask=frame < frames, other=0)
    length = (tl.load(end + frame, mask=frame < frames, other=0) - first).to(tl.float32)
    total = tl.sum(tl.where(segment[None, :] == row, by_frame[None, :], 0.0), 1)
    tl.store(scores + frame * positions + position, total / tl.maximum(length * (length - 1), 1.0), mask=frame < frames)


@kernel
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
