"""Procedural clips: what their scripts say, held against the pixels, and the questions that follow from it."""

import math
import stat
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infomerge.video import h264, read_clip
from infomerge.video.h264 import save_clip
from infomerge.video.scenes import SceneClip, SceneObject, questions, render_scenes, scene_clip, write_script
from infomerge.video.script import COLORS, SHAPES

SEEDS = range(10)


@pytest.fixture(scope="module")
def clips() -> list[SceneClip]:
    batch = render_scenes(SEEDS)
    return [batch.clip(number) for number in range(len(SEEDS))]


@pytest.fixture(scope="module")
def large() -> SceneClip:
    """Large enough that a soft edge is a small part of an object."""
    return scene_clip(4, 32, (320, 400))


def cell_slices(side: int, cells: int) -> list[slice]:
    return [slice(math.floor(k * side / cells), math.ceil((k + 1) * side / cells)) for k in range(cells)]


def any_in_cells(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    rows, columns = (cell_slices(side, cells) for side, cells in zip(mask.shape[1:], grid, strict=True))
    return np.stack([np.stack([mask[:, r, c].any(axis=(1, 2)) for c in columns], axis=1) for r in rows], axis=1)


def has_color(frames: np.ndarray, name: str) -> np.ndarray:
    return (frames == np.array(COLORS[name], dtype=np.uint8)).all(axis=-1)


def cut_frames(frames: np.ndarray) -> list[int]:
    """The first frame of every scene after the first, seen in the pixels."""
    change = (frames[1:] != frames[:-1]).any(axis=-1).mean(axis=(1, 2))
    assert ((change < 0.2) | (change > 0.8)).all()
    return (np.flatnonzero(change > 0.8) + 1).tolist()


@pytest.mark.parametrize("size", [(112, 112), (113, 75)])
def test_a_clip_depends_on_its_seed_alone(size: tuple[int, int]) -> None:
    batch = render_scenes([7, 2, 31, 5, 2], size=size)
    assert batch.frames.dtype == torch.uint8
    assert batch.frames.shape == (5, 32, *size, 3)
    assert torch.equal(batch.frames[1], batch.frames[4])
    for number, seed in enumerate([7, 2, 31, 5]):
        alone = scene_clip(seed, size=size)
        assert np.array_equal(alone.frames, batch.frames[number].numpy())
        assert alone.script == batch.scripts[number]
        cells, among = alone.cells((7, 5)), batch.cells((7, 5))
        assert all(torch.equal(value, getattr(among, name)[number]) for name, value in vars(cells).items())
    assert not torch.equal(batch.frames[0], batch.frames[1])


def test_everything_is_made_on_the_device_that_is_asked_for() -> None:
    # On "meta", as on a GPU, an operation that mixes devices fails.
    batch = render_scenes([1, 2], device="meta")
    assert batch.frames.shape == (2, 32, 112, 112, 3)
    for values in (batch.frames, *vars(batch.cells((7, 7))).values()):
        assert values.device.type == "meta"


def test_pixels_do_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = scene_clip(3).frames
        torch.set_num_threads(3)
        three = scene_clip(3).frames
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(one, three)


@pytest.mark.parametrize(
    ("seed", "frames", "size", "grid"),
    [
        *((seed, 32, (112, 112), (14, 14)) for seed in SEEDS),
        (0, 32, (112, 112), (7, 7)),
        (1, 32, (112, 112), (112, 112)),
        (2, 24, (32, 32), (5, 3)),
        (3, 300, (33, 57), (4, 9)),
        (4, 40, (90, 160), (14, 14)),
        (5, 24, (150, 40), (1, 1)),
        (6, 32, (32, 48), (40, 50)),
    ],
)
def test_still_and_changed_cells_are_those_of_the_pixels(
    seed: int, frames: int, size: tuple[int, int], grid: tuple[int, int]
) -> None:
    clip = scene_clip(seed, frames, size)
    truth = clip.cells(grid)
    differs = np.zeros((frames, *size), dtype=bool)
    differs[1:] = (clip.frames[1:] != clip.frames[:-1]).any(axis=-1)
    cuts = [0, *cut_frames(clip.frames), frames]
    differs[cuts[:-1]] = False
    changed = any_in_cells(differs, grid)
    still = np.zeros_like(changed)
    for start, stop in pairwise(cuts):
        first = clip.frames[start : start + 1]
        still[start:stop] = ~any_in_cells((clip.frames[start:stop] != first).any(axis=-1), grid).any(axis=0)
    assert np.array_equal(truth.changed.numpy(), changed)
    assert np.array_equal(truth.still.numpy(), still)
    assert truth.scene.tolist() == [k for k, (start, stop) in enumerate(pairwise(cuts)) for _ in range(start, stop)]
    assert changed.any()
    assert grid == (1, 1) or still.any()


@pytest.mark.parametrize("grid", [(7, 7), (14, 14), (5, 9)])
def test_cells_show_the_color_of_the_object_that_covers_them(clips: list[SceneClip], grid: tuple[int, int]) -> None:
    for clip in clips[:4]:
        truth = clip.cells(grid)
        anything = np.stack([has_color(clip.frames, name) for name in COLORS]).any(axis=0)
        assert not (any_in_cells(anything, grid) & (truth.objects == 0).numpy()).any()
        assert torch.equal(truth.coverage > 0, truth.objects > 0)
        rows, columns = (cell_slices(112, cells) for cells in grid)
        for frame, row, column in (truth.coverage > 0.2).nonzero().tolist():
            item = clip.script.objects[int(truth.objects[frame, row, column]) - 1]
            pure = has_color(clip.frames[frame, rows[row], columns[column]], item.color).mean()
            # The soft edge is not of the pure colour.
            assert truth.coverage[frame, row, column] - 0.45 <= pure <= truth.coverage[frame, row, column]


SHARES_OF_SQUARED_RADIUS = {
    "circle": math.pi * 0.88**2,
    "square": 2.0,
    "triangle": 3 * math.sqrt(3) / 4,
    "cross": 2 * 1.8 * 0.6 - 0.6**2,
    # Ten triangles between the centre, a tip and an inner corner.
    "star": 5 * math.sin(math.pi / 5) * math.cos(0.4 * math.pi) / math.cos(0.2 * math.pi),
}


def test_objects_have_the_area_of_their_shapes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(3):
        clip = scene_clip(seed, 24, (160, 160))
        truth = clip.cells((160, 160))
        area = torch.zeros(24, len(clip.script.objects) + 1).scatter_add_(
            1, truth.objects.flatten(1), truth.coverage.flatten(1)
        )
        for number, item in enumerate(clip.script.objects, start=1):
            for frame in range(24):
                expected = SHARES_OF_SQUARED_RADIUS[item.shape] * item.radius**2
                there = item.start <= frame < item.stop
                assert area[frame, number] == pytest.approx(expected if there else 0, rel=0.03)
            seen[item.shape] += 1
    assert set(seen) == {*SHAPES, "star"}


@pytest.mark.parametrize("grid", [(1, 1), (2, 4), (8, 8), (5, 9)])
def test_the_flash_covers_its_area_whatever_else_is_in_the_cell(grid: tuple[int, int]) -> None:
    for seed in range(4):
        clip = scene_clip(seed, 32, (96, 96))
        truth, pixels = clip.cells(grid), clip.cells((96, 96))
        flash = torch.where(pixels.objects == len(clip.script.objects), pixels.coverage, 0).double()
        rows, columns = (cell_slices(96, cells) for cells in grid)
        expected = [[flash[:, r, c].mean(dim=(1, 2)) for c in columns] for r in rows]
        torch.testing.assert_close(
            truth.event_coverage.double(), torch.stack([torch.stack(row, -1) for row in expected], 1)
        )
        assert torch.equal(truth.event_coverage > 0, truth.event)


def test_objects_never_touch_each_other_or_the_border() -> None:
    for seed in range(60):
        script = write_script(seed, size=(32, 45))
        for frame in range(script.num_frames):
            shown = [item for item in script.objects if item.start <= frame < item.stop]
            for number, item in enumerate(shown):
                x, y = item.center(frame)
                assert min(x, y, 45 - x, 32 - y) >= item.radius + 0.499
                for other in shown[:number]:
                    u, v = other.center(frame)
                    assert max(abs(x - u), abs(y - v)) >= item.radius + other.radius + 0.999


def centers(clip: SceneClip, item: SceneObject) -> np.ndarray:
    """The middle of the pixels in the object's colour, a frame a row, x before y."""
    middles = []
    for frame in range(item.start, item.stop):
        ys, xs = np.nonzero(has_color(clip.frames[frame], item.color))
        middles.append((xs.mean() + 0.5, ys.mean() + 0.5))
    return np.array(middles)


def test_moving_objects_move_steadily_the_way_that_is_said(large: SceneClip) -> None:
    for scene in large.script.scenes:
        steps = np.diff(centers(large, scene.moving), axis=0)
        way = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[scene.moving.direction or ""]
        expected = np.array(way) * scene.moving.speed
        assert steps == pytest.approx(np.broadcast_to(expected, steps.shape), abs=0.7)
        assert steps.mean(axis=0) == pytest.approx(expected, abs=0.25)
        assert scene.moving.speed > 1
        for still in scene.still:
            assert np.ptp(centers(large, still), axis=0).max() == 0


def test_the_flash_is_in_its_two_frames_only(clips: list[SceneClip]) -> None:
    for clip in clips:
        flash = clip.script.flash
        scene = clip.script.scenes[clip.script.flash_scene]
        assert scene.start < flash.start < flash.start + 2 == flash.stop < scene.stop
        lit = has_color(clip.frames[scene.start : scene.stop], flash.color)
        shown = np.flatnonzero(lit.any(axis=(1, 2))) + scene.start
        assert shown.tolist() == [flash.start, flash.start + 1]
        event = clip.cells((14, 14)).event.numpy()
        assert np.flatnonzero(event.any(axis=(1, 2))).tolist() == shown.tolist()
        assert not (any_in_cells(lit, (14, 14)) & ~event[scene.start : scene.stop]).any()


def test_backgrounds_are_textured_and_differ_between_scenes(clips: list[SceneClip]) -> None:
    for clip in clips:
        means = []
        for scene in clip.script.scenes:
            picture = clip.frames[scene.start].astype(float)
            background = picture[~np.stack([has_color(picture, name) for name in COLORS]).any(axis=0)]
            assert 2 < background.std(axis=0).max() < 40
            means.append(background.mean(axis=0))
        assert all(np.abs(a - b).max() > 5 for a, b in pairwise(means))


def test_the_truth_of_a_clip_finds_its_cuts(clips: list[SceneClip]) -> None:
    for clip in clips:
        cuts = cut_frames(clip.frames)
        assert list(clip.truth.cut_frames) == cuts
        assert (clip.truth.cut_after(clip.timestamps) + 1).tolist() == cuts
        assert clip.truth.shots[-1].end_s == 32 / 8


def test_answers_are_those_of_the_pixels(clips: list[SceneClip]) -> None:
    for clip in clips:
        asked = {kind: [q for q in clip.questions() if q.kind == kind] for kind in ("scenes", "flash", "motion")}
        assert asked["scenes"][0].answer == str(len(cut_frames(clip.frames)) + 1)
        flash = clip.script.flash
        new = (clip.frames[flash.start] != clip.frames[flash.start - 1]).any(axis=-1)
        x, y = flash.center(flash.start)
        middle = clip.frames[flash.start, int(y), int(x)]
        assert new[int(y), int(x)]
        assert tuple(middle.tolist()) == COLORS[asked["flash"][0].answer]
        assert len(asked["motion"]) == len(clip.script.scenes)
        for question, scene in zip(asked["motion"], clip.script.scenes, strict=True):
            color = next(name for name in COLORS if name in question.text)
            moved = [c for c in (centers(clip, item) for item in (scene.moving, *scene.still)) if np.ptp(c) and len(c)]
            right, down = next(c[-1] - c[0] for c in moved if np.ptp(c, axis=0).max() > 1)
            seen = ("right" if right > 0 else "left") if abs(right) > abs(down) else ("down" if down > 0 else "up")
            assert scene.moving.color == color
            assert question.answer == seen


def test_existence_is_asked_of_pairs_that_do_and_do_not_exist() -> None:
    for seed in range(100):
        script = write_script(seed)
        there = {f"Is there a {item.color} {item.shape}?" for item in script.objects}
        asked = [question for question in questions(script) if question.kind == "exists"]
        assert [question.answer == "yes" for question in asked] == [question.text in there for question in asked]
        assert Counter(question.answer for question in asked) == {"yes": 3, "no": 3}
        assert len({question.text for question in asked}) == 6
        assert not any("star" in question.text for question in asked)


def test_answers_are_balanced() -> None:
    balanced = ("flash", "motion", "exists", "where", "scenes")
    answers: dict[str, Counter[str]] = {kind: Counter() for kind in balanced}
    choices: dict[str, set[tuple[str, ...]]] = {kind: set() for kind in answers}
    for seed in range(700):
        for question in questions(write_script(seed), kinds=balanced):
            assert question.answer in question.choices
            answers[question.kind][question.answer] += 1
            choices[question.kind].add(question.choices)
    for kind, counted in answers.items():
        (possible,) = choices[kind]
        total, share = counted.total(), 1 / len(possible)
        slack = 4 * math.sqrt(total * share * (1 - share))
        assert set(counted) == set(possible)
        assert all(abs(number - total * share) < slack for number in counted.values())


def test_more_scenes_than_colors_still_give_certain_answers() -> None:
    script = write_script(1, 100, scene_counts=(12, 12))
    moving = Counter(scene.moving.color for scene in script.scenes)
    asked = [question.text for question in questions(script) if question.kind == "motion"]
    assert len(script.scenes) == 12
    assert sorted(asked) == sorted(f"Which way does the {c} object move?" for c, n in moving.items() if n == 1)
    assert questions(write_script(1, scene_counts=(1, 1)))[-1].answer == "1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": []}, "seeds: got none"),
        ({"seeds": [-1]}, "seed: got -1"),
        ({"num_frames": 23}, "num_frames: got 23; expected 24 or more"),
        ({"size": (31, 112)}, r"size: got \(31, 112\)"),
        ({"scene_counts": (0, 3)}, "scene_counts: got"),
        ({"scene_counts": (5, 3)}, "scene_counts: got"),
        ({"frame_rate": 0}, "frame_rate: got 0"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render_scenes(**{"seeds": [0], **change})


def test_bad_grids_and_counts_are_named(clips: list[SceneClip]) -> None:
    with pytest.raises(ValueError, match="grid: got"):
        clips[0].cells((0, 4))
    with pytest.raises(ValueError, match="existence_pairs: got 7"):
        questions(clips[0].script, existence_pairs=7)


@pytest.mark.parametrize("size", [(112, 112), (75, 113)])
def test_saved_clips_are_read_back(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = scene_clip(8, size=size)
    path = clip.save(tmp_path / "clip.mp4")
    read = read_clip(path)
    assert read.frames.shape == clip.frames.shape
    assert read.timestamps == pytest.approx(clip.timestamps)
    assert np.abs(read.frames.astype(int) - clip.frames).mean(axis=(1, 2, 3)).max() < 3
    again = clip.save(tmp_path / "again.mp4")
    assert again.read_bytes() == path.read_bytes()
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_saving_loses_nothing(tmp_path: Path, clips: list[SceneClip], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="force=True"):
        save_clip(clips[0].frames, path)
    with monkeypatch.context() as patch:
        patch.setattr(h264, "encode", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            clips[0].save(path, force=True)
    assert path.read_text() == "mine"
    clips[0].save(path, force=True)
    assert read_clip(path).metadata.frame_count == 32
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        clips[0].save(tmp_path / "missing" / "clip.mp4")
