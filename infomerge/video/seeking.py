"""Reading a sparse sample of a long file: only the groups of pictures that hold a sampled frame are decoded."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from infomerge.extras import needs
from infomerge.video.groups import Group, OpenGroupsError, check_stream, closed_groups
from infomerge.video.orientation import orientation_of
from infomerge.video.progress import progress
from infomerge.video.sampled import Gathered, Sampled, sample_indices
from infomerge.video.side_data import display_matrix
from infomerge.video.source import demux_to_end, open_video, start_decoder
from infomerge.video.survey import Survey

with needs("video"):
    import av.error
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Decoding in order runs on without a pause. Where it decodes less than twice as many frames, it is as fast.
_LARGEST_PART = 0.5


class NotSeekableError(Exception):
    """Why seeking is not certain to give the frames that decoding in order gives, or does not pay."""


@dataclass(frozen=True)
class _Stretch:
    """A group, and the times of the frames that are wanted of it; decoding stops at the packet `stop`."""

    group: Group
    stop: int
    times: frozenset[int]


def read_by_seeking(found: Survey, num_frames: int) -> Sampled:
    """The frames that `sample_indices` takes, bit for bit those of `read_in_order`.

    Raises:
        NotSeekableError: this is not certain, or would not save half of the decoding.
    """
    stretches, times = _plan(found, num_frames)
    indices = sample_indices(len(times), num_frames)
    assert found.first_frame is not None
    width, height = found.first_frame.width, found.first_frame.height
    orientation = orientation_of(display_matrix(found.first_frame))
    images = Gathered(found.path, len(indices))
    images.check(width, height)
    try:
        for frame in _wanted_frames(found, stretches):
            images.add(orientation.upright(frame.to_ndarray(format="rgb24", width=width, height=height)))
    except av.error.FFmpegError as error:
        raise NotSeekableError("a group of pictures cannot be decoded alone") from error
    return Sampled(
        indices=indices,
        frames=images.frames,
        times=tuple(times[i] for i in indices),
        first_time=times[0],
        last_time=times[-1],
        frame_count=len(times),
        orientation=orientation,
    )


def _plan(found: Survey, num_frames: int) -> tuple[list[_Stretch], list[int]]:
    """What is to be decoded, and the times of all frames."""
    try:
        check_stream(found)
        groups = closed_groups(found.packets, found.codec)
    except OpenGroupsError as error:
        raise NotSeekableError(str(error)) from error
    if not found.is_steady:
        raise NotSeekableError("its clock restarts or jumps")
    pts = [packet.pts for packet in found.packets if packet.pts is not None]
    times = sorted(pts)
    place_of = {time: place for place, time in enumerate(pts)}
    starts = [group.start for group in groups]
    wanted: dict[int, list[int]] = {}
    for i in sample_indices(len(times), num_frames):
        place = place_of[times[i]]
        wanted.setdefault(bisect_right(starts, place) - 1, []).append(place)
    stretches = [
        _Stretch(groups[number], max(places) + 1, frozenset(pts[place] for place in places))
        for number, places in wanted.items()
    ]
    if sum(stretch.stop - stretch.group.start for stretch in stretches) > _LARGEST_PART * len(pts):
        raise NotSeekableError("most of it must be decoded anyway")
    return stretches, times


def _wanted_frames(found: Survey, stretches: list[_Stretch]) -> Iterator[VideoFrame]:
    bar = progress(found.path.stem, sum(stretch.stop - stretch.group.start for stretch in stretches), "frame")
    with open_video(found.path) as (container, stream), bar:
        start_decoder(stream, strict=True)
        for stretch in stretches:
            count = 0
            for frame in _decode(container, stream, found, stretch):
                if frame.is_corrupt:
                    raise NotSeekableError("a picture is damaged")
                if frame.pts in stretch.times:
                    count += 1
                    yield frame
            if count != len(stretch.times):
                raise NotSeekableError("a group of pictures gives other frames than its packets say")
            bar.update(stretch.stop - stretch.group.start)


def _decode(container: InputContainer, stream: VideoStream, found: Survey, stretch: _Stretch) -> Iterator[VideoFrame]:
    """The frames of a stretch, in the order in which they are shown."""
    facts = found.packets[stretch.group.start : stretch.stop]
    first = facts[0]
    assert first.pts is not None
    container.seek(first.pts, stream=stream)
    expected = iter(facts)
    following = next(expected)
    begun = False
    for packet in demux_to_end(container, stream):
        if not packet.size:
            continue
        # A seek may land on an earlier keyframe, never on a later one.
        if not begun and packet.pts != following.pts:
            if packet.pts is None or packet.pts > first.pts:
                break
            continue
        begun = True
        if (packet.pts, packet.size) != (following.pts, following.size):
            raise NotSeekableError("after a seek, packets are not those that stood there before")
        # Pictures that no other needs are decoded only where they are wanted.
        stream.codec_context.skip_frame = "DEFAULT" if packet.pts in stretch.times else "NONREF"
        yield from stream.decode(packet)
        if (after := next(expected, None)) is None:
            yield from stream.decode(None)
            return
        following = after
    raise NotSeekableError("a seek does not find the keyframe")
