"""The sample clips that figures are drawn from."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from infomerge.compression import Compression, compress
from infomerge.config import InfoMergeConfig
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.video import Clip, sample_clip


# Figures of one clip follow each other; the frames and tokens of more than one would be held for nothing.
@lru_cache(maxsize=1)
def encoded(name: str) -> tuple[Clip, Encoding]:
    """A sample clip and its tokens; the last one that was asked for is kept."""
    clip = sample_clip(name)
    return clip, EfficientNetEncoder()(clip.frames)


def compressed(encoding: Encoding, config: InfoMergeConfig) -> Compression:
    """A clip's tokens, compressed with all that its encoder tells."""
    return compress(encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features)


def true_cuts(clip: Clip) -> list[int]:
    """The sampled frames after which a clip is known to cut."""
    return [] if clip.truth is None else clip.truth.cut_after(clip.timestamps).tolist()


def middle_frames(cuts: list[int], frames: int, most: int) -> list[int]:
    """The middle frame of each scene between true cuts, in order; of the longest scenes where there are more.

    Args:
        cuts: the sampled frames after which the clip cuts, ascending.
        frames: how many frames were sampled.
        most: how many scenes to take at most.
    """
    bounds: Int64[np.ndarray, "bounds"] = np.array([0, *(cut + 1 for cut in cuts), frames])
    lengths = np.diff(bounds)
    longest = np.sort(np.argsort(-lengths, kind="stable")[:most])
    return [int(bounds[scene] + lengths[scene] // 2) for scene in longest]
