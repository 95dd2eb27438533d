"""The sample clips that figures are drawn from, and which of their frames are shown."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from infomerge.encoded_clip import EncodedClip


# Figures of one clip follow each other; the frames and tokens of more than one would be held for nothing.
@lru_cache(maxsize=1)
def encoded(name: str) -> EncodedClip:
    """A sample clip and its tokens; the last one that was asked for is kept."""
    return EncodedClip.read(name)


def fullest_frames(cuts: Sequence[int], kept: Int[np.ndarray, "frames"], most: int) -> list[int]:
    """Of each of the longest scenes the frame of which most tokens are kept, in order of time.

    Args:
        cuts: the sampled frames after which the clip cuts, ascending.
        kept: kept tokens of each frame.
        most: how many scenes to take at most.
    """
    bounds = [0, *(cut + 1 for cut in cuts), len(kept)]
    lengths = np.diff(bounds)
    longest = np.sort(np.argsort(-lengths, kind="stable")[:most])
    return [bounds[scene] + int(kept[bounds[scene] : bounds[scene + 1]].argmax()) for scene in longest]
