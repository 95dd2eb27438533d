"""Which frames are taken, and what a reader hands back."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from infomerge.video.orientation import AS_STORED, Orientation


def sample_indices(frame_count: int, num_frames: int) -> Int64[np.ndarray, "frames"]:
    """Which frames uniform sampling takes: `linspace(0, frame_count - 1, num_frames)` rounded down.

    That is the convention of LLaVA-OneVision and lmms-eval: the first frame is always among them, and from two frames
    on the last. With no more than `num_frames` frames, each is taken once.
    """
    if frame_count <= num_frames:
        return np.arange(frame_count, dtype=np.int64)
    return np.linspace(0, frame_count - 1, num_frames, dtype=np.int64)


@dataclass(frozen=True)
class Sampled:
    """Upright frames, and what a reader knows of the whole file; times in units of the stream's time base."""

    indices: Int64[np.ndarray, "frames"]
    frames: UInt8[np.ndarray, "frames height width 3"]
    times: tuple[int, ...]
    first_time: int
    last_time: int
    frame_count: int
    orientation: Orientation = AS_STORED
    damaged: bool = False
