"""Opening a video file, with one clear error for whatever is not one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its first video stream that is not a cover picture.

    Raises:
        FileNotFoundError, PermissionError: from the file system.
        UnreadableClipError: the file is not a video.
    """
    if path.is_dir():
        raise unreadable(path, "it is a directory")
    with path.open("rb") as file:
        if not file.read(1):
            raise unreadable(path, "it is empty")
    try:
        # An absolute path, because FFmpeg takes what stands before a colon in a relative one for a protocol.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise unreadable(path, "it is not a media file, or its beginning is missing") from error
    with container:
        if container.format.name in _NOT_CLIPS:
            raise unreadable(path, "it is a text file or a play list")
        yield container, _video_stream(path, container)


def demux_to_end(container: InputContainer, *streams: VideoStream) -> Iterator[AnyPacket]:
    """All packets, of the given streams or of any.

    PyAV stumbles after the last packet of a file in which streams turned up on the way.
    """
    with suppress(IndexError):
        yield from container.demux(*streams)


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        found = ", ".join(sorted({stream.type for stream in container.streams})) or "no stream at all"
        raise unreadable(path, f"it has no video stream, only {found}")
    if videos[0].codec_context is None:
        raise unreadable(path, "no decoder is known for its video stream")
    return videos[0]


def unreadable(path: Path, found: str) -> UnreadableClipError:
    """The error that names the file, what was found in it and what is accepted."""
    accepted = "a video file with at least one picture, such as mp4, mkv, webm, mov, avi, ts or gif"
    return UnreadableClipError(f"cannot read '{path}' as a clip: {found}; expected: {accepted}")
