"""Whatever the file, `read_clip` returns what a decoder shows that starts at its beginning and leaves nothing out."""

import struct
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from infomerge.video import TruncatedClipWarning, UnreadableClipError, read_clip, sample_indices
from tests.media import (
    X264_CLOSED,
    X264_OPEN,
    frame_number,
    numbered_frame,
    sequential_frames,
    trim_by_stream_copy,
    write_audio,
    write_video,
)

UNEVEN_TIMES = [40 * i + 5 * (i % 7) + (200 if i > 30 else 0) for i in range(60)]
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def x265(extra: str) -> dict[str, str]:
    return {"x265-params": f"pools=1:log-level=none:keyint=12:bframes=2:{extra}"}


def x264(extra: str) -> dict[str, str]:
    return {"x264-params": f"threads=1:keyint=12:scenecut=0:{extra}"}


def edit_list(folder: Path) -> Path:
    return trim_by_stream_copy(write_video(folder / "whole.mp4", options=X264_CLOSED), folder / "trimmed.mp4", 17)


# How each file is made, and whether decord may read it. Only the first group is proven safe.
FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "mp4": (lambda d: write_video(d / "a.mp4", options=X264_CLOSED), "decord"),
    "mkv": (lambda d: write_video(d / "a.mkv", options=X264_CLOSED), "decord"),
    "with sound": (lambda d: write_video(d / "a.mp4", options=X264_CLOSED, with_audio=True), "decord"),
    "HEVC": (lambda d: write_video(d / "a.mp4", codec="libx265", options=x265("open-gop=0")), "decord"),
    "one frame": (lambda d: write_video(d / "a.mp4", count=1), "decord"),
    "two frames": (lambda d: write_video(d / "a.mp4", count=2), "decord"),
    "slices": (lambda d: write_video(d / "a.mp4", options=x264("slices=4:b-pyramid=normal")), "decord"),
    "name": (lambda d: write_video(d / "Ein Film, größer: 影片 №1.mp4", options=X264_CLOSED), "decord"),
    "edit list": (edit_list, "pyav"),
    "open GOP": (lambda d: write_video(d / "a.mp4", options=X264_OPEN), "pyav"),
    "open GOP in mkv": (lambda d: write_video(d / "a.mkv", options=X264_OPEN), "pyav"),
    "open GOP in HEVC": (lambda d: write_video(d / "a.mp4", codec="libx265", options=x265("open-gop=1")), "pyav"),
    "MPEG-TS": (lambda d: write_video(d / "a.ts", options=X264_CLOSED), "pyav"),
    "gradual refresh": (lambda d: write_video(d / "a.mp4", options=x264("intra-refresh=1:bframes=0")), "pyav"),
    "interlaced": (lambda d: write_video(d / "a.mp4", options=x264("interlaced=1")), "pyav"),
    "repeated headers": (lambda d: write_video(d / "a.mp4", options=x264("repeat-headers=1")), "pyav"),
    "full colour": (lambda d: write_video(d / "a.mp4", options=X264_CLOSED, pix_fmt="yuv444p"), "pyav"),
    "full range": (lambda d: write_video(d / "a.mp4", options={**X264_CLOSED, "color_range": "pc"}), "pyav"),
    "GIF": (lambda d: write_video(d / "a.gif", codec="gif", pix_fmt="rgb8"), "pyav"),
    "AV1": (lambda d: write_video(d / "a.mp4", codec="libsvtav1"), "pyav"),
    "VP9": (lambda d: write_video(d / "a.webm", count=30, codec="libvpx-vp9", options={"cpu-used": "8"}), "pyav"),
    "MPEG-4": (lambda d: write_video(d / "a.avi", codec="mpeg4"), "pyav"),
    # These two may go either way: what counts is that the frames are right.
    "variable rate": (lambda d: write_video(d / "a.mp4", options=X264_CLOSED, frame_times=UNEVEN_TIMES), "either"),
    "fragments": (lambda d: write_video(d / "a.mp4", options=X264_CLOSED, container_options=FRAGMENTED), "either"),
}


def make(kind: str, folder: Path) -> Path:
    try:
        return FILES[kind][0](folder)
    except av.codec.codec.UnknownCodecError as error:
        pytest.skip(f"this build of PyAV has no encoder for {kind}: {error}")


@pytest.fixture(autouse=True)
def _quiet_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")


@pytest.mark.parametrize("num_frames", [7, 32])
@pytest.mark.parametrize("kind", FILES)
def test_frames_are_those_of_a_sequential_decoder(kind: str, num_frames: int, tmp_path: Path) -> None:
    path = make(kind, tmp_path)
    shown, times = sequential_frames(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = read_clip(path, num_frames)
    taken = list(clip.metadata.frame_indices)
    assert taken == sample_indices(len(shown), num_frames).tolist()
    assert np.array_equal(clip.frames, shown[taken])
    assert clip.timestamps == pytest.approx([times[i] - times[0] for i in taken], abs=1e-9)
    assert clip.metadata.frame_count == len(shown)
    assert (clip.metadata.height, clip.metadata.width) == shown.shape[1:3]


@pytest.mark.parametrize("kind", ["mp4", "edit list", "open GOP", "MPEG-TS", "AV1", "GIF", "variable rate"])
def test_frames_are_the_ones_that_were_encoded(kind: str, tmp_path: Path) -> None:
    clip = read_clip(make(kind, tmp_path), num_frames=60)
    first = 17 if kind == "edit list" else 0
    assert [frame_number(frame) for frame in clip.frames] == list(range(first, 60))


@pytest.mark.parametrize("kind", [kind for kind, (_, reader) in FILES.items() if reader != "either"])
def test_decord_reads_only_what_is_proven_safe(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("decord", reason="decord is not installed: it is refused for that")
    path = make(kind, tmp_path)
    assert read_clip(path).metadata.reader == "pyav"
    if FILES[kind][1] == "decord":
        assert read_clip(path, reader="decord").metadata.reader == "decord"
    else:
        with pytest.raises(UnreadableClipError, match="cannot be trusted"):
            read_clip(path, reader="decord")


@pytest.mark.parametrize("kind", ["edit list", "open GOP", "MPEG-TS"])
def test_decord_alone_is_wrong_and_is_refused(kind: str, tmp_path: Path) -> None:
    decord = pytest.importorskip("decord", reason="decord is not installed: its errors cannot be shown")
    path = make(kind, tmp_path)
    shown, _ = sequential_frames(path)
    video = decord.VideoReader(str(path))
    frames = video.get_batch(sample_indices(len(video), 32).tolist()).asnumpy()
    assert not np.array_equal(frames, shown[sample_indices(len(shown), 32)])
    with pytest.raises(UnreadableClipError, match="cannot be trusted"):
        read_clip(path, reader="decord")


def test_both_readers_agree_on_a_safe_file(tmp_path: Path) -> None:
    pytest.importorskip("decord", reason="decord is not installed: there is nothing to compare")
    path = write_video(tmp_path / "a.mp4", options=X264_CLOSED)
    by_decord, by_pyav = read_clip(path, reader="decord"), read_clip(path, reader="pyav")
    assert (by_decord.metadata.reader, by_pyav.metadata.reader) == ("decord", "pyav")
    assert np.array_equal(by_decord.frames, by_pyav.frames)
    assert np.array_equal(by_decord.timestamps, by_pyav.timestamps)


def displayed(image: np.ndarray, path: Path) -> np.ndarray:
    """Move every pixel to where the matrix in the track header puts it (ISO 14496-12: x' = ax + cy, y' = bx + dy)."""
    data = path.read_bytes()
    start = data.index(b"tkhd") + 44
    a, b, _, c, d = (value // 65536 for value in struct.unpack(">5i", data[start : start + 20]))
    y, x = np.indices(image.shape[:2])
    x_new, y_new = a * x + c * y, b * x + d * y
    x_new, y_new = x_new - x_new.min(), y_new - y_new.min()
    result = np.empty((y_new.max() + 1, x_new.max() + 1, 3), dtype=np.uint8)
    result[y_new, x_new] = image
    return result


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_stand_upright(rotation: int, mirrored: bool, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 6, options=X264_CLOSED, rotation=rotation, mirrored=mirrored)
    clip = read_clip(path)
    assert np.array_equal(clip.frames, [displayed(image, path) for image in sequential_frames(path)[0]])
    assert clip.frames.flags.c_contiguous
    assert (clip.metadata.width, clip.metadata.height) == ((64, 96) if rotation % 180 else (96, 64))
    if not mirrored:
        # PyAV turns counter-clockwise, the metadata say clockwise.
        assert clip.metadata.rotation == -rotation % 360
        stored = sequential_frames(path)[0]
        assert np.array_equal(clip.frames, np.rot90(stored, rotation // 90, axes=(1, 2)))


def test_metadata_of_a_plain_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "plain.mp4", options=X264_CLOSED)
    metadata = read_clip(path, 4, reader="pyav").metadata
    assert (metadata.name, metadata.path) == ("plain", path)
    assert (metadata.frame_count, metadata.frame_rate, metadata.duration) == (60, 25.0, pytest.approx(2.4))
    assert (metadata.codec, metadata.container) == ("h264", "mov,mp4,m4a,3gp,3g2,mj2")
    assert (metadata.rotation, metadata.reader, metadata.truncated) == (0, "pyav", False)
    assert metadata.frame_indices == (0, 19, 39, 59)


CUT_FILES: dict[str, Callable[[Path], Path]] = {
    "mp4": lambda d: write_video(d / "a.mp4", options=X264_CLOSED, container_options={"movflags": "faststart"}),
    "mkv": lambda d: write_video(d / "a.mkv", options=X264_CLOSED, with_audio=True),
    "avi": lambda d: write_video(d / "a.avi", codec="mpeg4"),
    "gif": lambda d: write_video(d / "a.gif", codec="gif", pix_fmt="rgb8"),
}


@pytest.mark.parametrize("kept", [0.6, 0.75, 0.9])
@pytest.mark.parametrize("kind", CUT_FILES)
def test_a_truncated_file_gives_its_readable_head_and_a_warning(kind: str, kept: float, tmp_path: Path) -> None:
    whole = CUT_FILES[kind](tmp_path)
    shown, _ = sequential_frames(whole)
    data = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(data[: int(len(data) * kept)])
    with pytest.warns(TruncatedClipWarning, match=r"cut.*: \d+ (of \d+ )?frames could be read"):
        clip = read_clip(cut, num_frames=60)
    assert clip.metadata.truncated
    assert 1 <= clip.metadata.frame_count == len(clip.frames) < 60
    original = [round(float(time) * 25) for time in clip.timestamps]
    assert np.array_equal(clip.frames, shown[original])
    assert original[: len(original) // 2] == list(range(len(original) // 2))


def test_sampling_a_truncated_file_spans_its_readable_head(tmp_path: Path) -> None:
    data = CUT_FILES["mp4"](tmp_path).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 3 // 4])
    with pytest.warns(TruncatedClipWarning):
        everything = read_clip(cut, num_frames=60)
    with pytest.warns(TruncatedClipWarning):
        clip = read_clip(cut, num_frames=5)
    assert np.array_equal(clip.frames, everything.frames[sample_indices(everything.metadata.frame_count, 5)])


def test_a_hole_in_the_data_is_skipped_with_a_warning(tmp_path: Path) -> None:
    whole = CUT_FILES["mp4"](tmp_path)
    shown, _ = sequential_frames(whole)
    data = bytearray(whole.read_bytes())
    middle = len(data) * 6 // 10
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    damaged = tmp_path / "hole.mp4"
    damaged.write_bytes(data)
    with pytest.warns(TruncatedClipWarning):
        clip = read_clip(damaged, num_frames=60)
    numbers = [round(float(time) * 25) for time in clip.timestamps]
    assert numbers[:12] == list(range(12))
    assert numbers[-1] == 59
    assert np.array_equal(clip.frames[:12], shown[:12])


def test_whole_files_are_read_without_a_warning_even_if_sound_is_longer(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=3, options=X264_CLOSED, with_audio=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not read_clip(path).metadata.truncated


def playlist(folder: Path) -> Path:
    video = write_video(folder / "part.ts", options=X264_CLOSED)
    path = folder / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.4,\n{video.name}\n#EXT-X-ENDLIST\n")
    return path


def text(path: Path) -> Path:
    path.write_text("this is no film\n" * 50)
    return path


def nothing(path: Path) -> Path:
    path.touch()
    return path


def head_of_mp4(path: Path) -> Path:
    path.write_bytes(write_video(path.with_name("whole.mp4"), options=X264_CLOSED).read_bytes()[:2000])
    return path


UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (lambda d: nothing(d / "clip.mp4"), "empty"),
    "text": (lambda d: text(d / "clip.mp4"), "not a media file"),
    "text file": (lambda d: text(d / "clip.txt"), "text file"),
    "play list": (playlist, "play list|not a media file"),
    "audio only": (lambda d: write_audio(d / "clip.m4a"), "no video stream, only audio"),
    "directory": (lambda d: d, "directory"),
    "index lost": (lambda d: head_of_mp4(d / "clip.mp4"), "not a media file"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_gives_one_clear_error(kind: str, tmp_path: Path) -> None:
    build, found = UNREADABLE[kind]
    path = build(tmp_path)
    with pytest.raises(UnreadableClipError, match=found) as error:
        read_clip(path)
    assert str(path) in str(error.value)
    assert "expected: a video file" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_a_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        read_clip(tmp_path / "nowhere.mp4")


@pytest.mark.parametrize("value", [0, -1])
def test_num_frames_below_one_is_refused(value: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"num_frames must be 1 or more, got {value}"):
        read_clip(tmp_path / "a.mp4", num_frames=value)


@pytest.mark.parametrize("value", [2.5, "8", None, True])
def test_num_frames_that_is_no_integer_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        read_clip(tmp_path / "a.mp4", num_frames=value)  # type: ignore[arg-type]


def test_an_unknown_reader_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="reader must be one of auto, decord, pyav, got 'opencv'"):
        read_clip(tmp_path / "a.mp4", reader="opencv")


def test_sample_indices_follow_the_convention_of_the_field() -> None:
    assert sample_indices(10, 4).tolist() == [0, 3, 6, 9]
    assert sample_indices(132, 5).tolist() == [0, 32, 65, 98, 131]
    assert sample_indices(100, 1).tolist() == [0]
    assert sample_indices(3, 32).tolist() == [0, 1, 2]
    for count in range(1, 70):
        taken = sample_indices(count, 32)
        assert len(taken) == min(count, 32)
        assert (np.diff(taken) >= 1).all()
        assert taken[-1] == count - 1


@pytest.mark.parametrize("name", ["long.mkv", "long.ts"])
def test_only_the_sampled_frames_are_held_in_memory(name: str, tmp_path: Path) -> None:
    width, height = 480, 320
    path = write_video(tmp_path / name, options=X264_CLOSED, size=(width, height))
    tracemalloc.start()
    try:
        clip = read_clip(path, num_frames=2, reader="pyav")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert clip.metadata.frame_count == 60
    assert peak < 8 * width * height * 3


def test_reading_neither_loads_a_model_library_nor_a_plotting_one() -> None:
    # The parent package is stood in for, so that what it imports does not count.
    code = """
import sys, types, pathlib, importlib.util
package = types.ModuleType("infomerge")
package.__path__ = list(importlib.util.find_spec("infomerge").submodule_search_locations)
sys.modules["infomerge"] = package
import infomerge.video
print([name for name in ("transformers", "matplotlib", "skvideo", "decord") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_numbers_in_the_frames_can_be_read_back() -> None:
    assert [frame_number(numbered_frame(number)) for number in range(64)] == list(range(64))
