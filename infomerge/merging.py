"""Hard-masked density-based token merging, DTM (section 3.4, A.7): the context tokens."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.config import MergeScope
from infomerge.numerics import BLOCK_ELEMENTS, invert, rounded, unit


class AnchorFrames(NamedTuple):
    """The frames that context anchors are taken from, in temporal order."""

    frame: Int[Tensor, "anchor_frames"]
    segment: Int[Tensor, "anchor_frames"]
    quota: Int[Tensor, "anchor_frames"]
    """Anchors that each of them gives."""
    turn: Int[Tensor, "anchor_frames"]
    """Its place among the anchor frames of its segment, from 0."""


class Merged(NamedTuple):
    """Where every token of the clip went."""

    tokens: Float[Tensor, "frames positions channels"]
    """Features with the context anchors updated by eq. 34."""
    owner: Int[Tensor, "tokens"]
    """Flat index of the kept token that stands for each token of the clip; a kept token's own."""


def find_anchor_frames(
    segments: Int[Tensor, "segments 2"], budget: Int[Tensor, "segments"], interval: int, capacity: int
) -> AnchorFrames:
    """Every `interval`-th frame of each segment, counted back from its last, with B_k spread evenly over them.

    Where a segment's budget is more than they hold (`capacity` tokens each), its other frames join, latest first. What
    does not divide evenly goes to the earliest.
    """
    rows = []
    for k, ((start, end), tokens) in enumerate(zip(segments.tolist(), budget.tolist(), strict=True)):
        regular = list(range(end - 1, start - 1, -interval))
        others = [frame for frame in range(end - 1, start - 1, -1) if (end - 1 - frame) % interval]
        missing = max(0, -(-tokens // capacity) - len(regular)) if tokens else 0
        frames = sorted(regular + others[:missing])
        share, extra = divmod(tokens, len(frames))
        rows += [(frame, k, share + (turn < extra), turn) for turn, frame in enumerate(frames)]
    return AnchorFrames(*torch.tensor(rows, device=segments.device).unbind(1))


def density_scores(tokens: Float[Tensor, "frames free channels"], neighbours: int) -> Float[Tensor, "frames free"]:
    """Logarithm of each token's density score within its frame: dense, and far from anything denser (eq. 31 to 33).

    The logarithm has the order of the score itself, which underflows for tokens of large norm. Rounded, as compared.
    """
    frames, free, channels = tokens.shape
    if free == 0:
        return tokens.new_zeros(frames, 0)
    # Exact differences: the product form of the distance is off by 1e-8 between equal tokens, and eq. 33 takes its log.
    distance = torch.cdist(tokens, tokens, compute_mode="donot_use_mm_for_euclid_dist") / channels**0.5
    nearest = distance.topk(min(neighbours, free), dim=-1, largest=False).values
    spread = nearest.square().mean(-1)
    order = torch.sort(rounded(spread), dim=-1, stable=True).indices
    density_rank = invert(order)
    denser = density_rank[:, None, :] < density_rank[:, :, None]
    farthest = distance.amax(dim=(1, 2))[:, None, None]
    delta = torch.where(denser, distance, farthest).amin(-1)
    return rounded(delta.clamp(min=1e-12).log() - spread)


def choose_anchors(
    scores: Float[Tensor, "anchor_frames free"],
    free: Int[Tensor, "anchor_frames free"],
    anchor_frames: AnchorFrames,
    static: Bool[Tensor, "segments positions"],
) -> Bool[Tensor, "anchor_frames free"]:
    """The best-scoring free tokens of every anchor frame, under the hard mask (eq. 12).

    A static position that an earlier anchor frame of the segment gave comes after every other, so that the count stays
    exact where too few others are left. Equal scores: the lower position first.
    """
    chosen = torch.zeros_like(scores, dtype=torch.bool)
    given = torch.zeros_like(static)
    by_score = torch.sort(scores, dim=-1, descending=True, stable=True).indices
    # The mask runs from anchor frame to anchor frame within a segment only: all segments take their turns together.
    for turn in range(int(anchor_frames.turn.max()) + 1):
        rows = (anchor_frames.turn == turn).nonzero().squeeze(1)
        segment = anchor_frames.segment[rows]
        masked = given[segment].gather(1, free[rows])
        order = by_score[rows]
        last = torch.sort(masked.gather(1, order).to(torch.uint8), dim=-1, stable=True).indices
        rank = invert(order.gather(1, last))
        chosen[rows] = rank < anchor_frames.quota[rows, None]
        taken = torch.zeros_like(given[segment]).scatter_(1, free[rows], chosen[rows])
        given[segment] |= taken & static[segment]
    return chosen


def merge(
    tokens: Float[Tensor, "frames positions channels"],
    salient: Bool[Tensor, "frames positions"],
    anchors: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
    merge_weight: float,
    scope: MergeScope,
) -> Merged:
    """Merge every token that was not kept into its most similar anchor (eq. 34), and tell who owns whom.

    a* = mu a + (1 - mu) mean(assigned), mu = max(merge_weight, 1 / (n + 1)) for n assigned tokens. With scope
    "anchor_frame" a token is assigned once in every anchor frame of its segment, and owned by the most similar of all.
    In a segment without anchors the most similar salient token owns it, and in one without any kept token the most
    similar kept token of the clip; neither changes its features for that.
    """
    frames, positions, channels = tokens.shape
    flat = tokens.flatten(0, 1)
    kept = (salient | anchors).flatten()
    merged = flat.clone()
    owner = torch.arange(frames * positions, device=tokens.device)
    for start, end in segments.tolist():
        inside = slice(start * positions, end * positions)
        free = _flat_indices(~kept[inside], inside.start)
        targets = _flat_indices(anchors.flatten()[inside], inside.start)
        if len(targets) == 0:
            salient_here = _flat_indices(kept[inside], inside.start)
            owner[free] = _most_similar(flat, free, salient_here if len(salient_here) else _flat_indices(kept, 0))
            continue
        groups = _group_sizes(targets // positions, scope)
        sums = tokens.new_zeros(len(targets), channels)
        counts = tokens.new_zeros(len(targets), 1)
        for block, similarity in _similarities(flat, free, targets):
            owner[block] = targets[similarity.argmax(1)]
            assigned = _assign(similarity, groups)
            sums += assigned.T @ flat[block]
            counts += assigned.sum(0)[:, None]
        weight = (1 / (counts + 1)).clamp(min=merge_weight)
        means = sums / counts.clamp(min=1)
        merged[targets] = torch.where(counts > 0, weight * flat[targets] + (1 - weight) * means, flat[targets])
    return Merged(merged.view(frames, positions, channels), owner)


def _flat_indices(mask: Bool[Tensor, "tokens"], offset: int) -> Int[Tensor, "chosen"]:
    return mask.nonzero().squeeze(1) + offset


def _similarities(
    flat: Float[Tensor, "tokens channels"], free: Int[Tensor, "free"], targets: Int[Tensor, "targets"]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Cosines of free tokens with all targets, a block of tokens at a time: at once they would grow with frames^2."""
    candidates = unit(flat[targets]).T
    for block in free.split(max(1, BLOCK_ELEMENTS // len(targets))):
        yield block, rounded(unit(flat[block]) @ candidates)


def _most_similar(
    flat: Float[Tensor, "tokens channels"], free: Int[Tensor, "free"], targets: Int[Tensor, "targets"]
) -> Int[Tensor, "free"]:
    """The target of largest cosine for each free token, the lowest index among equals."""
    return torch.cat([targets[similarity.argmax(1)] for _, similarity in _similarities(flat, free, targets)])


def _group_sizes(anchor_frame: Int[Tensor, "anchors"], scope: MergeScope) -> list[int]:
    """Sizes of the runs of anchors between which a token chooses."""
    if scope == "segment":
        return [len(anchor_frame)]
    return torch.unique_consecutive(anchor_frame, return_counts=True)[1].tolist()


def _assign(similarity: Float[Tensor, "tokens anchors"], groups: list[int]) -> Float[Tensor, "tokens anchors"]:
    """One-hot choice of the most similar anchor within each group; a product with it sums in a fixed order."""
    parts = similarity.split(groups, dim=1)
    choices = [torch.zeros_like(part).scatter_(1, part.argmax(1, keepdim=True), 1) for part in parts]
    return torch.cat(choices, dim=1)
