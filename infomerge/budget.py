"""Content-Aware Budget Allocation, CABA (section 3.3, A.4, A.6): how many tokens each segment may keep.

Taught in notebook 04.
"""

import heapq
import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.config import InfoMergeConfig, Rounding, SalientSplit
from infomerge.numerics import cosine, floor_count, rounded


class BudgetSplit(NamedTuple):
    """How a clip's tokens are shared between the two ways of keeping them (A.4)."""

    requested: int
    """Tokens that the retention ratio asks for: round(r L N), at least 1."""
    salient: int
    """Tokens of the whole clip that are kept by saliency: L T_s, or the exact total."""
    context: float
    """B_DTM, the context tokens of the whole clip: a whole number under rounding "exact"."""


def requested_tokens(frames: int, positions: int, retention_ratio: float) -> int:
    """Tokens that a retention ratio asks for: round(r L N), at least 1."""
    return max(1, math.floor(retention_ratio * frames * positions + 0.5))


def salient_total(frames: int, share: float, context_fraction: float, split: SalientSplit) -> int:
    """Salient tokens of a clip of which each frame keeps a `share` of tokens, not all of them whole.

    L T_s with T_s = floor((1 - d) share) under "floor" (A.4); else the floor of (1 - d) L share, where no more than one
    token is lost to rounding.
    """
    if split == "floor":
        return frames * floor_count((1 - context_fraction) * share)
    return floor_count((1 - context_fraction) * share * frames)


def split_budget(frames: int, positions: int, config: InfoMergeConfig) -> BudgetSplit:
    """Salient and context tokens for a clip of this size (A.4)."""
    share = config.retention_ratio * positions
    requested = requested_tokens(frames, positions, config.retention_ratio)
    salient = salient_total(frames, share, config.context_fraction, config.salient_split)
    if config.rounding == "paper" and config.retention_ratio < 1:
        return BudgetSplit(requested, salient, config.context_fraction * share * frames)
    return BudgetSplit(requested, salient, requested - salient)


def uniqueness(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"]
) -> Float[Tensor, "segments"]:
    """u_k: one minus the cosine of a segment's mean token with the clip's mean token (eq. 3 to 5)."""
    means = torch.stack([tokens[start:end].mean(dim=(0, 1)) for start, end in segments.tolist()])
    lengths = (segments[:, 1] - segments[:, 0]).to(tokens.dtype)
    clip = (means * lengths[:, None]).sum(0) / lengths.sum()
    return 1 - cosine(means, clip.expand_as(means))


def energy_spectrum(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, "rank"]:
    """pi_j: share of the tokens' energy along each singular direction, largest first, summing to 1 (eq. 6).

    Not centred. rank = min(tokens, channels). All zeros for tokens that are all zero.
    """
    # The eigenvalues of the smaller Gram matrix are the squared singular values. In float32 their noise, times the
    # logarithm of the entropy, would exceed 1e-5 at a few hundred channels.
    tokens = tokens.double()
    gram = tokens.mT @ tokens if tokens.shape[0] > tokens.shape[1] else tokens @ tokens.mT
    energy = torch.linalg.eigvalsh(gram).flip(0).clamp(min=0)
    total = energy.sum()
    return energy / torch.where(total > 0, total, 1)


def spectral_entropy(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, ""]:
    """Entropy of the energy spectrum over log rank, from 0 (one direction) to 1 (all alike) (eq. 7); 0 at rank 1."""
    energy = energy_spectrum(tokens)
    if len(energy) == 1:
        return energy.new_zeros(())
    return -torch.special.xlogy(energy, energy).sum() / math.log(len(energy))


def richness(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"]
) -> Float[Tensor, "segments"]:
    """e_k: normalised spectral entropy of each segment's tokens (eq. 6 and 7)."""
    return torch.stack([spectral_entropy(tokens[start:end].flatten(0, 1)) for start, end in segments.tolist()])


def standardize(values: Float[Tensor, "segments"]) -> Float[Tensor, "segments"]:
    """z-score over the segments, by the population's deviation; zeros where all values are (nearly) equal."""
    deviation = values.std(correction=0)
    return torch.where(deviation < 1e-8, 0, (values - values.mean()) / deviation)


def content_weight(
    uniqueness: Float[Tensor, "segments"],
    richness: Float[Tensor, "segments"],
    lengths: Int[Tensor, "segments"],
    uniqueness_weight: float,
    richness_weight: float,
    temperature: float,
) -> Float[Tensor, "segments"]:
    """w_k = sigmoid(tau m_k) |V_k|, with m_k = alpha z(u_k) + beta z(e_k) (eq. 8).

    u_k is `uniqueness` (eq. 5), e_k `richness` (eq. 7), |V_k| `lengths`; alpha is `uniqueness_weight`, beta
    `richness_weight` and tau `temperature`.
    """
    mixed = uniqueness_weight * standardize(uniqueness) + richness_weight * standardize(richness)
    return torch.sigmoid(temperature * mixed) * lengths


def allocate(
    weight: Float[Tensor, "segments"], total: float, capacity: Int[Tensor, "segments"], rounding: Rounding
) -> Int[Tensor, "segments"]:
    """B_k: `total` context tokens shared among the segments in proportion to their weight (eq. 9).

    rounding "exact": whole tokens that add up to `total`, by largest remainder, one per segment at least while there
    are enough, never above a capacity. "paper": max(1, round(.)) for each segment alone (eq. 21), so that the
    sum may differ from `total`; only the capacity bounds it. A total that is all that there is room for goes to all.
    """
    if total == int(capacity.sum()):
        return capacity.clone()
    weights = weight.cpu().double()
    quotas = rounded(total * weights / weights.sum()).tolist()
    most = capacity.tolist()
    if rounding == "paper":
        budget = [min(max(1, math.floor(quota + 0.5)), top) for quota, top in zip(quotas, most, strict=True)]
    else:
        budget = _largest_remainder(quotas, int(total), most)
    return torch.tensor(budget, device=capacity.device)


def _largest_remainder(quotas: list[float], total: int, capacity: list[int]) -> list[int]:
    budget = [min(max(1, math.floor(quota)), most) for quota, most in zip(quotas, capacity, strict=True)]

    def remainder(k: int) -> float:
        return round(quotas[k] - budget[k], 6)

    given = sum(budget)
    wanting = [(-remainder(k), k) for k in range(len(budget)) if budget[k] < capacity[k]]
    heapq.heapify(wanting)
    for _ in range(total - given):
        _, k = heapq.heappop(wanting)
        budget[k] += 1
        if budget[k] < capacity[k]:
            heapq.heappush(wanting, (-remainder(k), k))

    # Too many were given only where segments were raised to one token. No segment goes below one before all are there.
    for least in (1, 0):
        giving = [(remainder(k), k) for k in range(len(budget)) if budget[k] > least]
        heapq.heapify(giving)
        while giving and sum(budget) > total:
            _, k = heapq.heappop(giving)
            budget[k] -= 1
            if budget[k] > least:
                heapq.heappush(giving, (remainder(k), k))
    return budget
