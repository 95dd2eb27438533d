"""Content-aware budgets on the GPU: section 3.3, A.4 and A.6."""

import triton.language as tl

from infomerge.fast.kernels.common import kernel, rounded


@kernel
def segment_means(frame_means, start, end, means, frames, channels, BLOCK: tl.constexpr):
    """Mean token of every segment, and in the last row of the clip (eq. 3 and 4). Programs: rows x channels."""
    segment = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    is_clip = segment == frames
    first = tl.where(is_clip, 0, tl.load(start + segment, mask=segment < frames, other=0))
    last = tl.where(is_clip, frames, tl.load(end + segment, mask=segment < frames, other=0))
    total = tl.zeros((BLOCK,), tl.float64)
    for frame in range(first, last):
        total += tl.load(frame_means + frame * channels + channel, mask=channel < channels, other=0).to(tl.float64)
    tl.store(means + segment * channels + channel, total / tl.maximum(last - first, 1), mask=channel < channels)


@kernel
def mean_products(means, products, frames, channels, BLOCK: tl.constexpr):
    """Products of the segments' mean tokens with the clip's, the last row, and with themselves. Programs: rows."""
    segment = tl.program_id(0)
    with_clip = tl.zeros((BLOCK,), tl.float64)
    with_itself = with_clip
    for first in range(0, channels, BLOCK):
        channel = first + tl.arange(0, BLOCK)
        own = tl.load(means + segment * channels + channel, mask=channel < channels, other=0)
        clip = tl.load(means + frames * channels + channel, mask=channel < channels, other=0)
        with_clip += own * clip
        with_itself += own * own
    tl.store(products + segment * 2, tl.sum(with_clip, 0))
    tl.store(products + segment * 2 + 1, tl.sum(with_itself, 0))


@kernel
def standardized(values, used, count, least):
    """`budget.standardize` over the segments that there are; zeros for a deviation below `least`."""
    mean = tl.sum(tl.where(used, values, 0.0), 0) / count
    deviation = tl.sqrt(tl.sum(tl.where(used, (values - mean) * (values - mean), 0.0), 0) / count)
    return tl.where(deviation < least, values * 0, (values - mean) / tl.where(deviation < least, 1.0, deviation))


@kernel
def entropy(trace, coefficients, length, used, slot, frames, positions, channels, POWERS: tl.constexpr):
    """e_k (eq. 7) from the traces of all F_j: `squarings.entropy_by_squarings` over log rank."""
    total = tl.zeros_like(length).to(tl.float64)
    for power in tl.static_range(POWERS):
        total += tl.load(coefficients + power) * tl.load(trace + power * frames + slot, mask=used, other=0)
    # The last trace is known without its matrix: tr F_{j+1} = 2 tr F_j - |F_j|^2.
    last = 2 * tl.load(trace + (POWERS - 1) * frames + slot, mask=used, other=0)
    last -= tl.load(trace + POWERS * frames + slot, mask=used, other=0)
    total += tl.load(coefficients + POWERS) * last
    rank = tl.minimum(length * positions, channels).to(tl.float64)
    return tl.where(rank > 1, total / tl.log(tl.maximum(rank, 2.0)), 0.0)


@kernel
def shared_out(quota, capacity, used, total, slot):
    """Whole tokens that add up to `total`, by largest remainder: `budget.allocate` with rounding "exact".

    As many as there are left go to the largest remainders of one round; of these only the ones within 1 of the largest
    can be due before a segment's turn comes again. The rounds are bounded by what is to be given.
    """
    budget = tl.where(used, tl.minimum(tl.maximum(tl.floor(quota), 1.0).to(tl.int32), capacity), 0)
    given = tl.sum(budget, 0)
    rounds = 0
    while (given < total) & (rounds < 65536):
        open_ = used & (budget < capacity)
        remainder = tl.where(open_, rounded(quota - budget), -1e30)
        due = (open_ & (remainder > tl.max(remainder, 0) - 1)).to(tl.int32)
        before = (remainder[None, :] > remainder[:, None]) | (
            (remainder[None, :] == remainder[:, None]) & (slot[None, :] < slot[:, None])
        )
        rank = tl.sum(tl.where(before, due[None, :], 0), 1)
        one = tl.where((due > 0) & (rank < total - given), 1, 0)
        budget += one
        given += tl.sum(one, 0)
        rounds += 1
    while (given > total) & (rounds < 65536):
        remainder = tl.where(used & (budget > 1), rounded(quota - budget), 1e30)
        budget -= (slot == tl.argmin(remainder, 0)).to(tl.int32)
        given -= 1
        rounds += 1
    return budget


@kernel
def allocation(
    trace, coefficients, products, segment_of, start, end,
    weight, uniqueness, richness, budget, is_anchor_frame, quota, first_anchor,
    total, frames, positions, channels, free, temperature, uniqueness_weight, richness_weight, richness_error, interval,
    BY_LENGTH: tl.constexpr, POWERS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """w_k (eq. 8), B_k (eq. 9), and the anchor frames that B_k is spread over (A.7); one program.

    `budget.content_weight`, `budget.allocate` and `merging.find_anchor_frames`. `quota` is a frame's anchors, and
    `first_anchor` how many the frames before it have.
    """
    slot = tl.arange(0, WIDTH)
    inside = slot < frames
    last = tl.load(end + slot, mask=inside, other=0)
    length = last - tl.load(start + slot, mask=inside, other=0)
    used = length > 0
    count = tl.sum(used.to(tl.float64), 0)

    energy = tl.load(products + slot * 2 + 1, mask=used, other=0) * tl.load(products + frames * 2 + 1)
    product = tl.load(products + slot * 2, mask=used, other=0)
    unlike = 1 - tl.where(energy > 0, product / tl.sqrt(tl.where(energy > 0, energy, 1.0)), 0.0)
    tl.store(uniqueness + slot, unlike, mask=inside)
    if BY_LENGTH:
        share = length.to(tl.float64)
    else:
        rich = entropy(trace, coefficients, length, used, slot, frames, positions, channels, POWERS)
        tl.store(richness + slot, rich, mask=inside)
        mixed = uniqueness_weight * standardized(unlike, used, count, 1e-8)
        mixed += richness_weight * standardized(rich, used, count, richness_error)
        share = tl.where(used, length.to(tl.float64) / (1 + tl.exp(-temperature * mixed)), 0.0)
    whole = tl.sum(share, 0)  # of no number where the tokens hold one: the counts have to add up all the same
    share = tl.where((whole > 0) & (whole < 1e300), share, length.to(tl.float64))
    tl.store(weight + slot, share, mask=inside)
    tokens = shared_out(rounded(total * share / tl.sum(share, 0)), length * free, used, total, slot)
    tl.store(budget + slot, tokens, mask=inside)

    segment = tl.load(segment_of + slot, mask=inside, other=WIDTH + 1)
    mine = (segment[:, None] == slot[None, :]).to(tl.int32)
    tokens_here = tl.sum(mine * tokens[None, :], 1)
    from_last = tl.sum(mine * last[None, :], 1) - 1 - slot
    regular = (tl.sum(mine * length[None, :], 1) + interval - 1) // interval
    missing = tl.where(tokens_here > 0, tl.maximum((tokens_here + free - 1) // free - regular, 0), 0)
    joins = from_last - from_last // interval - 1 < missing
    anchors = (((from_last % interval == 0) | joins) & inside).to(tl.int32)
    sharing = tl.maximum(regular + missing, 1)
    earlier = (slot[None, :] < slot[:, None]) & (segment[None, :] == segment[:, None])
    rank = tl.sum(tl.where(earlier, anchors[None, :], 0), 1)
    part = tl.where(anchors > 0, tokens_here // sharing + (rank < tokens_here % sharing).to(tl.int32), 0)
    tl.store(is_anchor_frame + slot, anchors, mask=inside)
    tl.store(quota + slot, part, mask=inside)
    tl.store(first_anchor + slot, tl.cumsum(part, 0) - part, mask=inside)
