"""Reading with decord, only where the packets prove that it will show the right frames.

decord seeks to keyframes and counts packets. That goes wrong, without a word, wherever a frame after a keyframe needs
one from before it (open GOP), wherever packets are not meant to be shown (edit lists), and wherever the container
cannot seek to a frame (MPEG-TS). In any doubt PyAV decodes the file in order.
"""

from collections.abc import Sequence

import numpy as np

from infomerge.video.sampled import Sampled, sample_indices
from infomerge.video.side_data import display_matrix
from infomerge.video.survey import PacketFacts, Survey

_SAFE_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}

# The unit types of a picture that resets the decoder (IDR), and of units that may stand beside it. Parameter sets are
# not among them, because they could change the size of the pictures halfway.
_IDR_TYPES = {"h264": {5}, "hevc": {19, 20}}
_HARMLESS_TYPES = {"h264": {6, 9, 12}, "hevc": {35, 38, 39, 40}}


class DecordRefusedError(Exception):
    """Why decord cannot be trusted with a file, in a few words."""


def read_with_decord(found: Survey, num_frames: int) -> Sampled:
    """The frames that `sample_indices` takes.

    Raises:
        DecordRefusedError: decord is missing, fails, or is not certain to be right.
    """
    _check_stream(found)
    _check_packets(found.packets, found.codec)
    times = sorted(packet.pts for packet in found.packets if packet.pts is not None)
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
    frame = found.first_frame
    if found.container not in _SAFE_CONTAINERS:
        raise DecordRefusedError(f"container {found.container}")
    if found.codec not in _IDR_TYPES or found.pix_fmt != "yuv420p":
        raise DecordRefusedError(f"codec {found.codec} with pixel format {found.pix_fmt}")
    if found.video_streams != 1:
        raise DecordRefusedError("more than one video stream")
    if found.ends_early or any(packet.is_corrupt for packet in found.packets):
        raise DecordRefusedError("truncated or damaged")
    if frame is None or frame.interlaced_frame:
        raise DecordRefusedError("interlaced, or without a first frame")
    if display_matrix(frame) is not None:
        raise DecordRefusedError("display rotation")
    if any(packet.is_discard for packet in found.packets) or found.declared_frames not in (0, len(found.packets)):
        raise DecordRefusedError("edit list")


def _check_packets(packets: Sequence[PacketFacts], codec: str) -> None:
    times = [packet.pts for packet in packets if packet.pts is not None]
    if len(set(times)) != len(packets) or min(times, default=None) != 0 or times[0] != 0:
        raise DecordRefusedError("timestamps are missing, repeated or do not start at zero")
    if any(packet.nal_types is None or packet.has_new_header for packet in packets):
        raise DecordRefusedError("pictures are damaged or change their format")
    latest = group_start = -1
    for packet, time in zip(packets, times, strict=True):
        if packet.is_keyframe and not _is_plain_idr(packet, codec):
            raise DecordRefusedError("keyframes that do not reset the decoder (open GOP or gradual refresh)")
        if time <= (latest if packet.is_keyframe else group_start):
            raise DecordRefusedError("frames shown before the keyframe that precedes them (open GOP)")
        latest = max(latest, time)
        group_start = time if packet.is_keyframe else group_start


def _is_plain_idr(packet: PacketFacts, codec: str) -> bool:
    types = set(packet.nal_types or ())
    return bool(types & _IDR_TYPES[codec]) and types <= _IDR_TYPES[codec] | _HARMLESS_TYPES[codec]


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
