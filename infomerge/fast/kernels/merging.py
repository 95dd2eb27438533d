"""Anchors, owners and merged tokens on the GPU: section 3.4 and A.7."""

import triton.language as tl

from infomerge.fast.kernels.common import among_largest, inverse_root, kernel, order_key, rounded


@kernel
def anchors(scores, salient, static, quota, start, end, chosen, positions, WIDTH: tl.constexpr):
    """The best-scoring free tokens of every anchor frame, under the hard mask (eq. 12): `merging.choose_anchors`.

    Programs: segments.
    """
    segment = tl.program_id(0)
    position = tl.arange(0, WIDTH)
    inside = position < positions
    candidate = tl.load(static + segment * positions + position, mask=inside, other=0).to(tl.int32)
    given = tl.zeros((WIDTH,), tl.int32)
    for frame in range(tl.load(start + segment), tl.load(end + segment)):
        count = tl.load(quota + frame)
        place = frame * positions + position
        taken = tl.zeros((WIDTH,), tl.int32)
        if count > 0:
            free = inside & (tl.load(salient + place, mask=inside, other=1) == 0)
            keys = order_key(tl.load(scores + place, mask=inside, other=0), position)
            keys = tl.where(free, keys - given.to(tl.int64) * (1 << 52), -(1 << 62))
            taken = (among_largest(keys, count, WIDTH) & free).to(tl.int32)
            given = given | (taken & candidate)
        tl.store(chosen + place, taken.to(tl.int8), mask=inside)


@kernel
def numbering(
    anchor, salient, first_anchor, anchor_token, index, is_context, anchor_of_kept, number, positions,
    salient_per_frame, WIDTH: tl.constexpr,
):  # fmt: skip
    """Places of the kept tokens, without a search: how many there are before each frame is known. Programs: frames.

    `anchor_token` lists the anchors, `index` all kept tokens, `anchor_of_kept` which anchor each of these is (-1: a
    salient one), `number` the place of every token among the kept ones (-1: not kept).
    """
    frame = tl.program_id(0)
    position = tl.arange(0, WIDTH)
    inside = position < positions
    token = frame * positions + position
    is_anchor = tl.load(anchor + token, mask=inside, other=0).to(tl.int32)
    is_kept = is_anchor | tl.load(salient + token, mask=inside, other=0).to(tl.int32)
    before = tl.load(first_anchor + frame)
    nth_anchor = before + tl.cumsum(is_anchor, 0) - 1
    nth_kept = before + salient_per_frame * frame + tl.cumsum(is_kept, 0) - 1
    tl.store(anchor_token + nth_anchor, token, mask=is_anchor > 0)
    tl.store(index + nth_kept, token.to(tl.int64), mask=is_kept > 0)
    tl.store(is_context + nth_kept, is_anchor.to(tl.int8), mask=is_kept > 0)
    tl.store(anchor_of_kept + nth_kept, tl.where(is_anchor > 0, nth_anchor, -1), mask=is_kept > 0)
    tl.store(number + token, tl.where(is_kept > 0, nth_kept, -1), mask=inside)


@kernel
def owners(
    features, energy, anchor_token, first_anchor, quota, segment_of, start, end, number, owner, assignment,
    tokens, positions, channels,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The most similar anchor of its segment for every token that is not kept: `merging.assign`. Programs: rows.

    `owner` is the anchor's place among the anchors (-1: kept), `assignment` the owner's among the kept tokens.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = row < tokens
    segment = tl.load(segment_of + row // positions, mask=inside, other=-1)
    scale = inverse_root(tl.load(energy + row, mask=inside, other=0))
    deep = tl.arange(0, DEPTH)

    first_frame = (tl.program_id(0) * ROWS) // positions
    last_frame = tl.minimum(tl.program_id(0) * ROWS + ROWS - 1, tokens - 1) // positions
    first = tl.load(first_anchor + tl.load(start + tl.load(segment_of + first_frame)))
    end_frame = tl.load(end + tl.load(segment_of + last_frame)) - 1
    last = tl.load(first_anchor + end_frame) + tl.load(quota + end_frame)

    best = tl.full((ROWS,), -1e30, tl.float32)
    best_anchor = tl.zeros((ROWS,), tl.int32)
    for block in range(first, last, COLUMNS):
        column = block + tl.arange(0, COLUMNS)
        anchor = tl.load(anchor_token + column, mask=column < last, other=0)
        product = tl.zeros((ROWS, COLUMNS), tl.float32)
        a = features + row.to(tl.int64)[:, None] * channels
        b = features + anchor.to(tl.int64)[:, None] * channels
        for offset in range(0, channels, DEPTH):
            channel = (offset + deep)[None, :]
            left = tl.load(a + channel, mask=inside[:, None] & (channel < channels), other=0)
            right = tl.load(b + channel, mask=channel < channels, other=0)
            product = tl.dot(left, tl.trans(right), product, input_precision=PRECISION)
        anchor_scale = inverse_root(tl.load(energy + anchor))
        cosine = rounded(product * scale[:, None] * anchor_scale[None, :])
        allowed = (column < last)[None, :] & (tl.load(segment_of + anchor // positions)[None, :] == segment[:, None])
        cosine = tl.where(allowed, cosine, -1e30)
        most = tl.max(cosine, 1)
        best_anchor = tl.where(most > best, block + tl.argmax(cosine, 1), best_anchor)
        best = tl.maximum(best, most)
    own = tl.load(number + row, mask=inside, other=0)
    tl.store(owner + row, tl.where(own < 0, best_anchor, -1), mask=inside)
    target = tl.load(number + tl.load(anchor_token + best_anchor, mask=inside, other=0), mask=inside, other=0)
    tl.store(assignment + row, tl.where(own < 0, target, own).to(tl.int64), mask=inside)


@kernel
def member_counts(anchor_token, owner, segment_of, start, end, counts, positions, BLOCK: tl.constexpr):
    """How many tokens go into each anchor. Programs: anchors."""
    anchor = tl.program_id(0)
    segment = tl.load(segment_of + tl.load(anchor_token + anchor) // positions)
    last = tl.load(end + segment) * positions
    count = tl.zeros((BLOCK,), tl.int32)
    for block in range(tl.load(start + segment) * positions, last, BLOCK):
        token = block + tl.arange(0, BLOCK)
        count += (tl.load(owner + token, mask=token < last, other=-1) == anchor).to(tl.int32)
    tl.store(counts + anchor, tl.sum(count, 0))


@kernel
def members(
    anchor_token, owner, segment_of, start, end, counts, number, first_member, source, target, positions,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Which tokens go into each anchor, ascending, one anchor's after another's: `merging.plan_merge`.

    Programs: anchors.
    """
    anchor = tl.program_id(0)
    before = tl.zeros((BLOCK,), tl.int32)
    for block in range(0, anchor, BLOCK):
        earlier = block + tl.arange(0, BLOCK)
        before += tl.load(counts + earlier, mask=earlier < anchor, other=0)
    place = tl.sum(before, 0)
    tl.store(first_member + anchor, place)
    token_of_anchor = tl.load(anchor_token + anchor)
    kept = tl.load(number + token_of_anchor).to(tl.int64)
    segment = tl.load(segment_of + token_of_anchor // positions)
    last = tl.load(end + segment) * positions
    for block in range(tl.load(start + segment) * positions, last, BLOCK):
        token = block + tl.arange(0, BLOCK)
        mine = (tl.load(owner + token, mask=token < last, other=-1) == anchor).to(tl.int32)
        nth = place + tl.cumsum(mine, 0) - 1
        tl.store(source + nth, token.to(tl.int64), mask=mine > 0)
        tl.store(target + nth, kept + token * 0, mask=mine > 0)
        place += tl.sum(mine, 0)


@kernel
def merge(
    features, index, anchor_of_kept, first_member, counts, source, out, channels, merge_weight,
    ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The kept tokens, the others merged into their anchors (eq. 34): `MergePlan.combine`.

    Programs: kept tokens x blocks of channels.
    """
    kept = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < channels
    anchor = tl.load(anchor_of_kept + kept)
    own = tl.load(features + tl.load(index + kept).to(tl.int64) * channels + channel, mask=inside, other=0)
    result = own
    if anchor >= 0:
        count = tl.load(counts + anchor)
        first = tl.load(first_member + anchor)
        rows = tl.arange(0, ROWS)
        total = tl.zeros((ROWS, BLOCK), tl.float32)
        for block in range(0, count, ROWS):
            there = block + rows < count
            token = tl.load(source + first + block + rows, mask=there, other=0)
            place = token[:, None] * channels + channel[None, :]
            total += tl.load(features + place, mask=there[:, None] & inside[None, :], other=0).to(tl.float32)
        weight = tl.maximum(1.0 / (count + 1).to(tl.float32), merge_weight)
        mean = tl.sum(total, 0) / tl.maximum(count, 1)
        merged = weight * own.to(tl.float32) + (1 - weight) * mean
        result = tl.where(count > 0, merged, own.to(tl.float32)).to(out.dtype.element_ty)
    tl.store(out + kept.to(tl.int64) * channels + channel, result, mask=inside)
