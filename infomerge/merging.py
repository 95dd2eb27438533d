"""Hard-masked density-based token merging, DTM (section 3.4, A.7): the context tokens.

Taught in notebook 05.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.config import MergeScope
from infomerge.density import density_scores as density_scores
from infomerge.numerics import BLOCK_ELEMENTS, check_dense, group_means, grouped_sums, invert, rounded, unit, wide
from infomerge.selection import replace_static


def _check_rows(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Refuse what is no tensor of features, one row for each of so many tokens."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a torch.Tensor")
    expected = f"[{', '.join(map(str, shape))}, features]"
    check_dense(name, value, expected)
    if value.shape[:-1] != shape or value.shape[-1] == 0:
        raise ValueError(f"{name}: got shape {list(value.shape)}; expected {expected}")


@dataclass(frozen=True, eq=False)
class MergePlan:
    """Which tokens of a clip are kept, and how the others go into them: `merge` and `unmerge`, in the manner of ToMe.

    It was made from one kind of features and applies to any: the tokens themselves, DeepStack's, patches of the frames.
    """

    index: Int[Tensor, "kept"]
    """Flat index frame * positions + position of each kept token, ascending."""
    is_context: Bool[Tensor, "kept"]
    """True for context tokens, into which others are merged; False for salient ones."""
    assignment: Int[Tensor, "tokens"]
    """For every token of the clip, the kept token (0..kept-1) that stands for it; a kept token's own number."""
    positions: int
    """Tokens per frame."""
    source: Int[Tensor, "merges"]
    """Flat index of the token that goes in, for each merge; ascending for one target."""
    target: Int[Tensor, "merges"]
    """Number of the kept token that it goes into, ascending. Tokens that are owned and not merged are in no merge."""
    merge_weight: float = 0.0
    """mu of eq. 34: the least weight of the anchor. At 0 a merged token is the plain mean of all that is in it."""
    replaced: Bool[Tensor, "frames positions"] | None = None
    """Tokens that hold their position's mean over the segment (eq. 30); None for none."""
    segments: Int[Tensor, "segments 2"] | None = None
    """The segments of these means; None where nothing is replaced."""
    share: Float[Tensor, "merges"] | None = None
    """Weight of each merged token in what it goes into; the kept token's own is what they leave of 1. None: eq. 34."""

    @property
    def kept(self) -> int:
        """Number of kept tokens."""
        return len(self.index)

    def merge(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """The kept tokens' features: static positions replaced (eq. 29 and 30), the others merged in (eq. 34).

        Computed in float64, returned in the dtype that was given. Features that nothing is merged into come back bit
        for bit.

        Raises:
            TypeError, ValueError: these are no features of the clip's tokens.
        """
        _check_rows("features", features, (len(self.assignment) // self.positions, self.positions))
        given = wide(features)
        if self.replaced is not None and self.segments is not None:
            given = replace_static(given, self.replaced, self.segments)
        return self.combine(given).to(features.dtype)

    def combine(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """Eq. 34 alone, of features whose static positions have been replaced; in their dtype.

        a* = mu a + (1 - mu) mean(merged), mu = max(merge_weight, 1 / (n + 1)) for n merged tokens. Where a method has
        weights of its own, a* = (1 - sum of the shares) a + sum of share * merged.
        """
        flat = features.flatten(0, 1)
        own = flat[self.index]
        counts = torch.bincount(self.target, minlength=self.kept)
        if self.share is not None:
            sums = grouped_sums(flat, self.source, counts, self.share)
            given = grouped_sums(
                self.share.to(flat.dtype)[:, None], torch.arange(len(self.share), device=counts.device), counts
            )
            return torch.where((counts > 0)[:, None], (1 - given) * own + sums, own)
        means = grouped_sums(flat, self.source, counts) / counts.clamp(min=1)[:, None]
        weight = (1 / wide(counts + 1)).clamp(min=self.merge_weight)[:, None]
        return torch.where((counts > 0)[:, None], weight * own + (1 - weight) * means, own)

    def unmerge(self, kept: Float[Tensor, "kept features"]) -> Float[Tensor, "frames positions features"]:
        """Every token of the clip as the kept token that stands for it.

        Raises:
            TypeError, ValueError: these are no features of the kept tokens.
        """
        _check_rows("kept", kept, (self.kept,))
        return kept[self.assignment].unflatten(0, (-1, self.positions))

    def group_means(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """Plain mean over all tokens that each kept token stands for, itself included: the colors of the groups.

        In float64, of the features as they are given: nothing is replaced, and every token counts the same.
        """
        return group_means(wide(features).flatten(0, 1), self.assignment, self.kept)


class AnchorFrames(NamedTuple):
    """The frames that context anchors are taken from, in temporal order."""

    frame: Int[Tensor, "anchor_frames"]
    segment: Int[Tensor, "anchor_frames"]
    quota: Int[Tensor, "anchor_frames"]
    """Anchors that each of them gives."""
    rank_in_segment: Int[Tensor, "anchor_frames"]
    """Its place among the anchor frames of its segment, from 0."""


class Assignment(NamedTuple):
    """Who stands for whom, and who goes into whom, as flat indices of tokens."""

    owner: Int[Tensor, "tokens"]
    """The kept token that stands for each token of the clip; a kept token's own."""
    source: Int[Tensor, "merges"]
    """The token that goes in, for each merge."""
    target: Int[Tensor, "merges"]
    """The anchor that it goes into."""
    share: Float[Tensor, "merges"] | None = None
    """Its weight there; None where the weights are those of eq. 34."""


def find_anchor_frames(
    segments: Int[Tensor, "segments 2"],
    budget: Int[Tensor, "segments"],
    interval: int,
    capacity: int | Int[Tensor, "frames"],
) -> AnchorFrames:
    """Every `interval`-th frame of each segment, counted back from its last, with B_k spread evenly over them.

    Where a segment's budget is more than they hold (`capacity` tokens each, or a number for each frame), its other
    frames join, latest first. What does not divide evenly goes to the earliest; what is too much for one, to the others
    evenly.
    """
    rows = []
    room = [capacity] * int(segments[-1, 1]) if isinstance(capacity, int) else capacity.tolist()
    for k, ((start, end), tokens) in enumerate(zip(segments.tolist(), budget.tolist(), strict=True)):
        regular = list(range(end - 1, start - 1, -interval))
        others = [frame for frame in range(end - 1, start - 1, -1) if (end - 1 - frame) % interval]
        while sum(room[frame] for frame in regular) < tokens:
            regular.append(others.pop(0))
        frames = sorted(regular)
        shares = _even_shares(tokens, [room[frame] for frame in frames])
        rows += [(frame, k, share, rank) for rank, (frame, share) in enumerate(zip(frames, shares, strict=True))]
    return AnchorFrames(*torch.tensor(rows, device=segments.device).unbind(1))


def choose_anchors(
    scores: Float[Tensor, "anchor_frames free"],
    free: Int[Tensor, "anchor_frames free"],
    anchor_frames: AnchorFrames,
    static: Bool[Tensor, "segments positions"],
) -> Bool[Tensor, "anchor_frames free"]:
    """The best-scoring free tokens of every anchor frame, under the hard mask (eq. 12).

    A static position that an earlier anchor frame of the segment gave comes after every other, so that the count stays
    exact where too few others are left. Equal scores: the lower position first. Where a frame has fewer free tokens
    than others, scores of minus infinity fill its row; they are never chosen.
    """
    chosen = torch.zeros_like(scores, dtype=torch.bool)
    given = torch.zeros_like(static)
    by_score = torch.sort(scores, dim=-1, descending=True, stable=True).indices
    # The mask runs from anchor frame to anchor frame within a segment only: the n-th ones of all segments go together.
    for rank_in_segment in range(int(anchor_frames.rank_in_segment.max()) + 1):
        rows = (anchor_frames.rank_in_segment == rank_in_segment).nonzero().squeeze(1)
        segment = anchor_frames.segment[rows]
        masked = given[segment].gather(1, free[rows])
        order = by_score[rows]
        late = masked.to(torch.uint8) + 2 * (scores[rows] == -torch.inf)
        last = torch.sort(late.gather(1, order), dim=-1, stable=True).indices
        rank = invert(order.gather(1, last))
        chosen[rows] = rank < anchor_frames.quota[rows, None]
        taken = torch.zeros_like(given[segment]).scatter_(1, free[rows], chosen[rows])
        given[segment] |= taken & static[segment]
    return chosen


def assign(
    tokens: Float[Tensor, "frames positions channels"],
    salient: Bool[Tensor, "frames positions"],
    anchors: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
    scope: MergeScope,
) -> Assignment:
    """Assign every token that was not kept to its most similar anchor, into which it is merged (section 3.4).

    With scope "anchor_frame" a token is merged once in every anchor frame of its segment, and owned by the most similar
    anchor of all. In a segment without anchors the most similar salient token owns it, and in one without any kept
    token the most similar kept token of the clip; it is merged into neither.
    """
    frames, positions, _ = tokens.shape
    flat = tokens.flatten(0, 1)
    kept = (salient | anchors).flatten()
    owner = torch.arange(frames * positions, device=tokens.device)
    merges = [(owner[:0], owner[:0])]
    for start, end in segments.tolist():
        inside = slice(start * positions, end * positions)
        free = _flat_indices(~kept[inside], inside.start)
        targets = _flat_indices(anchors.flatten()[inside], inside.start)
        if len(targets) == 0:
            salient_here = _flat_indices(kept[inside], inside.start)
            owner[free] = _most_similar(flat, free, salient_here if len(salient_here) else _flat_indices(kept, 0))
            continue
        groups = _group_sizes(targets // positions, scope)
        for block, similarity in _similarities(flat, free, targets):
            owner[block] = targets[similarity.argmax(1)]
            chosen = targets[_best_of_each(similarity, groups)]
            merges.append((block.repeat_interleave(len(groups)), chosen.flatten()))
    sources, anchors_of = zip(*merges, strict=True)
    return Assignment(owner, torch.cat(sources), torch.cat(anchors_of))


def plan_merge(
    assigned: Assignment,
    is_context: Bool[Tensor, "tokens"],
    positions: int,
    *,
    merge_weight: float = 0.0,
    replaced: Bool[Tensor, "frames positions"] | None = None,
    segments: Int[Tensor, "segments 2"] | None = None,
) -> MergePlan:
    """The plan of an assignment: kept tokens numbered in temporal order, merges ordered by what they go into.

    `is_context` says which kept tokens are context tokens; what it says of others does not count. All else is as in
    `MergePlan`.
    """
    kept = assigned.owner == torch.arange(len(assigned.owner), device=assigned.owner.device)
    index = kept.nonzero().squeeze(1)
    number = kept.cumsum(0) - 1
    target, order = torch.sort(number[assigned.target], stable=True)
    return MergePlan(
        index=index,
        is_context=is_context[index],
        assignment=number[assigned.owner],
        positions=positions,
        source=assigned.source[order],
        target=target,
        merge_weight=merge_weight,
        replaced=replaced,
        segments=segments,
        share=None if assigned.share is None else assigned.share[order],
    )


def _even_shares(total: int, room: list[int]) -> list[int]:
    shares = [0] * len(room)
    while total > sum(shares):
        open_ = [n for n, most in enumerate(room) if shares[n] < most]
        share, extra = divmod(total - sum(shares), len(open_))
        for place, n in enumerate(open_):
            shares[n] = min(room[n], shares[n] + share + (place < extra))
    return shares


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


def _best_of_each(similarity: Float[Tensor, "tokens anchors"], groups: list[int]) -> Int[Tensor, "tokens groups"]:
    """The most similar anchor within each run of anchors, the first one among equals."""
    parts, first, best = similarity.split(groups, dim=1), 0, []
    for part in parts:
        best.append(part.argmax(1) + first)
        first += part.shape[1]
    return torch.stack(best, dim=1)
