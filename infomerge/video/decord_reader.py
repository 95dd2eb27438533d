"""Reading with decord, only where the packets prove that it will show the right frames.

decord seeks to keyframes and counts packets. That goes wrong, without a word, wherever a frame after a keyframe needs
one from before it (open GOP), wherever packets are not meant to be shown (edit lists), and wherever the container
cannot seek to a frame (MPEG-TS). In any doubt PyAV decodes the file in order.
"""

import numpy as np

from infomerge.video.groups import OpenGroupsError, check_stream, closed_groups
from infomerge.video.sampled import Sampled, sample_indices
from infomerge.video.side_data import display_matrix
from infomerge.video.survey import Survey

_SAFE_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}

# The codecs that are read with it.
_CODECS = {"h264", "hevc"}


class DecordRefusedError(Exception):
    """Why decord cannot be trusted with a file, in a few words."""


def read_with_decord(found: Survey, num_frames: int) -> Sampled:
    """The frames that `sample_indices` takes.

    Raises:
        DecordRefusedError: decord is missing, fails, or is not certain to be right.
    """
    _check_stream(found)
    try:
        check_stream(found)
        closed_groups(found.packets, found.codec)
    except OpenGroupsError as error:
        raise DecordRefusedError(str(error)) from error
    times = sorted(packet.pts for packet in found.packets if packet.pts is not None)
    if times[0] != 0 or found.packets[0].pts != 0:
        raise DecordRefusedError("timestamps do not start at zero")
    indices = sample_indices(len(times), num_frames)
    frames, seconds = _decode(found, indices.tolist())
    sampled = Sampled(
        indices=indices,
        frames=frames,
        times=tuple(times[i] for i in indices),
        first_time=times[0],
        last_time=times[-1],
        frame_count=len(times),
    )
    if not np.allclose(seconds, np.array(sampled.times) * float(found.time_base), rtol=1e-5, atol=1e-3):
        raise DecordRefusedError("its timestamps differ from the file's")
    # Its FFmpeg is old and may convert unusual colours differently; one frame, decoded by both, tells.
    if found.first_frame is None or not np.array_equal(frames[0], found.first_frame.to_ndarray(format="rgb24")):
        raise DecordRefusedError("its first frame differs from PyAV's")
    return sampled


def _check_stream(found: Survey) -> None:
    if found.container not in _SAFE_CONTAINERS:
        raise DecordRefusedError(f"container {found.container}")
    if found.codec not in _CODECS or found.pix_fmt != "yuv420p":
        raise DecordRefusedError(f"codec {found.codec} with pixel format {found.pix_fmt}")
    if found.video_streams != 1:
        raise DecordRefusedError("more than one video stream")
    if found.first_frame is not None and display_matrix(found.first_frame) is not None:
        raise DecordRefusedError("display rotation")


def _decode(found: Survey, indices: list[int]) -> tuple[np.ndarray, np.ndarray]:
    try:
        import decord  # Here, because it is slow to import and missing on some platforms.
    except (ImportError, OSError):
        raise DecordRefusedError("decord is not installed") from None
    try:
        video = decord.VideoReader(str(found.path.absolute()))
        if len(video) != found.expected_frames:
            raise DecordRefusedError(f"it counts {len(video)} frames instead of {found.expected_frames}")
        return video.get_batch(indices).asnumpy(), video.get_frame_timestamp(indices)[:, 0]
    except (RuntimeError, UnicodeEncodeError, decord.DECORDError) as error:
        raise DecordRefusedError("it failed to decode the file") from error
