"""Damaged files: the frames of a sequential decode, or those with a warning, or one line; never others in silence."""

import struct
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np
import pytest

from infomerge.video import TruncatedClipWarning, UnreadableClipError, read_clip, sampled
from tests.damages import damaged, decoded_pictures
from tests.media import X264_CLOSED, write_video

HEVC = {"x265-params": "pools=1:log-level=none:keyint=12:bframes=2:open-gop=0"}
KINDS: dict[str, tuple[str, str, str, Mapping[str, str]]] = {
    "H.264 in mp4": ("a.mp4", "libx264", "yuv420p", X264_CLOSED),
    "H.264 in mkv": ("a.mkv", "libx264", "yuv420p", X264_CLOSED),
    "H.264 in ts": ("a.ts", "libx264", "yuv420p", X264_CLOSED),
    "HEVC in mp4": ("a.mp4", "libx265", "yuv420p", HEVC),
    "HEVC in mkv": ("a.mkv", "libx265", "yuv420p", HEVC),
    "VP9 in webm": ("a.webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8"}),
    "MPEG-4 in avi": ("a.avi", "mpeg4", "yuv420p", {}),
    "MPEG-1 in mpg": ("a.mpg", "mpeg1video", "yuv420p", {}),
    "MJPEG in mov": ("a.mov", "mjpeg", "yuvj420p", {}),
    "GIF": ("a.gif", "gif", "rgb8", {}),
}


def outcome(path: Path) -> str:
    """What became of a damaged file; "wrong" where a picture is shown that a sequential decode does not show there."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            clip = read_clip(path, 9)
        except UnreadableClipError as error:
            return "refused" if "\n" not in str(error) else "refused in many lines"
    pictures = decoded_pictures(path)
    taken = clip.metadata.frame_indices
    if not told:
        right = len(pictures) == clip.metadata.frame_count and np.array_equal([pictures[i] for i in taken], clip.frames)
        return "right" if right else "wrong in silence"
    assert {note.category for note in told} == {TruncatedClipWarning}
    # Concealed pictures are left out, so that places differ; what is shown comes in the same order.
    rest = iter(pictures)
    return "right, with a warning" if all(_next_like(frame, rest) for frame in clip.frames) else "wrong with a warning"


def _next_like(frame: np.ndarray, pictures: Iterator[np.ndarray]) -> bool:
    return any(np.array_equal(frame, picture) for picture in pictures)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_never_read_wrong_in_silence(
    kind: str, tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    count = int(pytestconfig.getoption("--damages"))
    name, codec, pix_fmt, options = KINDS[kind]
    path = write_video(tmp_path / name, 30, codec, options, pix_fmt=pix_fmt)
    data = path.read_bytes()
    seen: Counter[str] = Counter()
    for seed in range(count):
        path.write_bytes(damaged(data, seed))
        seen[outcome(path)] += 1
    with capsys.disabled():
        print(f"\n{kind}: {count} damages, {dict(sorted(seen.items()))}")
    assert set(seen) <= {"right", "right, with a warning", "refused"}


def with_gif_size(path: Path, width: int, height: int) -> Path:
    """A GIF of some kilobytes whose header declares another size."""
    data = write_video(path, 2, "gif", pix_fmt="rgb8").read_bytes()
    path.write_bytes(data[:6] + struct.pack("<HH", width, height) + data[10:])
    return path


def test_a_lying_size_takes_no_memory(tmp_path: Path) -> None:
    path = with_gif_size(tmp_path / "a.gif", 65535, 65535)
    resource_limit = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30));"
        "from infomerge.video import read_clip, UnreadableClipError\n"
        "try: read_clip(sys.argv[1])\nexcept UnreadableClipError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", resource_limit, path], capture_output=True, text=True, check=True)
    assert "a.gif" in run.stdout
    assert len(run.stdout.splitlines()) == 1


def test_more_frames_than_memory_is_for_are_refused_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_gif_size(tmp_path / "a.gif", 8000, 8000)
    monkeypatch.setattr(sampled, "MOST_BYTES", 2**28)
    with pytest.raises(UnreadableClipError, match=r"2 frames of 8000 x 8000 pixels take .*expected up to"):
        read_clip(path, 32)


def test_a_turned_bit_in_a_late_picture_is_told(tmp_path: Path) -> None:
    # Wrong pictures of which neither the packets nor the first picture tell: decord alone showed them as they were.
    path = write_video(tmp_path / "a.mp4", 60, options=X264_CLOSED)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size and p.is_keyframe][2]
        place = packet.pos + packet.size // 2
    data[place] ^= 16
    path.write_bytes(data)
    assert outcome(path) in ("right, with a warning", "refused")
    with pytest.raises(UnreadableClipError):
        read_clip(path, reader="decord")


@pytest.mark.parametrize("codec", ["libx265", "libx264"])
def test_what_is_left_of_a_damaged_file_does_not_change_from_run_to_run(codec: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 60, codec, HEVC if codec == "libx265" else X264_CLOSED)
    data = path.read_bytes()
    for seed in range(6):
        path.write_bytes(damaged(data, seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TruncatedClipWarning)
            try:
                runs = {read_clip(path, 60).frames.tobytes() for _ in range(3)}
            except UnreadableClipError:
                continue
        assert len(runs) == 1
