"""Which frames are taken, and what a reader hands back."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from infomerge.video.clip import UnreadableClipError
from infomerge.video.orientation import AS_STORED, Orientation

MOST_BYTES = 4 * 2**30
"""That the frames of a clip may take: 32 of 8K do. A file of some kilobytes may declare far more."""


def sample_indices(frame_count: int, num_frames: int) -> Int64[np.ndarray, "frames"]:
    """Which frames uniform sampling takes: `linspace(0, frame_count - 1, num_frames)` rounded down.

    That is the convention of LLaVA-OneVision and lmms-eval: the first frame is always among them, and from two frames
    on the last. With no more than `num_frames` frames, each is taken once.
    """
    if frame_count <= num_frames:
        return np.arange(frame_count, dtype=np.int64)
    return np.linspace(0, frame_count - 1, num_frames, dtype=np.int64)


class Gathered:
    """Upright frames in one array, which is made when the first of them tells the size.

    Args:
        path: the file, for the error.
        count: how many frames are to come.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._count, self._number = path, count, 0
        self._frames: UInt8[np.ndarray, "frames height width 3"] | None = None

    def check(self, width: int, height: int) -> None:
        """Raise UnreadableClipError where frames of this size take more than `MOST_BYTES`."""
        if (size := 3 * width * height * self._count) > MOST_BYTES:
            raise UnreadableClipError(
                f"cannot read '{self._path}' as a clip: {self._count} frames of {width} x {height} pixels take "
                f"{size / 2**30:.1f} GiB; expected up to {MOST_BYTES / 2**30:.0f} GiB, so fewer frames"
            )

    def add(self, image: UInt8[np.ndarray, "height width 3"]) -> None:
        """The next frame; those beyond `count` are left out."""
        if self._frames is None:
            self._frames = np.empty((self._count, *image.shape), np.uint8)
        if self._number < self._count:
            self._frames[self._number] = image
        self._number += 1

    @property
    def frames(self) -> UInt8[np.ndarray, "frames height width 3"]:
        """Those that came."""
        assert self._frames is not None
        return self._frames[: self._number]


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
