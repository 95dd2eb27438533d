"""OmniSelect (arXiv 2605.18041), its visual half: in every four frames, tokens that resemble the others go first."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.budget import allocate
from infomerge.methods.options import is_number
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.numerics import ranks, rounded, unit

FRAMES = 4
"""Frames of a time group."""

ROUNDS = 5
"""Corrections, at most, that bring the pruning rates to the total."""


def check_omniselect(relevance: object = None) -> None:
    """Refuse a relevance that is no row of finite numbers."""
    if relevance is None:
        return
    if not isinstance(relevance, Sequence) or isinstance(relevance, str) or not all(map(is_number, relevance)):
        raise TypeError(f"relevance: got {type(relevance).__name__}; expected a list of numbers, one a frame, or None")
    if not torch.isfinite(torch.tensor(relevance, dtype=torch.float64, device="cpu")).all():
        raise ValueError("relevance: got numbers that are NaN or infinite; expected finite numbers, one a frame")


@owning_method(
    "omniselect",
    "OmniSelect, visual half",
    "in every four frames the tokens least like the others; relevance=[...] moves the budget between the groups",
    "Yang et al., OmniSelect, arXiv 2605.18041; code: Apache-2.0 by its README",
    "The visual half alone: there is no audio, no question and no AudioCLIP. Without `relevance` all groups are pruned "
    "at one rate, as the source does where the question favors neither modality; with it, by the rule for the modality "
    "that leads.",
    "Groups share the exact count by largest remainder, at least one token each while there are enough; the published "
    "code rounds every group's count down, and keeps one at least.",
    "All tokens of a group are compared; a slice of the published code loses the last one.",
    ROUNDED,
    check=check_omniselect,
)
def omniselect(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    relevance: Sequence[float] | None = None,
) -> Ownership:
    """Of every group of four frames, keep the tokens whose mean cosine with the group's tokens is smallest.

    Every group has a pruning rate p; it keeps (1 - p) of its tokens, in whole numbers that add up to the exact count.

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep.
        relevance: how much each frame has to do with what is asked, higher is more: in the source the mean scaled
            cosine of AudioCLIP's embeddings of the frame and of the question's nouns and adjectives. Groups of more
            relevant frames are pruned less. Without it, all alike.

    Raises:
        ValueError: `relevance` has not one number for each frame.
    """
    frames, positions, _ = features.shape
    if relevance is not None and len(relevance) != frames:
        raise ValueError(f"relevance: got {len(relevance)} numbers; expected one for each of the {frames} frames")
    starts = torch.arange(0, frames, FRAMES, device="cpu")
    segments = torch.stack([starts, (starts + FRAMES).clamp(max=frames)], dim=1)
    sizes = (segments[:, 1] - segments[:, 0]) * positions
    weights = sizes.double()
    if relevance is not None:
        pooled = torch.tensor(relevance, dtype=torch.float64, device="cpu").split(FRAMES)
        rates = pruning_rates(torch.stack([part.mean() for part in pooled]), sizes, frames * positions - requested)
        weights = (1 - rates) * sizes
    counts = allocate(weights, requested, sizes, "exact")
    kept = []
    for (start, end), count in zip(segments.tolist(), counts.tolist(), strict=True):
        directions = unit(features[start:end]).flatten(0, 1)
        # The mean of the cosines with all tokens is the cosine with their mean.
        likeness = rounded(directions @ directions.mean(dim=0))
        kept.append(ranks(likeness[None]).view(end - start, positions) < count)
    return prune(features, torch.cat(kept))._replace(segments=segments.to(features.device))


def pruning_rates(
    relevance: Float[Tensor, "groups"], sizes: Int[Tensor, "groups"], pruned: int
) -> Float[Tensor, "groups"]:
    """p: the share of each group's tokens that goes, so that `pruned` go in all as far as rates from 0 to 1 allow.

    p is sigmoid(-z) of the relevance's z-scores, scaled to the total, clamped, and corrected by equal steps for all
    groups that are strictly inside.
    """
    spread = relevance.std() if len(relevance) > 1 else relevance.new_zeros(())
    if spread < 1e-8:
        return torch.full_like(relevance, pruned / int(sizes.sum()))
    rates = torch.sigmoid((relevance.mean() - relevance) / spread)
    rates = (rates * pruned / (rates * sizes).sum()).clamp(0, 1)
    for _ in range(ROUNDS):
        inside = (rates > 0) & (rates < 1)
        missing = pruned - float((rates * sizes).sum())
        if abs(missing) < 1e-3 or not inside.any():
            break
        rates = torch.where(inside, rates + missing / sizes[inside].sum(), rates).clamp(0, 1)
    return rates
