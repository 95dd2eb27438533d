"""Encoding frames with H.264 and decoding them, on one thread, so that the same frames give the same bytes."""

import os
from fractions import Fraction
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infomerge.extras import needs

with needs("video"):
    import av
    from av.video.frame import VideoFrame

# No choice of algorithm by processor either.
_X264 = "threads=1:open-gop=0:cpu-independent=1"


def save_clip(
    frames: UInt8[np.ndarray, "frames height width 3"],
    path: Path | str,
    frame_rate: int = 8,
    crf: float = 10.0,
    *,
    force: bool = False,
) -> Path:
    """Write frames as an H.264 file in mp4, complete or not at all.

    Where height and width are even, colour is stored at half the resolution (yuv420p), which every player shows;
    otherwise at full resolution (yuv444p).

    Args:
        frames: RGB.
        path: where to; its folder must exist.
        frame_rate: frames a second.
        crf: x264's constant rate factor: 0 is nearly lossless, 51 the coarsest.
        force: replace the file if there is one.

    Returns:
        The path.

    Raises:
        TypeError: `frames` is not a uint8 array [frames, height, width, 3].
        FileExistsError: there is a file and `force` is False.
        OSError: the folder does not exist or cannot be written.
    """
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8 or frames.shape[3:] != (3,) or not frames.size:
        found = f"{frames.dtype} {list(frames.shape)}" if isinstance(frames, np.ndarray) else type(frames).__name__
        raise TypeError(f"frames: got {found}; expected a uint8 array [frames, height, width, 3]")
    path = Path(path)
    if path.exists() and not force:
        raise FileExistsError(f"'{path}' exists; choose another path, or pass force=True to replace it")
    even = frames.shape[1] % 2 == frames.shape[2] % 2 == 0
    # Not made by tempfile, so that the file gets the permissions that any new file gets.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("x+b") as file:
            encode(frames, file, frame_rate, crf, "yuv420p" if even else "yuv444p")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def encode(
    frames: UInt8[np.ndarray, "frames height width 3"],
    file: BufferedIOBase,
    frame_rate: int,
    crf: float,
    pix_fmt: str = "yuv420p",
) -> None:
    """Write frames to an open file that can be searched; yuv420p takes only an even height and width."""
    rate = Fraction(frame_rate)
    options = {"preset": "veryfast", "crf": f"{crf:g}", "x264-params": _X264}
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for number, picture in enumerate(frames):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(file: BufferedIOBase) -> UInt8[np.ndarray, "frames height width 3"]:
    """Every frame of an open file, in the order in which they are shown."""
    with av.open(file, "r") as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
