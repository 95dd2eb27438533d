"""Small video files for the tests, written with PyAV: every frame carries its own number."""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

CODE_BITS = 6
X264_CLOSED = {"x264-params": "threads=1:keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=0"}
X264_OPEN = {"x264-params": "threads=1:keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=1"}


def numbered_frame(number: int, width: int = 96, height: int = 64) -> UInt8[np.ndarray, "height width 3"]:
    """A frame with `number` in binary along its lower half, and no symmetry, so that a turn or a mirror shows."""
    frame = np.empty((height, width, 3), dtype=np.uint8)
    frame[..., 0] = np.linspace(40, 200, width, dtype=np.uint8)
    frame[..., 1] = np.linspace(40, 200, height, dtype=np.uint8)[:, None]
    frame[..., 2] = 60 + 2 * number
    frame[: height // 4, : width // 4] = (230, 30, 30)
    cell = width // CODE_BITS
    for bit in range(CODE_BITS):
        level = 220 if number >> bit & 1 else 30
        frame[height // 2 :, bit * cell : (bit + 1) * cell] = level
    return frame


def frame_number(frame: UInt8[np.ndarray, "height width 3"]) -> int:
    """The number that `numbered_frame` wrote, read back after lossy coding."""
    height, width = frame.shape[:2]
    cell = width // CODE_BITS
    code = frame[3 * height // 4, cell // 2 : CODE_BITS * cell : cell].mean(axis=-1) > 125
    return int(sum(1 << bit for bit, on in enumerate(code) if on))


def write_video(
    path: Path,
    count: int = 60,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    *,
    rate: int = 25,
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (96, 64),
    rotation: int | None = None,
    mirrored: bool = False,
    frame_times: Iterable[int] | None = None,
    container_options: Mapping[str, str] | None = None,
    with_audio: bool = False,
) -> Path:
    """Encode `count` numbered frames; `frame_times` are presentation times in 1/1000 s for a variable rate."""
    time_base = Fraction(1, 1000) if frame_times is not None else Fraction(1, rate)
    times = list(frame_times) if frame_times is not None else list(range(count))
    with av.open(str(path), "w", container_options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = time_base
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        sound = container.add_stream("aac", rate=8000, layout="mono") if with_audio else None
        for number, time in zip(range(count), times, strict=True):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, *size), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = time, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _encode_silence(container, sound, seconds=count / rate)
    return path


def _encode_silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for start in range(0, round(seconds * 8000), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, start, Fraction(1, 8000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_audio(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        _encode_silence(container, container.add_stream("aac", rate=8000, layout="mono"), seconds=1.0)
    return path


def trim_by_stream_copy(source: Path, path: Path, start_frame: int) -> Path:
    """Copy packets from the keyframe before `start_frame`, with that frame at time 0, as `ffmpeg -ss -c copy` does."""
    with av.open(str(source)) as reader, av.open(str(path), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        packets = [packet for packet in reader.demux(stream) if packet.pts is not None and packet.dts is not None]
        step = round(1 / stream.average_rate / stream.time_base)
        start = start_frame * step
        first = max(i for i, p in enumerate(packets) if p.is_keyframe and p.pts <= start)
        for packet in packets[first:]:
            packet.pts -= start
            packet.dts -= start
            packet.stream = copy
            writer.mux(packet)
    return path


def remux(path: Path, *sources: tuple[Path, int], change: Callable[[bytes], bytes] = bytes, shift: float = 0.0) -> Path:
    """The first stream of each (file, disposition) in one file, each packet changed, all times later by `shift` s."""
    with av.open(str(path), "w") as writer:
        readers = [av.open(str(source)) for source, _ in sources]
        streams = [reader.streams[0] for reader in readers]
        copies = [writer.add_stream_from_template(stream) for stream in streams]
        for copy, (_, disposition) in zip(copies, sources, strict=True):
            copy.disposition = disposition
        packets = [
            (float(packet.dts * packet.time_base), copy, packet)
            for reader, stream, copy in zip(readers, streams, copies, strict=True)
            for packet in reader.demux(stream)
            if packet.dts is not None
        ]
        for _, copy, packet in sorted(packets, key=lambda item: item[0]):
            changed = av.Packet(change(bytes(packet)))
            ticks = round(shift / packet.time_base)
            changed.pts, changed.dts, changed.duration = packet.pts + ticks, packet.dts + ticks, packet.duration
            changed.is_keyframe, changed.time_base, changed.stream = packet.is_keyframe, packet.time_base, copy
            writer.mux(changed)
        for reader in readers:
            reader.close()
    return path


def join(path: Path, *parts: Path) -> Path:
    """The bytes of the parts, one after the other, as `cat` writes them."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def with_icc_profile(path: Path) -> Path:
    """Put an ICC profile, which has a name, behind the header of a PNG or APNG file."""
    data = path.read_bytes()
    body = b"iCCP" + b"a profile\0\0" + zlib.compress(bytes(128))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(data[:33] + chunk + data[33:])
    return path


def with_exif(jpeg: bytes, orientation: int = 1) -> bytes:
    """Put EXIF data with an orientation (1 to 8) at the beginning of a JPEG picture."""
    directory = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def sequential_frames(path: Path) -> tuple[UInt8[np.ndarray, "frames height width 3"], list[float]]:
    """The truth: every frame that PyAV shows when it decodes the file in order, and its time in seconds."""
    images, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            images.append(frame.to_ndarray(format="rgb24"))
            times.append(float((frame.pts or 0) * frame.time_base))
    return np.stack(images), times
