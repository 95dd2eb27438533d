"""Surveying a file's packets, which is cheap because only the first shown frame is decoded."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from infomerge.extras import needs
from infomerge.video.bitstream import length_bytes, unit_types
from infomerge.video.clock import Clock, ticks_per_frame
from infomerge.video.progress import progress
from infomerge.video.source import AnyPacket, demux_to_end, open_video, start_decoder, unreadable

with needs("video"):
    import av.error
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# These formats declare their length up front, so that a file that ends before it has been cut short.
_DECLARE_DURATION = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf"}

_MATROSKA_SEGMENT = bytes.fromhex("18538067")

_MICROSECONDS = 1_000_000

# How often a file's own size its packets may amount to.
_MOST_REPEATS = 50


@dataclass(frozen=True)
class PacketFacts:
    """What the container says about one coded picture; times in units of the time base, as `Clock` mends them.

    `unit_types` is what `bitstream.unit_types` reads from it.
    """

    pts: int | None
    dts: int | None
    duration: int
    size: int
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool
    has_new_header: bool
    unit_types: tuple[int, ...] | None


@dataclass(frozen=True)
class Survey:
    """The packets of the video stream in decoding order, and the first frame that the file shows.

    `is_steady` says that the file's clock neither restarts nor jumps.
    """

    path: Path
    container: str
    codec: str
    pix_fmt: str
    time_base: Fraction
    frame_rate: Fraction | None
    ticks_per_frame: Fraction
    is_steady: bool
    stream: int
    video_streams: int
    declared_frames: int
    packets: tuple[PacketFacts, ...]
    first_frame: VideoFrame | None
    ends_early: bool
    last_is_partial: bool

    @property
    def expected_frames(self) -> int:
        """How many frames will be shown, if every packet that is not to be discarded gives one."""
        return sum(not packet.is_discard for packet in self.packets)


def survey(path: Path) -> Survey:
    """Read all packets of a file, and decode as far as its first shown frame.

    Raises:
        FileNotFoundError, PermissionError, UnreadableClipError: as `open_video`.
    """
    with open_video(path) as (container, stream):
        packets: list[PacketFacts] = []
        first_frame: VideoFrame | None = None
        latest_end, broken = 0.0, False
        # A damaged file may lead its reader in a circle.
        most_bytes, seen_bytes = _MOST_REPEATS * path.stat().st_size, 0
        codec = stream.codec_context.codec.canonical_name
        length = length_bytes(codec, stream.codec_context.extradata)
        start_decoder(stream, strict=False)
        clock = Clock(container, stream)
        bar = progress(f"{path.stem}: index", stream.frames or None, "packet")
        try:
            with bar:
                for packet in demux_to_end(container):
                    seen_bytes += packet.size + 1
                    if seen_bytes > most_bytes:
                        raise unreadable(path, "its packets do not end")
                    latest_end = max(latest_end, _end_s(packet))
                    if packet.stream_index != stream.index:
                        continue
                    if packet.size:
                        clock.correct(packet)
                        packets.append(_facts(packet, codec, length))
                        bar.update()
                    first_frame = first_frame or _decode_one(stream, packet)
        except av.error.FFmpegError:
            broken = True
        partial = packets[-1].is_corrupt if packets else False
        partial = partial or (container.format.name == "gif" and not _has_gif_end(path))
        short = _stops_before_declared_end(container, stream, len(packets), latest_end)
        return Survey(
            path=path,
            container=container.format.name,
            codec=codec,
            pix_fmt=stream.codec_context.pix_fmt or "",
            time_base=stream.time_base or Fraction(1, _MICROSECONDS),
            frame_rate=stream.average_rate or None,
            ticks_per_frame=ticks_per_frame(stream),
            is_steady=clock.is_steady,
            stream=stream.index,
            video_streams=len(container.streams.video),
            declared_frames=stream.frames,
            packets=tuple(packets),
            first_frame=first_frame,
            ends_early=broken or partial or short or _is_cut_matroska(path, container),
            last_is_partial=partial,
        )


def _end_s(packet: AnyPacket) -> float:
    if packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def _decode_one(stream: VideoStream, packet: AnyPacket) -> VideoFrame | None:
    try:
        return next(iter(stream.decode(packet)), None)
    except av.error.FFmpegError:
        return None


def _stops_before_declared_end(container: InputContainer, stream: VideoStream, packets: int, latest_end: float) -> bool:
    if container.format.name not in _DECLARE_DURATION or not container.duration:
        return False
    # Neither sign suffices alone: edit lists drop packets, and variable rates leave the duration inexact.
    if packets >= stream.frames > 0:
        return False
    declared = container.duration / _MICROSECONDS + min(container.start_time or 0, 0) / _MICROSECONDS
    # Where packets are not counted, the slack covers headers that add the delay of the sound decoder.
    slack = 0.1 if stream.frames else 0.5
    return latest_end < declared - slack - 0.01 * declared


def _has_gif_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(64, path.stat().st_size), os.SEEK_END)
        return file.read().rstrip(b"\0").endswith(b";")


def _is_cut_matroska(path: Path, container: InputContainer) -> bool:
    """Whether the file is smaller than its one big element says; writers of live streams leave the size open."""
    if container.format.name != "matroska,webm":
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    start = head.find(_MATROSKA_SEGMENT) + len(_MATROSKA_SEGMENT)
    if start < len(_MATROSKA_SEGMENT) or start + 8 > len(head):
        return False
    # The leading zero bits of a number say over how many bytes it extends; all ones mean unknown.
    length = 9 - head[start].bit_length()
    largest = (1 << 7 * length) - 1
    size = int.from_bytes(head[start : start + length]) & largest
    return size != largest and path.stat().st_size < start + length + size


def _facts(packet: AnyPacket, codec: str, length: int) -> PacketFacts:
    return PacketFacts(
        pts=packet.pts,
        dts=packet.dts,
        duration=packet.duration or 0,
        size=packet.size,
        is_keyframe=packet.is_keyframe,
        is_discard=packet.is_discard,
        is_corrupt=packet.is_corrupt,
        has_new_header=packet.has_sidedata("new_extradata"),
        unit_types=unit_types(memoryview(packet), codec, length),
    )
