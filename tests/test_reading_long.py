"""Long clips: a sparse sample decodes little, shows a progress bar, and reading leaves nothing behind."""

import functools
import gc
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import long_clip
from infomerge.video import UnreadableClipError, pyav_reader, read_clip, reading, sample_indices, seeking
from infomerge.video import progress as progress_module
from infomerge.video.bitstream import KEY, unit_types
from infomerge.video.progress import progress
from infomerge.video.pyav_reader import read_in_order
from infomerge.video.seeking import NotSeekableError, read_by_seeking
from infomerge.video.survey import survey
from tests.media import X264_CLOSED, X264_OPEN, join, trim_by_stream_copy, write_video

X264_DEEP = {"x264-params": "threads=1:keyint=12:scenecut=0:bframes=5:b-pyramid=normal:weightp=2:ref=4:open-gop=0"}
X265 = {"x265-params": "pools=1:log-level=none:keyint=12:bframes=3:open-gop=0"}
VP9 = {"cpu-used": "8", "g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}
AV1 = {"svtav1-params": "keyint=12:irefresh-type=2", "preset": "12"}
UNEVEN = [40 * i + 7 * (i % 5) for i in range(60)]

CLOSED: dict[str, Callable[[Path], Path]] = {
    "mp4": lambda d: write_video(d / "a.mp4", options=X264_CLOSED),
    "mkv": lambda d: write_video(d / "a.mkv", options=X264_CLOSED),
    "mov, deep": lambda d: write_video(d / "a.mov", options=X264_DEEP),
    "flv": lambda d: write_video(d / "a.flv", options=X264_CLOSED),
    "full color": lambda d: write_video(d / "a.mp4", options=X264_CLOSED, pix_fmt="yuv444p"),
    "with sound": lambda d: write_video(d / "a.mp4", options=X264_CLOSED, with_audio=True),
    "variable rate": lambda d: write_video(d / "a.mkv", options=X264_CLOSED, frame_times=UNEVEN),
    "turned": lambda d: write_video(d / "a.mp4", options=X264_CLOSED, rotation=90, mirrored=True),
    "HEVC": lambda d: write_video(d / "a.mp4", codec="libx265", options=X265),
    "VP9": lambda d: write_video(d / "a.webm", codec="libvpx-vp9", options=VP9),
    "AV1": lambda d: write_video(d / "a.mp4", codec="libsvtav1", options=AV1),
    "AV1 in mkv": lambda d: write_video(d / "a.mkv", codec="libsvtav1", options=AV1),
    "ProRes": lambda d: write_video(d / "a.mov", codec="prores_ks", pix_fmt="yuv422p10le"),
}

NOT_PROVEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "open GOP": (lambda d: write_video(d / "a.mp4", options=X264_OPEN), "open GOP"),
    "one group": (lambda d: write_video(d / "a.mp4", options={"x264-params": "keyint=250:threads=1"}), "most of it"),
    "edit list": (
        lambda d: trim_by_stream_copy(write_video(d / "b.mp4", options=X264_CLOSED), d / "a.mp4", 17),
        "edit list",
    ),
    "restart": (
        lambda d: join(d / "a.webm", *[write_video(d / "b.webm", codec="libvpx-vp9", options=VP9)] * 2),
        "restarts or jumps",
    ),
    "interlaced": (
        lambda d: write_video(d / "a.mp4", options={"x264-params": "interlaced=1:keyint=12:threads=1"}),
        "interlaced",
    ),
}


@pytest.fixture(autouse=True)
def _quiet_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")


@pytest.mark.parametrize("kind", CLOSED)
def test_a_sparse_sample_equals_that_of_decoding_in_order(kind: str, tmp_path: Path) -> None:
    found = survey(CLOSED[kind](tmp_path))
    for num_frames in (1, 2, 3):
        sparse, whole = read_by_seeking(found, num_frames), read_in_order(found, num_frames)
        assert np.array_equal(sparse.frames, whole.frames)
        for name in ("times", "first_time", "last_time", "frame_count", "orientation", "damaged"):
            assert getattr(sparse, name) == getattr(whole, name)
        assert np.array_equal(sparse.indices, whole.indices)


def test_any_group_can_be_decoded_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = survey(write_video(tmp_path / "a.mp4", options=X264_DEEP))
    whole = read_in_order(found, 60)
    for number in range(60):
        indices = np.array([number])
        monkeypatch.setattr(seeking, "sample_indices", lambda count, frames, taken=indices: taken)
        assert np.array_equal(read_by_seeking(found, 1).frames[0], whole.frames[number])


@pytest.mark.parametrize("kind", NOT_PROVEN)
def test_what_is_not_proven_is_decoded_in_order(kind: str, tmp_path: Path) -> None:
    build, reason = NOT_PROVEN[kind]
    path = build(tmp_path)
    found = survey(path)
    with pytest.raises(NotSeekableError, match=reason):
        read_by_seeking(found, 2)
    assert np.array_equal(read_clip(path, 2, reader="pyav").frames, read_in_order(found, 2).frames)


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_a_damaged_group_is_found_when_it_is_decoded(place: float, tmp_path: Path) -> None:
    data = bytearray(write_video(tmp_path / "a.mp4", options=X264_CLOSED, size=(192, 128)).read_bytes())
    start = int(len(data) * place)
    data[start : start + 400] = bytes(400)
    (tmp_path / "a.mp4").write_bytes(data)
    found = survey(tmp_path / "a.mp4")
    try:
        sparse = read_by_seeking(found, 3)
    except NotSeekableError:
        return
    whole = read_in_order(found, 60)
    assert all(image in whole.frames for image in sparse.frames)


def test_a_long_clip_is_not_decoded_in_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = long_clip.write_long_clip(tmp_path / "long.mp4", minutes=8, height=64)
    group = read_clip(long_clip.write_long_clip(tmp_path / "short.mp4", 1 / 6, 64), 250).frames
    monkeypatch.setattr(reading, "read_in_order", None)
    clip = read_clip(path, 8, reader="pyav")
    taken = sample_indices(48 * 250, 8)
    assert clip.metadata.frame_indices == tuple(taken)
    assert clip.timestamps == pytest.approx(taken / 25)
    assert np.array_equal(clip.frames, group[taken % 250])


def test_the_benchmark_in_small(capsys: pytest.CaptureFixture[str]) -> None:
    long_clip.main(["--minutes", "1", "--height", "64", "--frames", "3", "--repeats", "1"])
    assert "Frames equal those of decoding in order" in capsys.readouterr().out


def test_vp9_pictures_that_are_not_shown_are_told() -> None:
    shown_key, hidden = 0b10000010 << 8, 0b10000100 << 8
    assert unit_types(memoryview(shown_key.to_bytes(2) + b"\0"), "vp9", 0) == (KEY,)
    assert unit_types(memoryview(hidden.to_bytes(2) + b"\0"), "vp9", 0) is None


@pytest.mark.parametrize("codec", ["vp9", "av1"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 9, b"\x12", b"\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff"])
def test_damaged_pictures_are_no_pictures(codec: str, data: bytes) -> None:
    assert unit_types(memoryview(data), codec, 0) is None


def bars(code: str, **environment: str) -> str:
    """What a script writes to standard error, with a progress bar that does not wait for a second."""
    script = f"import time, infomerge.video.progress as p\n{code}"
    own = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"} | environment
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=own)
    assert result.stdout == ""
    return result.stderr


def test_a_notebook_has_no_red_box_of_blanks_under_a_cell() -> None:
    in_a_kernel = "import types, IPython; IPython.get_ipython = lambda: types.SimpleNamespace(kernel=True)"
    code = f"{in_a_kernel}\nwith p.progress('film', 2, 'frame') as bar:\n    time.sleep(1.2); bar.update()"
    assert bars(code) == ""


def test_a_long_read_shows_its_progress_on_standard_error() -> None:
    code = "with p.progress('film', 2, 'frame') as bar:\n    time.sleep(1.2); bar.update(); bar.update()"
    assert "film" in bars(code)
    assert bars(code, TQDM_DISABLE="1") == ""


def test_a_short_read_shows_none() -> None:
    assert bars("with p.progress('film', 2, 'frame') as bar:\n    bar.update(); bar.update()") == ""


def test_every_packet_and_every_frame_moves_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def noted(name: str, total: int | None, unit: str) -> object:
        made.append(progress(name, total, unit))
        return made[-1]

    # The tests run with TQDM_DISABLE, under which a bar counts nothing.
    shown = functools.partial(progress_module._Bar, disable=False, file=io.StringIO())
    monkeypatch.setattr(progress_module, "_Bar", shown)
    for module in ("survey", "pyav_reader", "seeking"):
        monkeypatch.setattr(f"infomerge.video.{module}.progress", noted)
    path = write_video(tmp_path / "a.mkv", options=X264_OPEN)
    read_clip(path, 3)
    assert [(bar.unit, bar.n) for bar in made] == [("packet", 60), ("frame", 60)]


def threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc, which is not here")
@pytest.mark.parametrize("num_frames", [1, 60])
@pytest.mark.parametrize("kind", ["mp4", "turned", "AV1", "ProRes"])
def test_reading_leaves_no_thread_behind(kind: str, num_frames: int, tmp_path: Path) -> None:
    path = CLOSED[kind](tmp_path)
    gc.collect()
    gc.disable()
    try:
        before = threads()
        read_clip(path, num_frames, reader="pyav")
        assert threads() == before
    finally:
        gc.enable()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc, which is not here")
def test_an_interrupted_read_leaves_no_thread_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mkv", options=X264_OPEN)
    monkeypatch.setattr(pyav_reader, "orientation_of", lambda matrix: (_ for _ in ()).throw(KeyboardInterrupt))
    before = threads()
    with pytest.raises(KeyboardInterrupt) as kept:
        read_clip(path, 3)
    assert threads() == before, kept


LOADER = """
import gc, sys, torch
from torch.utils.data import DataLoader, Dataset
from infomerge.video import read_clip
gc.disable()

class Clips(Dataset):
    def __len__(self): return 4
    def __getitem__(self, i):
        gc.collect()
        return torch.from_numpy(read_clip(sys.argv[1], 4, reader="pyav").frames)

if __name__ == "__main__":
    first = torch.from_numpy(read_clip(sys.argv[1], 4, reader="pyav").frames)
    for batch in DataLoader(Clips(), batch_size=2, num_workers=2, multiprocessing_context="fork"):
        assert (batch == first).all()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.parametrize("kind", ["mp4", "turned"])
def test_a_data_loader_that_forks_works_after_a_clip_was_read(kind: str, tmp_path: Path) -> None:
    path, script = CLOSED[kind](tmp_path), tmp_path / "load.py"
    script.write_text(LOADER)
    subprocess.run([sys.executable, str(script), str(path)], check=True, timeout=120)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc, which is not here")
def test_a_file_that_is_refused_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no film" * 99)
    before = open_files()
    for _ in range(5):
        with pytest.raises(UnreadableClipError):
            read_clip(path)
    assert open_files() == before
