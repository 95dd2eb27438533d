"""Salient tokens and replaced static positions on the GPU: section 3.4, eq. 10, 11, 29 and 30."""

import triton.language as tl

from infomerge.fast.kernels.common import among_largest, kernel, order_key


@kernel
def salient(saliency, static, start, end, chosen, penalized, replaced, count, penalty, positions, WIDTH: tl.constexpr):
    """ATS: `selection.select_salient`, frame after frame. Programs: segments."""
    segment = tl.program_id(0)
    position = tl.arange(0, WIDTH)
    inside = position < positions
    candidate = tl.load(static + segment * positions + position, mask=inside, other=0).to(tl.int32)
    kept_before = tl.zeros((WIDTH,), tl.int32)
    for frame in range(tl.load(start + segment), tl.load(end + segment)):
        given = tl.load(saliency + frame * positions + position, mask=inside, other=0).to(tl.float32)
        away = tl.where(inside, given - tl.sum(given, 0) / positions, 0.0)
        handicap = penalty * tl.sqrt(tl.sum(away * away, 0) / positions)
        score = given - handicap * kept_before.to(tl.float32)
        keys = tl.where(inside, order_key(score, position), -(1 << 62))
        kept = (among_largest(keys, count, WIDTH) & inside).to(tl.int32)
        kept_before = kept_before | (kept & candidate)
        place = frame * positions + position
        tl.store(chosen + place, kept.to(tl.int8), mask=inside)
        tl.store(penalized + place, score, mask=inside)
        tl.store(replaced + place, kept_before.to(tl.int8), mask=inside)


@kernel
def replace(tokens, features, replaced, segment_of, start, end, positions, channels, BLOCK: tl.constexpr):
    """`selection.replace_static`: a copy in which replaced tokens hold their position's mean over the segment.

    Programs: tokens x blocks of channels.
    """
    token = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < channels
    if tl.load(replaced + token) != 0:
        segment = tl.load(segment_of + token // positions)
        first, last = tl.load(start + segment), tl.load(end + segment)
        total = tl.zeros((BLOCK,), tl.float32)
        for frame in range(first, last):
            here = tokens + (frame * positions + token % positions) * channels
            total += tl.load(here + channel, mask=inside, other=0).to(tl.float32)
        mean = (total / (last - first)).to(features.dtype.element_ty)
        tl.store(features + token * channels + channel, mean, mask=inside)
    else:
        tl.store(
            features + token * channels + channel,
            tl.load(tokens + token * channels + channel, mask=inside, other=0),
            mask=inside,
        )
