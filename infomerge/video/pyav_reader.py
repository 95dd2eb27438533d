"""Reading with PyAV from beginning to end, which is right for every file that FFmpeg can decode."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from jaxtyping import Int64

from infomerge.extras import needs
from infomerge.video.clock import Clock, ascending
from infomerge.video.orientation import AS_STORED, Orientation, orientation_of
from infomerge.video.progress import progress
from infomerge.video.sampled import Gathered, Sampled, sample_indices
from infomerge.video.side_data import display_matrix
from infomerge.video.source import AnyPacket, demux_to_end, open_video, start_decoder, unreadable
from infomerge.video.survey import Survey

with needs("video"):
    import av.error
    from av.codec.context import CodecContext
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# One that foretells another number of frames, one that fails, one that finds it, one that reads them; and one to spare.
_MOST_PASSES = 5


@dataclass
class _Pass:
    """What one pass over a file gathers: the wanted frames and, of all others, only their times."""

    frames: Gathered
    times: list[int | None] = field(default_factory=list)
    orientation: Orientation = AS_STORED


class _DamagedError(Exception):
    """A frame was decoded by making up a part of it."""


def read_in_order(found: Survey, num_frames: int) -> Sampled:
    """The frames that `sample_indices` takes, holding no others in memory.

    The number of frames is known only at the end. Packets foretell it nearly always; where they do not, the file is
    decoded once more. After an error it is decoded again, leaving out what cannot be decoded.

    Raises:
        UnreadableClipError: not one frame can be decoded.
    """
    tolerant, threads, count = found.ends_early, True, found.expected_frames
    for _ in range(_MOST_PASSES):
        indices = sample_indices(count, num_frames)
        try:
            result = _decode(found, set(indices.tolist()), tolerant, threads)
        except (av.error.FFmpegError, _DamagedError):
            tolerant = True
            continue
        if not result.times:
            raise unreadable(found.path, "not one frame of it can be decoded")
        if len(result.times) == count:
            return _sampled(found, result, indices, damaged=tolerant)
        count, threads = len(result.times), False
    raise unreadable(found.path, "it decodes differently each time")


def _sampled(found: Survey, result: _Pass, indices: Int64[np.ndarray, "frames"], damaged: bool) -> Sampled:
    times = ascending(result.times, found.ticks_per_frame, [packet.dts for packet in found.packets])
    return Sampled(
        indices=indices,
        frames=result.frames.frames,
        times=tuple(times[i] for i in indices),
        first_time=times[0],
        last_time=times[-1],
        frame_count=len(times),
        orientation=result.orientation,
        damaged=damaged,
    )


def _decode(found: Survey, wanted: set[int], tolerant: bool, threads: bool) -> _Pass:
    result = _Pass(Gathered(found.path, len(wanted)))
    bar = progress(found.path.stem, found.expected_frames, "frame")
    with open_video(found.path) as (container, stream), bar:
        for number, frame in enumerate(_shown_frames(container, stream, found, tolerant, threads)):
            if frame.is_corrupt:
                raise _DamagedError
            if number == 0:
                width, height = frame.width, frame.height
                result.frames.check(width, height)
                result.orientation = orientation_of(display_matrix(frame))
            if number in wanted:
                image = frame.to_ndarray(format="rgb24", width=width, height=height)
                result.frames.add(result.orientation.upright(image))
            result.times.append(frame.pts)
            bar.update()
    return result


def _shown_frames(
    container: InputContainer, stream: VideoStream, found: Survey, tolerant: bool, threads: bool
) -> Iterator[VideoFrame]:
    # In one thread, an error comes with the packet that causes it and takes no other frame with it.
    start_decoder(stream, strict=not tolerant, threads=threads)
    decode = partial(_intact_frames, stream) if tolerant else partial(_all_frames, stream)
    packets = _until_error(container, stream) if tolerant else demux_to_end(container, stream)
    clock = Clock(container, stream)
    last = len(found.packets) - 1
    for number, packet in enumerate(packet for packet in packets if packet.size):
        clock.correct(packet)
        if number < last or number == 0 or not found.last_is_partial:
            yield from decode(packet)
    yield from decode(None)


def _until_error(container: InputContainer, stream: VideoStream) -> Iterator[AnyPacket]:
    try:
        yield from demux_to_end(container, stream)
    except av.error.FFmpegError:
        return


def _all_frames(stream: VideoStream, packet: AnyPacket | None) -> list[VideoFrame]:
    frames = stream.decode(packet)
    if packet is not None and not all(_is_whole(stream, packet, frame) for frame in frames):
        raise _DamagedError
    return frames


def _is_whole(stream: VideoStream, packet: AnyPacket, frame: VideoFrame) -> bool:
    """Whether a photograph owes nothing to what lay in memory where its data has a hole: a new decoder tells."""
    if stream.codec_context.codec.canonical_name != "mjpeg":
        return True
    alone = CodecContext.create("mjpeg", "r")
    alone.extradata = stream.codec_context.extradata
    again: list[VideoFrame] = alone.decode(packet)
    return len(again) == 1 and np.array_equal(again[0].to_ndarray(format="rgb24"), frame.to_ndarray(format="rgb24"))


def _intact_frames(stream: VideoStream, packet: AnyPacket | None) -> list[VideoFrame]:
    """The frames that can be decoded without making up a part of them."""
    try:
        frames = [frame for frame in stream.decode(packet) if not frame.is_corrupt]
        return [frame for frame in frames if packet is None or _is_whole(stream, packet, frame)]
    except av.error.FFmpegError:
        return []
