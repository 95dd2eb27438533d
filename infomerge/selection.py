"""Attention-based token selection with a temporal penalty, ATS (section 3.4, A.7): the salient tokens.

Taught in notebook 05.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.config import SalientSplit
from infomerge.numerics import ranks, share_evenly
from infomerge.segmentation import segment_of_frame


class Selection(NamedTuple):
    """What ATS decides about every token of the clip."""

    salient: Bool[Tensor, "frames positions"]
    """The T_s tokens that each frame keeps, or as many as it was given."""
    penalized: Float[Tensor, "frames positions"]
    """Saliency after the penalty of eq. 10: what the choice was made by."""
    replaced: Bool[Tensor, "frames positions"]
    """Static positions that this or an earlier frame of the segment kept: P of eq. 11, which eq. 30 replaces."""


def frame_distinctness(tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "frames positions"]:
    """Saliency for encoders that offer none: each token's Euclidean distance from its frame's mean token.

    In float32, so that the last bits of a float64 mean do not decide between tokens that are equally far.
    """
    return torch.linalg.vector_norm(tokens - tokens.mean(dim=1, keepdim=True), dim=-1).float()


def salient_counts(
    saliency: Float[Tensor, "frames positions"], total: int, split: SalientSplit
) -> Int[Tensor, "frames"]:
    """Salient tokens of each frame: the total shared evenly, or under "clip" by where the most salient tokens are.

    Of equally salient tokens the one of the lower index counts first.
    """
    if split == "clip":
        most = ranks(saliency.flatten()[None], descending=True).view_as(saliency) < total
        return most.sum(dim=1)
    return share_evenly(total, len(saliency), saliency.device)


def most_salient(
    saliency: Float[Tensor, "frames positions"], counts: Int[Tensor, "frames"]
) -> Bool[Tensor, "frames positions"]:
    """As many of the most salient tokens of each frame; equal saliency: the lower position first."""
    return ranks(saliency, descending=True) < counts[:, None]


def select_salient(
    saliency: Float[Tensor, "frames positions"],
    static: Bool[Tensor, "segments positions"],
    segments: Int[Tensor, "segments 2"],
    count: int | Int[Tensor, "frames"],
    penalty: float,
) -> Selection:
    """The `count` most salient tokens of every frame, once-kept static positions handicapped (eq. 10 and 11).

    Frame after frame of a segment, a static position that an earlier frame kept loses `penalty` standard deviations
    of the frame's saliency. Equal saliency: the lower position first. `count` is T_s, or a number for each frame.
    """
    handicap = penalty * saliency.std(dim=1, correction=0, keepdim=True)
    salient = torch.zeros_like(saliency, dtype=torch.bool)
    replaced = torch.zeros_like(salient)
    penalized = saliency.clone()
    counts = torch.as_tensor(count, device=saliency.device).expand(len(saliency))
    kept = torch.zeros_like(static)
    starts, lengths = segments[:, 0], segments[:, 1] - segments[:, 0]
    # The penalty runs from frame to frame within a segment only: the n-th frames of all segments go together.
    for n in range(int(lengths.max())):
        current = (lengths > n).nonzero().squeeze(1)
        frames = starts[current] + n
        scores = saliency[frames] - handicap[frames] * kept[current]
        chosen = ranks(scores, descending=True) < counts[frames, None]
        kept[current] |= chosen & static[current]
        penalized[frames] = scores
        salient[frames] = chosen
        replaced[frames] = kept[current]
    return Selection(salient, penalized, replaced)


def replace_static(
    tokens: Float[Tensor, "frames positions channels"],
    replaced: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
) -> Float[Tensor, "frames positions channels"]:
    """A copy of the tokens in which `replaced` ones hold their position's mean over the segment (eq. 29 and 30)."""
    out = tokens.clone()
    segment = segment_of_frame(segments)
    means = torch.stack([tokens[start:end].mean(dim=0) for start, end in segments.tolist()])
    frame, position = replaced.nonzero(as_tuple=True)
    out[frame, position] = means[segment[frame], position]
    return out
