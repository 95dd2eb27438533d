"""Times ascend and add up, whatever a container's clock does."""

import random
import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from infomerge.video import Clip, read_clip
from infomerge.video.clock import ascending
from tests.media import X264_CLOSED, X264_OPEN, frame_number, join, remux, sequential_frames, write_video

MPEG2 = {"bf": "2", "g": "12"}
X265 = {"x265-params": "pools=1:log-level=none:keyint=12:bframes=2"}
VPX = {"cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "16"}


def read_all(path: Path) -> Clip:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_clip(path, num_frames=500)


def assert_even_times(clip: Clip, count: int) -> None:
    """Frames of 25 a second: to the tick of the coarsest container, a millisecond."""
    assert clip.metadata.frame_count == count
    assert clip.timestamps == pytest.approx(np.arange(count) / 25, abs=1.1e-3)
    assert clip.metadata.duration == pytest.approx(count / 25, abs=2e-3)


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("ts", "libx264", X264_CLOSED),
        ("ts", "libx264", X264_OPEN),
        ("m2ts", "mpeg2video", MPEG2),
        ("mpg", "mpeg2video", MPEG2),
        ("vob", "mpeg2video", MPEG2),
        ("mkv", "libx264", X264_CLOSED),
        ("mkv", "libx264", X264_OPEN),
        ("webm", "libvpx-vp9", VPX),
        ("avi", "mpeg4", MPEG2),
        ("gif", "gif", {}),
    ],
)
def test_parts_joined_byte_by_byte_follow_each_other(
    suffix: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
    part = write_video(tmp_path / f"part.{suffix}", 30, codec, options, pix_fmt=pix_fmt)
    path = join(tmp_path / f"joined.{suffix}", part, part, part)
    clip = read_all(path)
    # FFmpeg takes no more than two parts of Matroska for one film.
    count = len(sequential_frames(path)[0])
    assert count == (60 if suffix in ("mkv", "webm") else 90)
    assert_even_times(clip, count)
    assert [frame_number(frame) for frame in clip.frames] == [*range(30)] * (count // 30)


# Of a clock of 33 bits and 90,000 ticks a second, two seconds before it runs over.
BEFORE_WRAP_S = 2**33 / 90_000 - 2


def broadcast(seed: int, folder: Path) -> tuple[Path, str]:
    """Parts of one programme, each with a clock that restarts, jumps or runs over, and what was done."""
    draw = random.Random(seed)
    suffix, codec, options = draw.choice(
        [
            ("ts", "libx264", X264_CLOSED),
            ("ts", "libx264", X264_OPEN),
            ("ts", "libx265", X265),
            ("ts", "mpeg2video", MPEG2),
            ("mpg", "mpeg2video", MPEG2),
        ]
    )
    shifts = [draw.choice([0.0, 1.0, 60.0, 7200.0, BEFORE_WRAP_S, draw.uniform(0, 90_000)]) for _ in range(3)]
    whole = write_video(folder / f"whole.{suffix}", 30, codec, options)
    parts = [remux(folder / f"{i}.{suffix}", (whole, 0), shift=shift) for i, shift in enumerate(shifts)]
    return join(folder / f"all.{suffix}", *parts), f"{suffix} {codec} {shifts}"


@pytest.mark.parametrize("seed", range(24))
def test_clocks_of_broadcasts_may_restart_jump_and_run_over(seed: int, tmp_path: Path) -> None:
    path, what = broadcast(seed, tmp_path)
    clip = read_all(path)
    shown, _ = sequential_frames(path)
    assert np.array_equal(clip.frames, shown), what
    assert (np.diff(clip.timestamps) > 0).all(), what
    # Less than ten seconds ahead is a part that was not received, and a second is the only such step here.
    steps = np.diff(clip.timestamps)
    assert steps == pytest.approx(np.where(steps > 0.9, steps, 0.04), abs=1e-6), what
    assert clip.metadata.duration == pytest.approx(clip.timestamps[-1] + 0.04), what


def test_a_clock_that_runs_over_in_the_midst_of_a_part(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.ts", 60, options=X264_CLOSED)
    late = remux(tmp_path / "late.ts", (whole, 0), shift=BEFORE_WRAP_S)
    assert_even_times(read_all(join(tmp_path / "all.ts", late, late)), 120)


def test_a_gap_of_some_seconds_in_a_broadcast_stays(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.ts", 30, options=X264_CLOSED)
    times = read_all(join(tmp_path / "all.ts", whole, remux(tmp_path / "b.ts", (whole, 0), shift=5.0))).timestamps
    assert times[29:31] == pytest.approx([1.16, 5.0], abs=0.1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_long_still_picture_in_a_file_stays_long(suffix: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"slides.{suffix}", 4, options=X264_CLOSED, frame_times=[0, 30_000, 90_000, 90_040])
    assert read_all(path).timestamps == pytest.approx([0, 30, 90, 90.04])


# Without H.264, HEVC and MPEG-4 in MPEG-PS: FFmpeg's writer gives their pictures times that are off, by chance.
CONTAINERS = {
    "libx264": ["mp4", "mov", "mkv", "avi", "ts", "m2ts", "flv", "nut", "asf", "3gp", "mxf", "wtv", "h264"],
    "libx265": ["mp4", "mkv", "ts", "flv", "nut", "hevc"],
    "mpeg2video": ["mp4", "mkv", "avi", "ts", "mpg", "vob", "mxf", "nut", "asf", "wtv", "m2v"],
    "mpeg4": ["mp4", "mkv", "avi", "nut", "asf", "3gp", "m4v"],
    "libvpx-vp9": ["webm", "ivf", "mp4", "nut", "avi"],
    "libvpx": ["webm", "ivf", "nut", "avi"],
}
OPTIONS = {"libx264": X264_CLOSED, "libx265": X265, "mpeg2video": MPEG2, "mpeg4": MPEG2}


@pytest.mark.parametrize(
    ("codec", "suffix"), [(codec, suffix) for codec, suffixes in CONTAINERS.items() for suffix in suffixes]
)
def test_reordered_pictures_have_even_times_in_every_container(codec: str, suffix: str, tmp_path: Path) -> None:
    try:
        path = write_video(tmp_path / f"a.{suffix}", 40, codec, OPTIONS.get(codec, VPX))
    except (av.codec.codec.UnknownCodecError, av.error.FFmpegError) as error:
        pytest.skip(f"this build of PyAV does not write {codec} into {suffix}: {error}")
    clip = read_all(path)
    assert [frame_number(frame) for frame in clip.frames] == list(range(40))
    assert_even_times(clip, 40)


def test_times_that_ascend_stay() -> None:
    assert ascending([3, 5, 90], Fraction(1)) == [3, 5, 90]


def test_times_in_the_order_of_decoding_are_sorted() -> None:
    assert ascending([1, 3, 4, 2, 6, 7, 5], Fraction(1)) == [1, 2, 3, 4, 5, 6, 7]


def test_missing_times_follow_the_rate() -> None:
    assert ascending([None, None, None], Fraction(5, 2)) == [0, 2, 5]
    assert ascending([None, 10, None, 20, None], Fraction(4)) == [6, 10, 15, 20, 24]


def test_single_times_that_are_far_off_are_replaced() -> None:
    times: list[int | None] = list(range(0, 400, 4))
    times[50] = 9_999_999
    times[70] = -8
    assert ascending(times, Fraction(4)) == list(range(0, 400, 4))


def test_repeated_times_are_told_apart() -> None:
    assert ascending([0, 0, 0, 9], Fraction(4)) == [0, 1, 2, 9]
    assert ascending([0, 8, 8, 4], Fraction(4), [0, 4, 8, 12]) == [0, 4, 8, 12]


@pytest.mark.parametrize("seed", range(50))
def test_whatever_the_times_they_ascend(seed: int) -> None:
    draw = random.Random(seed)
    times = [draw.choice([None, draw.randint(-50, 50), 7]) for _ in range(draw.randint(1, 60))]
    result = ascending(times, Fraction(draw.randint(1, 9)))
    assert len(result) == len(times)
    assert all(earlier < later for earlier, later in pairwise(result))
