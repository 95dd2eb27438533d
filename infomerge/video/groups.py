"""Groups of pictures that can be decoded alone, proven from the packets."""

from collections.abc import Sequence
from dataclasses import dataclass

from infomerge.video.bitstream import resets_decoder
from infomerge.video.survey import PacketFacts, Survey


class OpenGroupsError(Exception):
    """Why not every group of pictures is certain to be decodable alone, in a few words."""


@dataclass(frozen=True)
class Group:
    """A keyframe, and the packets that follow it up to the next one, `stop`; by their places in the file."""

    start: int
    stop: int


def check_stream(found: Survey) -> None:
    """Raise OpenGroupsError if there is a sign that the file is not whole, or that packets are not what is shown."""
    if found.ends_early or any(packet.is_corrupt for packet in found.packets):
        raise OpenGroupsError("truncated or damaged")
    if found.first_frame is None or found.first_frame.interlaced_frame:
        raise OpenGroupsError("interlaced, or without a first frame")
    if any(packet.is_discard for packet in found.packets) or found.declared_frames not in (0, len(found.packets)):
        raise OpenGroupsError("edit list")


def closed_groups(packets: Sequence[PacketFacts], codec: str) -> list[Group]:
    """The groups of a file in which no picture needs one of another group, or is shown among those of another.

    Raises:
        OpenGroupsError: this is not certain.
    """
    times = [packet.pts for packet in packets if packet.pts is not None]
    if len(set(times)) != len(packets) or not times:
        raise OpenGroupsError("timestamps are missing or repeated")
    if any(packet.unit_types is None or packet.has_new_header for packet in packets):
        raise OpenGroupsError("pictures are damaged or change their format")
    latest = group_start = min(times) - 1
    starts = []
    for place, (packet, time) in enumerate(zip(packets, times, strict=True)):
        if packet.is_keyframe and not resets_decoder(packet.unit_types, codec):
            raise OpenGroupsError("keyframes that do not reset the decoder (open GOP or gradual refresh)")
        if time <= (latest if packet.is_keyframe else group_start):
            raise OpenGroupsError("frames shown before the keyframe that precedes them (open GOP)")
        if packet.is_keyframe:
            starts.append(place)
            group_start = time
        latest = max(latest, time)
    if starts[:1] != [0]:
        raise OpenGroupsError("it does not start with a keyframe")
    return [Group(start, stop) for start, stop in zip(starts, [*starts[1:], len(packets)], strict=True)]
