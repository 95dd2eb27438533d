"""Dynamic temporal segmentation, DySeg (section 3.1, A.5): where the clip is cut into segments.

Taught in notebook 03.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.numerics import cosine, rounded

UNUSUAL = 4
"""How many times the clip's median change a cut is, where cuts are adaptive."""


def transition_similarity(frame_features: Float[Tensor, "frames features"]) -> Float[Tensor, "frames-1"]:
    """Cosine similarity t_l of every frame's global feature with the next frame's (eq. 22)."""
    return cosine(frame_features[:-1], frame_features[1:])


def find_segments(
    transition: Float[Tensor, "transitions"], min_segments: int, threshold: float
) -> Int[Tensor, "segments 2"]:
    """Contiguous segments as rows (start, end), the end exclusive (eq. 23).

    The clip is cut at its `min_segments` - 1 least similar transitions, the earlier first among equals, and at every
    transition below `threshold`. With `min_segments` above the number of frames every frame is a segment.
    """
    compared = rounded(transition)
    cut = compared < threshold
    cut[torch.argsort(compared, stable=True)[: min_segments - 1]] = True
    boundaries = (cut.nonzero().squeeze(1) + 1).tolist()
    edges = torch.tensor([0, *boundaries, len(transition) + 1], device=transition.device)
    return torch.stack((edges[:-1], edges[1:]), dim=1)


def adaptive_threshold(transition: Float[Tensor, "transitions"], threshold: float) -> float:
    """A threshold that a clip sets itself: tau = min(tau_seg, 1 - 4 median_l(1 - t_l)); of two medians the larger t.

    A cut is then at least four times as large a change as is usual in the clip, and as large as `threshold` asks for.
    """
    if len(transition) == 0:
        return threshold
    usual = float((1 - transition).median())
    return min(threshold, 1 - UNUSUAL * usual)


def segment_of_frame(segments: Int[Tensor, "segments 2"]) -> Int[Tensor, "frames"]:
    """The number of the segment that each frame lies in."""
    numbers = torch.arange(len(segments), device=segments.device)
    return numbers.repeat_interleave(segments[:, 1] - segments[:, 0])


def segment_lengths(segments: Int[Tensor, "segments 2"]) -> Int[Tensor, "segments"]:
    """|V_k|, frames of each segment."""
    return segments[:, 1] - segments[:, 0]


def frame_edges(
    timestamps: Float[np.ndarray, "frames"], duration: float | None = None
) -> Float[np.ndarray, "frames+1"]:
    """Where each sampled frame's stretch of time begins and ends: half-way to its neighbours, in seconds.

    Args:
        timestamps: of the frames.
        duration: of the clip, where it is known: no stretch reaches beyond its ends.
    """
    if len(timestamps) == 1:
        return timestamps[0] + np.array([-0.5, 0.5])
    middles = (timestamps[1:] + timestamps[:-1]) / 2
    first = timestamps[0] - (middles[0] - timestamps[0])
    last = timestamps[-1] + (timestamps[-1] - middles[-1])
    if duration is not None:
        first = max(first, min(0.0, timestamps[0]))
        last = min(last, max(duration, timestamps[-1]))
    return np.concatenate([[first], middles, [last]])


def segment_edges(
    bounds: Sequence[tuple[int, int]], edges: Float[np.ndarray, "frame_edges"]
) -> Float[np.ndarray, "segment_edges"]:
    """Where segments begin and end in time, one number more than there are segments.

    Args:
        bounds: first frame and frame after the last of each segment, without gaps, as traces and plans have them.
        edges: the frames' own, by `frame_edges`.
    """
    return edges[[start for start, _ in bounds] + [bounds[-1][1]]]
