"""What a clip is: sampled frames, their times, and where they came from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from infomerge.video.truth import GroundTruth


class UnreadableClipError(ValueError):
    """The file holds no picture that can be decoded; the message names it, what was found and what is accepted."""


class TruncatedClipWarning(UserWarning):
    """The file ends early or is damaged; the frames returned are those that could be decoded."""


@dataclass(frozen=True)
class ClipMetadata:
    """Facts about the source of a `Clip`.

    Attributes:
        name: the sample's name, or the file's name without its extension.
        path: the file.
        width, height: of a frame as displayed, in stored pixels (non-square pixels are not stretched).
        frame_count: frames that the file shows from beginning to end.
        frame_rate: frames per second as the file declares it, an average where the rate varies; 0 if unknown.
        duration: seconds from the start of the first shown frame to the end of the last.
        codec, container: FFmpeg's names, such as "h264" and "matroska,webm".
        rotation: degrees clockwise (0, 90, 180 or 270) by which the stored frames were turned to stand upright.
        reader: "pyav", or "decord" where it was asked for.
        truncated: whether the file ends early or is damaged.
        frame_indices: for each sampled frame its place among the shown frames, ascending.
        stream: which of the file's streams was read, counted from 0: the one that ffmpeg shows.
        video_streams: how many streams of the file hold pictures, covers and posters included.
    """

    name: str
    path: Path
    width: int
    height: int
    frame_count: int
    frame_rate: float
    duration: float
    codec: str
    container: str
    rotation: int
    reader: str
    truncated: bool
    frame_indices: tuple[int, ...]
    stream: int = 0
    video_streams: int = 1
    fallback_reason: str | None = None
    """Why decord was not used, in clips of earlier versions; PyAV is no longer a second choice."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames sampled from a video.

    Attributes:
        frames: upright RGB images, [frames, height, width, 3], uint8.
        timestamps: when each frame is first shown, [frames], float64, seconds; the file's first shown frame is at 0.
        metadata: where the frames came from.
        truth: the true cuts, shots and still regions, known for the sample clips only.
    """

    frames: UInt8[np.ndarray, "frames height width 3"]
    timestamps: Float64[np.ndarray, "frames"]
    metadata: ClipMetadata
    truth: GroundTruth | None = None
