"""Farthest points: the salient tokens that are least like anything chosen before them, in content and in time.

What is dense is background: the tokens that look like many others are the ones that few questions are about. This step
goes the other way, as farthest-point clustering does (Gonzalez, Clustering to minimize the maximum intercluster
distance, 1985), weighted by saliency. The equations are numbered in `infomerge.methods.farthest`.
"""

import math
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass
from torch import Tensor

from infomerge.config import Allocation, SalientSplit
from infomerge.numerics import BLOCK_ELEMENTS, DECIMALS, rounded, unit, wide

LEAST_WEIGHT = 1e-4
"""Least saliency that a token weighs, in means of the clip's: what nobody looks at may still be unlike all else."""

LEAST_DISTANCE = 10.0**-DECIMALS
"""Least distance that is told from none: saliency alone decides between tokens that are all like a chosen one."""

LEAST_PLACE = 1e-12
"""Least energy of a direction of place, in those of the strongest: less is rounding."""

LEAST_LEFT = 1e-6
"""Share of a token's length that must be left without place; where it is less, only rounding is left: it is zero."""

POOL = 512
"""Tokens between which the next ones are chosen at once, while none of the others can come before them."""

FRAME_BY_FRAME = ("cpu",)
"""Devices on which leaving out what is far in time saves more than it costs; others take all frames at once."""

SelectionScope = Literal["clip", "segment"]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class FarthestOptions:
    """The options of the method, validated when they are made. The symbol of its equations stands behind each.

    Raises:
        pydantic.ValidationError: (a ValueError) for a value outside its range.
    """

    context_fraction: float = Field(default=0.7, ge=0, le=1)
    """d: share of the kept tokens that are farthest points; at 1 no token is kept for its saliency alone."""

    salient_split: SalientSplit = "floor"
    """How the salient tokens are shared among the frames, as in `InfoMergeConfig`."""

    saliency_exponent: float = Field(default=1.0, ge=0)
    """gamma: how strongly saliency weighs a distance; at 0 not at all (F2)."""

    time_scale: float | None = Field(default=None, gt=0)
    """tau_t: frames after which what looks alike counts as different (F3); None for never."""

    place_directions: int = Field(default=0, ge=0)
    """q: directions of a token that tell where it is and are left out of its content (F8); at 0 none."""

    place_scale: float | None = Field(default=None, gt=0)
    """tau_p: distance, in sides of the frame, at which what looks alike counts as different (F9); None for never."""

    columns: int | None = Field(default=None, ge=1)
    """Of the grid of positions, for F9; None for those of the squarest grid."""

    merge_weight: float = Field(default=1.0, ge=0, le=1)
    """mu: least weight of a farthest point in its merged token (eq. 34); at 1 it keeps its own features."""

    scope: SelectionScope = "clip"
    """Farthest points of the whole "clip", or of each "segment" for itself (section 3.1), as many as its budget."""

    allocation: Allocation = "length"
    """Budgets of the segments under scope "segment": by their "length", or by content, "caba" (eq. 8 and 9)."""

    temperature: float = Field(default=1.2, ge=0)
    """tau: how strongly content moves the budgets under "caba" (eq. 8)."""

    uniqueness_weight: float = Field(default=0.9, ge=0)
    """alpha: weight of a segment's uniqueness under "caba" (section 3.3)."""

    richness_weight: float = Field(default=0.1, ge=0)
    """beta: weight of a segment's richness under "caba" (section 3.3)."""

    min_segments: int = Field(default=8, ge=1)
    """c: at least this many segments under scope "segment" (eq. 23)."""

    segment_threshold: float = Field(default=0.9, ge=-1, le=1)
    """tau_seg: frames less similar than this are cut apart under scope "segment" (eq. 23)."""

    @field_validator("time_scale", "place_scale", "columns", mode="before")
    @classmethod
    def _none_in_words(cls, value: Any) -> Any:
        """None as a shell can say it."""
        return None if value in ("none", "None") else value


class FarthestPoints(NamedTuple):
    """Which tokens are chosen, and which of them is nearest to each token."""

    chosen: Bool[Tensor, "frames positions"]
    """Those that were chosen before, and the farthest points."""
    nearest: Int[Tensor, "frames positions"]
    """Flat index of the chosen token that each token is most like (eq. F6); -1 where it is like none of them."""


def saliency_log_weight(
    saliency: Float[Tensor, "frames positions"], exponent: float
) -> Float[Tensor, "frames positions"]:
    """Logarithm of w_i (eq. F2), from saliency in float64; 0 everywhere where no saliency is above 0."""
    share = saliency.clamp(min=0)
    largest = share.max()
    # Before the mean, whose sum might overflow; and without a look at a value, for which a GPU would have to be waited.
    share = torch.where(largest > 0, share / torch.where(largest > 0, largest, 1), 1)
    return exponent * (share / share.mean()).clamp(min=LEAST_WEIGHT).log()


def directions(features: Float[Tensor, "*tokens channels"]) -> Float[Tensor, "*tokens directions"]:
    """u_i of eq. F1: features at length 1. Tokens that are zero have a direction of their own, the same for all."""
    out = unit(features)
    is_zero = (out == 0).all(dim=-1, keepdim=True)
    return torch.cat([out, is_zero.to(out.dtype)], dim=-1) if is_zero.any() else out


def without_place(
    features: Float[Tensor, "frames positions channels"], count: int
) -> Float[Tensor, "frames positions channels"]:
    """Features without the `count` directions in which positions differ most, whatever is there (eq. F8).

    What a position's tokens have in common over the clip is where they are, and what stands still there. The first
    singular directions of these means say where; an encoder's code of place is smooth and so fills few of them. Of
    directions that are as strong as the one after the last, which go is not defined.

    Args:
        features: of the whole clip, in the dtype to compute in.
        count: q; directions beyond those that there are change nothing.
    """
    means = features.mean(dim=0)
    means = means - means.mean(dim=0)
    strength, mixture = torch.linalg.eigh(means @ means.T)
    present = strength > strength[-1].clamp(min=torch.finfo(strength.dtype).tiny) * LEAST_PLACE
    # Ascending. What is absent becomes 0, which takes nothing away.
    inverse = torch.where(present, strength, torch.inf).rsqrt()[-count:]
    along = (mixture.T @ means)[-count:] * inverse[:, None]
    left = features - (features @ along.T) @ along
    lost = left.norm(dim=-1) <= LEAST_LEFT * features.norm(dim=-1)
    result: Tensor = left.masked_fill(lost[..., None], 0)
    return result


def place_decay(places: Float[Tensor, "positions 2"], scale: float) -> Float[Tensor, "positions positions"]:
    """exp(-|p_i - p_j|^2 / (2 tau_p^2)) of eq. F9, for places and a scale in the same units."""
    apart = (places[:, None] - places).square().sum(dim=-1)
    return torch.exp(-apart / (2 * scale**2))


def farthest_points(
    vectors: Float[Tensor, "frames positions directions"],
    log_weight: Float[Tensor, "frames positions"],
    chosen: Bool[Tensor, "frames positions"],
    count: int,
    time_scale: float | None,
    place: Float[Tensor, "positions positions"] | None = None,
) -> FarthestPoints:
    """`count` tokens beside the `chosen` ones, one by one, each the farthest from all before it (eq. F3 to F6).

    Exactly what a loop over all tokens gives, for less: distances only shrink, so that the largest scores of a moment
    bound all later ones. The `POOL` tokens of the largest scores are compared with each other alone, for as long as
    the best of them is above what the best of the others was; then all tokens are brought up to date.

    Args:
        vectors: `directions` of the tokens, float64.
        log_weight: ln w_i (eq. F2).
        chosen: where it begins; distances are to these too.
        count: how many are added; at most as many as are left.
        time_scale: tau_t in frames; None for likeness alone.
        place: what likeness is multiplied by between two positions (`place_decay`, eq. F9); at most 1.
    """
    nearness = _Nearness(vectors, time_scale, place)
    taken = chosen.flatten().clone()
    weight = log_weight.flatten().masked_fill(taken, -math.inf)
    if count == int((~taken).sum()):
        return FarthestPoints(torch.ones_like(chosen), torch.full(chosen.shape, -1, device=chosen.device))
    nearness.add(taken.nonzero().squeeze(1))
    while count:
        score = _score(weight, nearness.largest.flatten())
        order = torch.sort(score, descending=True, stable=True).indices
        others = (float(score[order[POOL]]), int(order[POOL])) if len(order) > POOL else (-math.inf, len(order))
        new = _from_pool(nearness, weight, order[:POOL].sort().values, count, others)
        weight[new] = -math.inf
        taken[new] = True
        nearness.add(new)
        count -= len(new)
    return FarthestPoints(taken.view_as(chosen), nearness.owner)


def farthest_in_segments(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    chosen: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
    budget: Int[Tensor, "segments"],
    saliency_exponent: float,
    time_scale: float | None,
    place: Float[Tensor, "positions positions"] | None = None,
) -> FarthestPoints:
    """The farthest points of every segment, as many as its budget; between segments k is 0."""
    vectors, weight = directions(wide(features)), saliency_log_weight(saliency, saliency_exponent)
    positions, parts = features.shape[1], []
    for (start, end), count in zip(segments.tolist(), budget.tolist(), strict=True):
        part = farthest_points(vectors[start:end], weight[start:end], chosen[start:end], count, time_scale, place)
        nearest = torch.where(part.nearest < 0, -1, part.nearest + start * positions)
        parts.append(FarthestPoints(part.chosen, nearest))
    return FarthestPoints(*map(torch.cat, zip(*parts, strict=True)))


def owners(points: FarthestPoints) -> Int[Tensor, "tokens"]:
    """Flat index of the chosen token that stands for each token (eq. F6); a chosen token's own.

    What is like none of them goes to the nearest frame that has any, and there to the first; of two frames as near, to
    the earlier. At least one token is chosen.
    """
    chosen, nearest = points
    index = torch.arange(chosen.numel(), device=chosen.device).view_as(chosen)
    first = torch.where(chosen, index, chosen.numel()).amin(dim=1)
    frame = torch.arange(len(chosen), device=chosen.device)
    with_chosen = chosen.any(dim=1).nonzero().squeeze(1)
    nearest_frame = with_chosen[(frame[:, None] - with_chosen).abs().argmin(dim=1)]
    owner = torch.where(nearest < 0, first[nearest_frame][:, None], nearest)
    return torch.where(chosen, index, owner).flatten()


def _score(log_weight: Float[Tensor, "n"], nearness: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """ln(w_i max(D_i, epsilon)) of eq. F5, as compared."""
    return rounded(log_weight + (1 - nearness).clamp(min=LEAST_DISTANCE).log())


def _from_pool(
    nearness: "_Nearness",
    log_weight: Float[Tensor, "tokens"],
    pool: Int[Tensor, "pool"],
    count: int,
    others: tuple[float, int],
) -> Int[Tensor, "new"]:
    """The next tokens, `count` at most, while they are surely the pool's (indices ascending): at least one.

    `others` is the largest score of what is not in the pool, with the lowest index that has it.
    """
    pairs = nearness.between(pool, pool)
    largest, weight = nearness.largest.flatten()[pool], log_weight[pool]
    index: list[int] = pool.tolist()
    new: list[int] = []
    while len(new) < count:
        score = _score(weight, largest)
        best = int(score.argmax())
        value = float(score[best])
        if value == -math.inf or (-value, index[best]) > (-others[0], others[1]):
            break
        new.append(index[best])
        weight[best] = -math.inf
        largest = torch.maximum(largest, pairs[best])
    return torch.tensor(new, device=pool.device)


class _Nearness:
    """How like each token is to what has been chosen, and to which token of it: max over j of k(i, j) (eq. F3)."""

    def __init__(
        self,
        vectors: Float[Tensor, "frames positions directions"],
        time_scale: float | None,
        place: Float[Tensor, "positions positions"] | None,
    ) -> None:
        frames, self._positions, _ = vectors.shape
        self._vectors = vectors
        distance = torch.arange(frames, dtype=torch.float64, device="cpu")
        decay = torch.ones_like(distance) if time_scale is None else torch.exp(-((distance / time_scale) ** 2) / 2)
        self._decay = decay.to(vectors)
        self._place = None if place is None else place.to(vectors)
        self.largest = vectors.new_zeros(vectors.shape[:2])
        """max over the chosen j of k(i, j), rounded; 0 where nothing is chosen."""
        self.owner = torch.full(self.largest.shape, -1, device=vectors.device)
        """The j of it: of equal ones the nearer in time, then the lower index; -1 where nothing is like the token."""
        self._since = torch.zeros_like(self.owner)

    def between(self, some: Int[Tensor, "some"], others: Int[Tensor, "others"]) -> Float[Tensor, "some others"]:
        """k(i, j) of pairs, rounded."""
        flat = self._vectors.flatten(0, 1)
        apart = (some[:, None] // self._positions - others // self._positions).abs()
        likeness = (flat[some] @ flat[others].T).clamp_(min=0).mul_(self._decay[apart])
        if self._place is not None:
            likeness.mul_(self._place[some % self._positions][:, others % self._positions])
        return rounded(likeness)

    def add(self, new: Int[Tensor, "new"]) -> None:
        """Take chosen tokens into account."""
        if not len(new):
            return
        one_by_one = new.device.type in FRAME_BY_FRAME
        tokens = self._positions * (1 if one_by_one else len(self.largest))
        for block in new.sort().values.split(max(1, BLOCK_ELEMENTS // tokens)):
            frame_of = block // self._positions
            apart = (torch.arange(len(self.largest), device=new.device)[:, None] - frame_of).abs()
            vectors = self._vectors.flatten(0, 1)[block]
            if one_by_one:
                for frame, near in enumerate(self._in_reach(frame_of)):
                    if near.start < near.stop:
                        self._add_to(slice(frame, frame + 1), block[near], vectors[near], apart[frame, None, near])
            else:
                self._add_to(slice(None), block, vectors, apart)

    def _in_reach(self, frame_of: Int[Tensor, "new"]) -> list[slice]:
        """Which of the new tokens can change anything in each frame; they are ordered by their frame.

        k(i, j) is no more than the decay: what is so far in time that it cannot reach the frame's least likeness is
        left out, and so is what would be rounded to 0.
        """
        least = self.largest.amin(dim=1).clamp(min=LEAST_DISTANCE) - 0.75 * LEAST_DISTANCE
        reach = (self._decay > least[:, None]).sum(dim=1)
        frame = torch.arange(len(least), device=frame_of.device)
        first = torch.searchsorted(frame_of, frame - reach, right=True)
        last = torch.searchsorted(frame_of, frame + reach)
        return [slice(*ends) for ends in torch.stack((first, last), dim=1).tolist()]

    def _add_to(
        self,
        frames: slice,
        new: Int[Tensor, "new"],
        vectors: Float[Tensor, "new directions"],
        apart: Int[Tensor, "some new"],
    ) -> None:
        likeness = (self._vectors[frames] @ vectors.T).clamp_(min=0).mul_(self._decay[apart][:, None])
        if self._place is not None:
            likeness.mul_(self._place[:, new % self._positions])
        likeness = rounded(likeness)
        # Less than a step of the rounding for any clip: among equal ones the nearer in time is the larger.
        place = (likeness - apart[:, None].to(likeness.dtype) * 1e-12).argmax(dim=-1)
        value, apart = likeness.gather(-1, place[..., None]).squeeze(-1), apart.gather(1, place)
        now, since, owner = self.largest[frames], self._since[frames], self.owner[frames]
        token = new[place]
        nearer = (apart < since) | ((apart == since) & (token < owner))
        better = (value > now) | ((value == now) & (value > 0) & nearer)
        self.largest[frames] = torch.where(better, value, now)
        self._since[frames] = torch.where(better, apart, since)
        self.owner[frames] = torch.where(better, token, owner)
