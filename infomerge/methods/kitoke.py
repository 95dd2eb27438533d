"""KiToke (arXiv 2604.03414): tokens with few others near them are drawn, the rest merge within intervals of time."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.options import check_seed
from infomerge.methods.ranges import check_number
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Merges, Ownership, own_by_similarity
from infomerge.methods.spacing import evenly
from infomerge.numerics import BLOCK_ELEMENTS, grouped_sums, rounded

SAMPLED = 256
"""Tokens, evenly spread over the clip, from whose neighbors the kernel's bandwidth is taken."""

CUT, CONTRAST = 2.0, 2.0 * 70 / 110
"""Thresholds in medians of the clip's frame differences; 110 and 70 are those known for one model's tokens."""


def check_options(
    seed: object = 0,
    bandwidth: object = None,
    cut_threshold: object = None,
    contrast_threshold: object = None,
    relative_contrast: object = 0.4,
) -> None:
    """Refuse options that are out of range."""
    check_seed(seed)
    if bandwidth is not None:
        check_number("bandwidth", bandwidth, 0, above=True)
    for name, value in (("cut_threshold", cut_threshold), ("contrast_threshold", contrast_threshold)):
        if value is not None:
            check_number(name, value, 0)
    check_number("relative_contrast", relative_contrast, 0)


@owning_method(
    "kitoke",
    "KiToke",
    "tokens drawn by how few others of the clip are near them; the rest merge into them within intervals",
    "Huang and Li, KiToke, arXiv 2604.03414; no code published; restated from others' accounts of it",
    "The values known (bandwidth 800, thresholds 110, 70 and 0.4) are for one model's tokens. Here the bandwidth is "
    "the median squared distance to the neighbor at 1 %, and a cut at twice the median frame difference: guesses.",
    "Probabilities above 1 are set to 1 and the others scaled anew, as another's version does; the paper's way is not "
    "known.",
    "Tokens are drawn in order of time and place; the source's order is not known.",
    "The first and the last transition are cuts by the absolute threshold alone; the source's way is not known.",
    "An interval without a kept token is owned by the most similar kept tokens of the clip, unmerged; the source's way "
    "is not known.",
    ROUNDED,
    check=check_options,
)
def kitoke(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    seed: int = 0,
    bandwidth: float | None = None,
    cut_threshold: float | None = None,
    contrast_threshold: float | None = None,
    relative_contrast: float = 0.4,
) -> Ownership:
    """A token's density is the sum of exp(-squared distance / bandwidth) over all tokens of the clip, itself included.

    Its weight is one over that. Tokens are drawn, exactly as many as are asked for, each by a probability in proportion
    to its weight: of a dense cluster some stay, where the top of a ranking would drop them all. The clip is cut into
    intervals where a frame differs much from the one before. A token that was not drawn goes to the most similar one of
    its interval, and a kept token becomes the mean of its group by their weights. Saliency plays no part.

    `seed` draws, from a generator of its own, the same on every device. `bandwidth` (alpha) is in squared units of the
    tokens, `cut_threshold` and `contrast_threshold` in their units; without them, all are taken from the clip.
    `relative_contrast` has no unit.

    Departs from its source where that is not known: see `METHODS["kitoke"].departures`.
    """
    frames, positions, _ = features.shape
    flat = features.flatten(0, 1)
    weight = 1 / density(flat, kernel_bandwidth(flat) if bandwidth is None else bandwidth)
    draws = torch.rand(len(flat), generator=torch.Generator().manual_seed(seed), dtype=torch.float64, device="cpu")
    drawn = draw(inclusion_probabilities(weight, requested).tolist(), draws.tolist())
    kept = torch.zeros(len(flat), dtype=torch.bool, device=features.device)
    kept[torch.tensor(drawn, device=features.device)] = True
    intervals = find_intervals(frame_differences(features), cut_threshold, contrast_threshold, relative_contrast).to(
        features.device
    )
    owner = own_by_similarity(features, kept.view(frames, positions), segments=intervals)
    number = torch.repeat_interleave(intervals[:, 1] - intervals[:, 0]).repeat_interleave(positions)
    inside = (number == number[owner]).nonzero().squeeze(1)  # of kept tokens and of those that go into one
    order = inside[torch.argsort(owner[inside], stable=True)]
    total = grouped_sums(weight[:, None], order, torch.bincount(owner[inside], minlength=len(flat)))[:, 0]
    source = inside[~kept[inside]]
    target = owner[source]
    merged = torch.zeros_like(kept)
    merged[target] = True
    return Ownership(owner, merged, intervals, Merges(source, target, weight[source] / total[target]))


def density(tokens: Float[Tensor, "tokens channels"], bandwidth: float) -> Float[Tensor, "tokens"]:
    """The sum over all tokens of exp(-squared distance / bandwidth), itself included; at least 1.

    Each pair is computed once, a block of tokens with itself and all later ones at a time.
    """
    sums = torch.zeros_like(tokens[:, 0])
    size = max(1, BLOCK_ELEMENTS // 8 // len(tokens))
    for start in range(0, len(tokens), size):
        near = squared_distances(tokens[start : start + size], tokens[start:]).div_(-bandwidth).exp_()
        sums[start : start + size] += near.sum(1)
        sums[start + size :] += near[:, size:].sum(0)
    return sums.clamp(min=1)


def kernel_bandwidth(tokens: Float[Tensor, "tokens channels"]) -> float:
    """The median, over evenly spread tokens, of the squared distance to the neighbor at 1 % of all.

    Where that is zero, the mean squared distance; where that is, 1: then all tokens are equal.
    """
    sampled = evenly(len(tokens), min(SAMPLED, len(tokens))).to(tokens.device)
    squared = squared_distances(tokens[sampled], tokens)
    neighbor = min(len(tokens), 1 + -(-len(tokens) // 100))  # the token itself comes first
    median = float(squared.kthvalue(neighbor, dim=1).values.median())
    return median or float(squared.mean()) or 1.0


def squared_distances(a: Float[Tensor, "n channels"], b: Float[Tensor, "m channels"]) -> Float[Tensor, "n m"]:
    """Squared distances between two sets of tokens.

    What is less than a billionth of the energies is zero: so far off may the product form be.
    """
    energy = a.square().sum(1)[:, None] + b.square().sum(1)[None]
    squared = torch.addmm(energy, a, b.T, alpha=-2)
    return squared.where(squared > energy.mul_(1e-9), 0)


def inclusion_probabilities(weight: Float[Tensor, "tokens"], count: int) -> Float[Tensor, "tokens"]:
    """Proportional to the weights, none above 1, `count` in sum."""
    certain = torch.zeros_like(weight, dtype=torch.bool)
    while True:
        left = count - int(certain.sum())
        probability = torch.where(certain, 1.0, weight * (left / weight[~certain].sum()) if left else 0.0)
        more = (probability >= 1) & ~certain
        if not more.any():
            return probability
        certain |= more


def draw(probabilities: list[float], draws: list[float]) -> list[int]:
    """Pivotal sampling: as many places as the probabilities sum up to, each by its own.

    Two undecided places play: with a sum s below 1 one is out and the other goes on with s, won with probability a / s
    by the one that has a; else one is in and the other goes on with s - 1, in with probability (1 - b) / (2 - s).
    """
    chosen: list[int] = []
    holder, held = 0, probabilities[0]
    for place, (probability, chance) in enumerate(zip(probabilities[1:], draws[1:], strict=True), start=1):
        both = held + probability
        if both < 1:
            if chance * both >= held:
                holder = place
            held = both
        else:
            wins = chance * (2 - both) < 1 - probability
            chosen.append(holder if wins else place)
            holder, held = (place if wins else holder), both - 1
    return [*chosen, holder] if held > 0.5 else chosen


def frame_differences(features: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "frames-1"]:
    """How far each frame is from the one before: at the same positions, and to the nearest of all; both mean."""
    before, after = features[:-1], features[1:]
    same = torch.linalg.vector_norm(after - before, dim=2).mean(1)
    nearest = torch.zeros_like(same)
    for t in range(len(same)):  # a pair of frames at a time, by exact differences: equal tokens are at distance 0
        nearest[t] = torch.cdist(before[t], after[t], compute_mode="donot_use_mm_for_euclid_dist").amin(1).mean()
    return rounded(same + nearest)


def find_intervals(
    difference: Float[Tensor, "transitions"],
    cut_threshold: float | None,
    contrast_threshold: float | None,
    relative_contrast: float,
) -> Int[Tensor, "intervals 2"]:
    """Runs of frames between cuts: transitions that differ much, or much more than those beside them.

    The contrast of a transition is the larger of its differences to the transitions before and after; the relative one
    the larger of these, each divided by what it is compared with. It cuts where both are above their thresholds.
    """
    d = difference.tolist()
    median = float(difference.median()) if d else 0.0
    cut = CUT * median if cut_threshold is None else cut_threshold
    contrast = CONTRAST * median if contrast_threshold is None else contrast_threshold
    edges = [0]
    for t, here in enumerate(d):
        beside = [d[t - 1], d[t + 1]] if 0 < t < len(d) - 1 else []
        rise = max((here - other for other in beside), default=0.0)
        relative = max(((here - other) / other if other else math.inf for other in beside), default=0.0)
        if here > cut or (rise > contrast and relative > relative_contrast):
            edges.append(t + 1)
    edges.append(len(d) + 1)
    return torch.tensor([edges[:-1], edges[1:]], device="cpu").T.contiguous()
