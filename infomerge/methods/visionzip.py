"""VisionZip (arXiv 2412.04467): the dominant tokens of every frame, and contextual ones merged from the rest."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, own_by_similarity
from infomerge.methods.spacing import share_evenly
from infomerge.numerics import ranks

DOMINANT, CONTEXTUAL = 54, 10
"""Dominant and contextual tokens in the source's setting of 64 tokens an image; other counts keep this proportion."""


@owning_method(
    "visionzip",
    "VisionZip",
    "each frame's dominant tokens by saliency, and contextual ones merged from the rest, 54 to 10",
    "Yang et al., VisionZip, arXiv 2412.04467",
    "Similarity is that of the tokens, not of the attention keys.",
    "A contextual token becomes the plain mean of itself and what it takes in; the published code adds that "
    "mean to it.",
    "All 54 dominant tokens are patches; the published 54 count [CLS].",
    "The clip's tokens are shared evenly among its frames, so that the count is exact.",
    "A frame of fewer than four kept tokens has dominant ones only, which own the rest unmerged.",
    ROUNDED,
)
def visionzip(
    features: Float[Tensor, "frames positions channels"], saliency: Float[Tensor, "frames positions"], requested: int
) -> Ownership:
    """Frame by frame: the most salient tokens stay; of the others, some at a uniform stride take in all the rest.

    Each of the rest goes to its most similar contextual token, which becomes the mean of itself and what it took in.

    Departs from its source: the similarity is that of the tokens, not of the attention keys; the mean weighs the
    contextual token like each that it takes in; the clip's tokens are shared evenly among its frames, so that the
    total is exact. A frame of fewer than four kept tokens has dominant ones only, which own the rest unmerged.
    """
    counts = share_evenly(requested, len(features)).to(features.device)
    dominant = ranks(saliency, descending=True) < (counts[:, None] * DOMINANT + 32) // (DOMINANT + CONTEXTUAL)
    contextual = torch.zeros_like(dominant)
    for frame, count in enumerate((counts - dominant.sum(dim=1)).tolist()):
        if count:
            rest = (~dominant[frame]).nonzero().squeeze(1)
            stride = len(rest) // count
            contextual[frame, rest[: count * stride : stride]] = True
    owners = torch.where(contextual.any(dim=1, keepdim=True), contextual, dominant)
    return Ownership(own_by_similarity(features, dominant | contextual, owners), contextual.flatten())
