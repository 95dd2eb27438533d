"""Procedural clips whose truth is known for every frame and every cell of any token grid.

`render_scenes` draws many clips at once, on a GPU too; `scene_clip` draws one. Each clip is a pure function of its
seed, bit for bit, whatever batch it is drawn in. The truth is computed from the script, never from the pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from torch import Tensor

from infomerge.video.drawing import LEVELS, Sighting, backgrounds, coverage, paint_over, windows_around
from infomerge.video.questions import Question, questions
from infomerge.video.script import FLASH_FRAMES, Scene, SceneObject, Script, write_script
from infomerge.video.truth import GroundTruth, Shot

__all__ = [
    "CellTruth",
    "Question",
    "Scene",
    "SceneBatch",
    "SceneClip",
    "SceneObject",
    "Script",
    "questions",
    "render_scenes",
    "scene_clip",
    "write_script",
]

# Pixels of pictures worked on at a time; a few float maps of this size are held at once.
_CHUNK_PIXELS = 1 << 23


@dataclass(frozen=True, eq=False)
class CellTruth:
    """What is true of the cells of a grid laid over the frame, in clean pixels.

    A cell's pixels are all those that it overlaps, so that pixels on the border of a grid that does not divide the
    frame belong to the cells on both sides.

    Attributes:
        still: the cell's pixels are identical in all frames of its scene; constant within a scene.
        changed: some pixel of the cell differs from the frame before, in the same scene; False in a scene's first
            frame. A cell deep inside a moving object does not change: the object has one flat colour.
        objects: number of the object that covers most of the cell (`Script.objects[number - 1]`); 0 where none
            touches it.
        coverage: the share of the cell that this object covers, from 0 to 1.
        event: the flash touches the cell in this frame.
        event_coverage: the share of the cell that the flash covers, whatever else does.
        scene: the scene of each frame, counted from 0.
    """

    still: Bool[Tensor, "*clips frames rows columns"]
    changed: Bool[Tensor, "*clips frames rows columns"]
    objects: Int64[Tensor, "*clips frames rows columns"]
    coverage: Float32[Tensor, "*clips frames rows columns"]
    event: Bool[Tensor, "*clips frames rows columns"]
    event_coverage: Float32[Tensor, "*clips frames rows columns"]
    scene: Int64[Tensor, "*clips frames"]


@dataclass(frozen=True, eq=False)
class SceneClip:
    """One procedural clip; frames, timestamps and truth are as in a `Clip`.

    Attributes:
        frames: RGB.
        script: what they show.
    """

    frames: UInt8[np.ndarray, "frames height width 3"]
    script: Script

    @property
    def timestamps(self) -> Float64[np.ndarray, "frames"]:
        """When each frame is shown, in seconds."""
        return np.arange(self.script.num_frames) / self.script.frame_rate

    @cached_property
    def truth(self) -> GroundTruth:
        """Cuts and shots. What stands still is in `cells`, since it has not the form of boxes."""
        rate = self.script.frame_rate
        cuts = tuple(scene.start for scene in self.script.scenes[1:])
        shots = tuple(
            Shot(f"scene {number}", "motion", scene.start / rate, scene.stop / rate)
            for number, scene in enumerate(self.script.scenes)
        )
        return GroundTruth(cuts, tuple(cut / rate for cut in cuts), shots)

    def cells(self, grid: tuple[int, int]) -> CellTruth:
        """What is true of each cell, without a dimension for clips; see `SceneBatch.cells`."""
        truth = _cells((self.script,), grid, torch.device("cpu"))
        return CellTruth(*(values[0] for values in vars(truth).values()))

    def questions(self) -> list[Question]:
        """What can be asked about the clip, with the answers."""
        return questions(self.script)

    def save(self, path: Path | str, crf: float = 10.0, *, force: bool = False) -> Path:
        """Write a video file; see `save_clip`."""
        from infomerge.video.h264 import save_clip  # Only a file needs PyAV.

        return save_clip(self.frames, path, self.script.frame_rate, crf, force=force)


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """Procedural clips of one length and size.

    Attributes:
        frames: RGB, on the device that they were drawn on.
        scripts: what each clip shows.
    """

    frames: UInt8[Tensor, "clips frames height width 3"]
    scripts: tuple[Script, ...]

    def cells(self, grid: tuple[int, int]) -> CellTruth:
        """What is true of each cell, on the device of the frames.

        Args:
            grid: rows and columns of equal cells, laid over the whole frame.

        Raises:
            ValueError: a side of the grid is below 1.
        """
        return _cells(self.scripts, grid, self.frames.device)

    def clip(self, number: int) -> SceneClip:
        """One clip of the batch, in main memory."""
        return SceneClip(self.frames[number].cpu().numpy(), self.scripts[number])


def render_scenes(
    seeds: Sequence[int],
    num_frames: int = 32,
    size: tuple[int, int] = (112, 112),
    *,
    scene_counts: tuple[int, int] = (2, 6),
    frame_rate: int = 8,
    object_scale: float = 1.0,
    device: torch.device | str = "cpu",
) -> SceneBatch:
    """Draw one clip for each seed: scenes of a textured still background, two still objects, one that moves, a flash.

    Args:
        seeds: non-negative integers, at least one.
        num_frames: of every clip, at least 4 for each of the most scenes.
        size: height and width in pixels, each 32 or more.
        scene_counts: the fewest and the most scenes in a clip.
        frame_rate: frames a second; it matters to timestamps and files only.
        object_scale: of all objects' radii, from 0.5 to 1.
        device: where to draw and keep the frames.

    Raises:
        ValueError: an argument is out of range.
    """
    if not len(seeds):
        raise ValueError("seeds: got none; expected at least one integer")
    scripts = tuple(
        write_script(
            int(seed),
            num_frames,
            size,
            scene_counts=scene_counts,
            frame_rate=frame_rate,
            object_scale=object_scale,
        )
        for seed in seeds
    )
    frames = _render(scripts, torch.device(device))
    return SceneBatch(frames.unflatten(0, (len(scripts), num_frames)), scripts)


def scene_clip(
    seed: int,
    num_frames: int = 32,
    size: tuple[int, int] = (112, 112),
    *,
    scene_counts: tuple[int, int] = (2, 6),
    frame_rate: int = 8,
    object_scale: float = 1.0,
) -> SceneClip:
    """Draw a single clip: the one that `render_scenes` draws for this seed.

    Raises:
        ValueError: an argument is out of range.
    """
    batch = render_scenes(
        [seed], num_frames, size, scene_counts=scene_counts, frame_rate=frame_rate, object_scale=object_scale
    )
    return batch.clip(0)


class _Timetable:
    """What is where in every frame of many clips of one length, as flat lists over all scenes and all frames."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.size = scripts[0].size
        self.scenes = [scene for script in scripts for scene in script.scenes]
        self.numbers = [number for script in scripts for number in range(len(script.scenes))]
        self.scene_of_frame = [k for k, scene in enumerate(self.scenes) for _ in range(scene.start, scene.stop)]
        self.standing = [[Sighting(scene.still[which], scene.start) for scene in self.scenes] for which in range(2)]
        self.moving = [Sighting(scene.moving, f) for scene in self.scenes for f in range(scene.start, scene.stop)]
        flashes = [
            (number * script.num_frames, Sighting(script.flash, frame))
            for number, script in enumerate(scripts)
            for frame in range(script.flash.start, script.flash.stop)
        ]
        self.flashing = [sighting for _, sighting in flashes]
        self.flash_places = [before + sighting.frame for before, sighting in flashes]


def _chunks(count: int, size: tuple[int, int]) -> list[slice]:
    """Parts of a list of pictures that are worked on one after the other, so that memory stays bounded."""
    step = max(1, _CHUNK_PIXELS // (size[0] * size[1]))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _render(scripts: Sequence[Script], device: torch.device) -> UInt8[Tensor, "frames height width 3"]:
    times = _Timetable(scripts)
    size = times.size
    scenes = torch.empty((len(times.scenes), *size, 3), dtype=torch.uint8, device=device)
    for part in _chunks(len(scenes), size):
        chosen = times.scenes[part]
        scenes[part] = backgrounds([s.tones for s in chosen], [s.texture_seed for s in chosen], size, device)
    for standing in times.standing:
        _paint_all(scenes, torch.arange(len(scenes), device=device), standing)
    frames = scenes[torch.tensor(times.scene_of_frame, device=device)]
    _paint_all(frames, torch.arange(len(frames), device=device), times.moving)
    _paint_all(frames, torch.tensor(times.flash_places, device=device), times.flashing)
    return frames


def _paint_all(
    pictures: UInt8[Tensor, "all_pictures height width 3"],
    places: Int64[Tensor, "pictures"],
    sightings: Sequence[Sighting],
) -> None:
    height, width = pictures.shape[1:3]
    for part in _chunks(len(sightings), (height, width)):
        windows = windows_around(sightings[part], (height, width), pictures.device)
        paint_over(pictures, places[part], sightings[part], windows)


def _cells(scripts: Sequence[Script], grid: tuple[int, int], device: torch.device) -> CellTruth:
    if min(grid) < 1:
        raise ValueError(f"grid: got {grid}; expected rows and columns from 1")
    times = _Timetable(scripts)
    scene_of_frame = torch.tensor(times.scene_of_frame, device=device)
    flashes = torch.tensor(times.flash_places, device=device)

    moving, changed = _covered(times.moving, times.size, grid, device)
    standing = [_covered(sightings, times.size, grid, device)[0][scene_of_frame] for sightings in times.standing]
    flash = torch.zeros_like(moving)
    flash[flashes] = _covered(times.flashing, times.size, grid, device)[0]

    lit, gone = flashes[::FLASH_FRAMES], flashes[::FLASH_FRAMES] + FLASH_FRAMES
    changed[lit] |= flash[lit] > 0
    changed[gone] |= flash[lit] > 0
    changes = torch.zeros((len(times.scenes), *grid), dtype=torch.int32, device=device)
    changes.index_add_(0, scene_of_frame, changed.int())

    scene = torch.tensor(times.numbers, device=device)[scene_of_frame]
    last = torch.tensor([len(script.objects) for script in scripts], device=device)
    numbers = [*(3 * scene + which for which in (1, 2, 3)), last.repeat_interleave(scripts[0].num_frames)]
    objects, most = _foremost([moving, *standing, flash], numbers)
    whole = LEVELS * _pixels_of_cells(times.size, grid, device)
    still = (changes == 0)[scene_of_frame]
    values = (still, changed, objects, (most / whole).float(), flash > 0, (flash / whole).float(), scene)
    return CellTruth(*(value.unflatten(0, (len(scripts), -1)) for value in values))


def _foremost(
    layers: Sequence[Float64[Tensor, "frames rows columns"]], numbers: Sequence[Int64[Tensor, "frames"]]
) -> tuple[Int64[Tensor, "frames rows columns"], Float64[Tensor, "frames rows columns"]]:
    """The number of the layer that covers most of each cell, the first of equals, and how much it covers."""
    most = torch.zeros_like(layers[0])
    objects = torch.zeros_like(most, dtype=torch.int64)
    for covered, number in zip(layers, numbers, strict=True):
        objects = torch.where(covered > most, number[:, None, None], objects)
        most = torch.maximum(most, covered)
    return objects, most


def _covered(
    sightings: Sequence[Sighting], size: tuple[int, int], grid: tuple[int, int], device: torch.device
) -> tuple[Float64[Tensor, "pictures rows columns"], Bool[Tensor, "pictures rows columns"]]:
    """Sixteenths of pixels of each cell that the object covers, and whether this differs from the frame before."""
    covered, moved = [], []
    for part in _chunks(len(sightings), size):
        windows = windows_around(sightings[part], size, device)
        rows = _belonging(windows.rows, size[0], grid[0])
        columns = _belonging(windows.columns, size[1], grid[1]).mT
        now = coverage(sightings[part], windows)
        # A scene's first frame counts as unchanged.
        earlier = [Sighting(item, max(frame - 1, item.start)) for item, frame in sightings[part]]
        differs = now != coverage(earlier, windows)
        # Whole numbers, so that the products are exact.
        covered.append(rows @ now.double() @ columns)
        moved.append(rows @ differs.double() @ columns > 0)
    return torch.cat(covered), torch.cat(moved)


def _belonging(
    pixels: Int64[Tensor, "pictures side"], side: int, cells: int
) -> Float64[Tensor, "pictures {cells} side"]:
    """1 where a cell overlaps a pixel, among `side` rows or columns of pixels; 0 elsewhere."""
    cell = torch.arange(cells, device=pixels.device)[:, None]
    pixel = pixels[:, None]
    return ((pixel * cells < (cell + 1) * side) & ((pixel + 1) * cells > cell * side)).double()


def _pixels_of_cells(
    size: tuple[int, int], grid: tuple[int, int], device: torch.device
) -> Float64[Tensor, "rows columns"]:
    rows, columns = (
        _belonging(torch.arange(side, device=device)[None], side, cells)[0].sum(dim=1)
        for side, cells in zip(size, grid, strict=True)
    )
    return rows[:, None] * columns
