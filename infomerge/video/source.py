"""Opening a video file, with one clear error for whatever is not one."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infomerge.extras import needs
from infomerge.video.clip import UnreadableClipError

with needs("video"):
    import av
    import av.error
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Disposition
    from av.video.stream import VideoStream

# PyAV's packets are generic for type checkers only.
if TYPE_CHECKING:
    AnyPacket = Packet[Any]
else:
    AnyPacket = Packet

# FFmpeg draws text files as pictures and follows play lists to other files: neither is a clip.
_NOT_CLIPS = {"tty", "bin", "xbin", "adf", "idf", "concat", "hls", "dash"}


# What a stream that is marked as default counts, in pixels.
_DEFAULT_BONUS = 5_000_000

# A file is read by its own name: not as a pattern that names other files, and nothing beyond the disk is fetched.
_OPTIONS = {"pattern_type": "none", "protocol_whitelist": "file,crypto,data"}


# Of one picture: 12K film has 80 million. A header of a few bytes may declare billions.
_MOST_PIXELS = 2**27
# Above this size each further thread of a decoder holds more memory than it is worth.
_MOST_THREADED_PIXELS = 2**25

# Of a disk or a network drive that does not answer, to be opened or to be read.
_PATIENCE_SECONDS = 60.0

# Codecs whose decoder shows what lay in memory where a damaged picture has a hole; with several threads that changes
# from run to run, and nothing tells.
_ONE_THREAD = {"hevc", "mjpeg", "mpeg1video", "mpeg2video"}


def start_decoder(stream: VideoStream, *, strict: bool, threads: bool = True) -> None:
    """Settle how a stream is decoded, before its first packet.

    Args:
        stream: of `open_video`.
        strict: whether the first fault that the decoder finds is an error, rather than concealed. Only then may it
            use several threads, since what it makes up depends on them.
        threads: whether it may use several, which now and then lose the error of a frame, and the frame.
    """
    context = stream.codec_context
    options = {"max_pixels": str(_MOST_PIXELS)}
    if strict:
        options["err_detect"] = "explode+crccheck"
    context.options = options
    large = context.width * context.height > _MOST_THREADED_PIXELS
    alone = not (strict and threads) or large or context.codec.canonical_name in _ONE_THREAD
    stream.thread_type = "NONE" if alone else "AUTO"


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and the video stream that ffmpeg would show of it.

    Raises:
        FileNotFoundError, PermissionError: from the file system.
        UnreadableClipError: the file is not a video.
    """
    _check_is_file(path)
    with _opened(path) as container:
        if container.format.name in _NOT_CLIPS:
            raise unreadable(path, "it is a text file or a play list")
        yield container, _best_stream(path, container)


def _check_is_file(path: Path) -> None:
    # Asked before it is opened: opening a named pipe waits for someone to write to it.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise unreadable(path, "it is a directory")
    if not stat.S_ISREG(mode):
        raise unreadable(path, "it is a pipe, a socket or a device")
    with path.open("rb") as file:
        if not file.read(1):
            raise unreadable(path, "it is empty")


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    with ExitStack() as stack:
        # An absolute path, because FFmpeg takes what stands before a colon in a relative one for a protocol.
        source: Any = str(path.absolute())
        try:
            source.encode()
        except UnicodeEncodeError:
            # FFmpeg knows names in UTF-8 only.
            source = stack.enter_context(path.open("rb"))
        try:
            container = stack.enter_context(
                av.open(
                    source,
                    "r",
                    metadata_errors="replace",
                    container_options=_OPTIONS,
                    timeout=_PATIENCE_SECONDS,
                )
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise unreadable(path, "it is not a media file, or its beginning is missing") from error
        yield container


def demux_to_end(container: InputContainer, *streams: VideoStream) -> Iterator[AnyPacket]:
    """All packets, of the given streams or of any.

    PyAV stumbles after the last packet of a file in which streams turned up on the way.
    """
    with suppress(IndexError):
        yield from container.demux(*streams)


def _best_stream(path: Path, container: InputContainer) -> VideoStream:
    pictures = Disposition.attached_pic | Disposition.dependent
    videos = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not videos:
        raise unreadable(path, f"it has no video stream, only {_kinds(container)}")
    # A stream that declares one frame is a still beside the film (in animated AVIF, or a poster).
    films = [stream for stream in videos if stream.frames != 1] or videos
    best = max(films, key=_score)
    if best.codec_context is None:
        raise unreadable(path, "no decoder is known for its video stream")
    return best


def _score(stream: VideoStream) -> int:
    """How much ffmpeg prefers a stream: the one marked as default, then the largest; of equals, the first."""
    context = stream.codec_context
    area = context.width * context.height if context else 0
    return area + _DEFAULT_BONUS * bool(stream.disposition & Disposition.default)


def _kinds(container: InputContainer) -> str:
    names = {"video": "a cover picture or a part of one"}
    kinds = sorted({names.get(stream.type, stream.type) for stream in container.streams}, key=len)
    return " and ".join(kinds) or "no stream at all"


def shown_name(path: Path) -> str:
    """The path in letters that can be printed, even where its bytes are not UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def unreadable(path: Path, found: str) -> UnreadableClipError:
    """The error that names the file, what was found in it and what is accepted."""
    accepted = "a video file with at least one picture, such as mp4, mkv, webm, mov, avi, ts or gif"
    return UnreadableClipError(f"cannot read '{shown_name(path)}' as a clip: {found}; expected: {accepted}")
