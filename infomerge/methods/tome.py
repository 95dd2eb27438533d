"""Token Merging, ToMe (arXiv 2210.09461), across space and time: bipartite soft matching, round after round."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, most_similar
from infomerge.numerics import group_means, unit


@owning_method(
    "tome",
    "ToMe",
    "bipartite soft matching of tokens across space and time, repeated until the count is reached",
    "Bolya et al., Token Merging, arXiv 2210.09461",
    "Runs once on the encoder's output, not a little in every block.",
    "Matches the tokens, not the attention keys.",
    "A round merges half of set A at most, so that it is the similar half.",
    "The sets alternate within a frame, and from frame to frame in which comes first.",
    "No later attention is weighed by the tokens' sizes.",
    "Tokens keep their order from round to round; the published code puts what is left of set A "
    "before set B after each.",
    ROUNDED,
)
def tome(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """Alternate tokens form the sets A and B; the tokens of A most similar to any of B merge into it; then again.

    A merged token is the mean of all original tokens in it, which is the source's average weighted by size.

    Departs from its source: it runs once, on the encoder's output, not a little in every block, and matches the tokens
    themselves, not the attention keys. A round merges half of A at most (a quarter of the tokens), the source all of
    it at most; the last round only what is left to merge. Within a frame the sets alternate in row-major order, and
    frames take turns in which set comes first, so that neighbours in time are in different sets, as those in space
    are. There is no [CLS] token to protect, and no later attention to weigh by size.
    """
    _, positions, _ = features.shape
    flat = features.flatten(0, 1)
    owner = torch.arange(len(flat), device=features.device)
    left = owner
    while len(left) > requested:
        group = torch.searchsorted(left, owner)
        directions = unit(group_means(flat, group, len(left)))
        in_b = _alternate(left // positions)
        a, b = (~in_b).nonzero().squeeze(1), in_b.nonzero().squeeze(1)
        similarity, partner = most_similar(directions, a, b)
        count = min(len(left) - requested, max(1, len(a) // 2))
        merging = torch.sort(similarity, descending=True, stable=True).indices[:count]
        goes_to = torch.arange(len(left), device=features.device)
        goes_to[a[merging]] = partner[merging]
        owner = left[goes_to[group]]
        left = left[goes_to == torch.arange(len(left), device=features.device)]
    return Ownership(owner, torch.bincount(owner, minlength=len(flat)) > 1)


def _alternate(frame: Int[Tensor, "tokens"]) -> Bool[Tensor, "tokens"]:
    """Which tokens are in set B, given the frame of each, ascending: every second one, from frame to frame shifted."""
    _, turn, sizes = torch.unique_consecutive(frame, return_inverse=True, return_counts=True)
    first = sizes.cumsum(0) - sizes
    place = torch.arange(len(frame), device=frame.device) - first[turn]
    return (place + turn) % 2 == 1
