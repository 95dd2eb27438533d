"""What a procedural clip shows: scenes, objects and a flash, drawn from a seed before any pixel exists."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

Color = tuple[int, int, int]

# Each has a channel of 186 or more and no background one above 124, so that an edge changes every pixel it crosses.
COLORS: Mapping[str, Color] = MappingProxyType(
    {
        "red": (228, 52, 46),
        "green": (44, 186, 84),
        "blue": (58, 112, 246),
        "yellow": (247, 208, 46),
        "magenta": (222, 66, 204),
        "cyan": (52, 206, 222),
        "white": (246, 246, 246),
    }
)
SHAPES = ("circle", "square", "triangle", "cross")
"""What objects look like; a star is always the flash."""
DIRECTIONS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
)

FLASH_FRAMES = 2
# Room for a flash with a frame before and a frame after it.
SHORTEST_SCENE = FLASH_FRAMES + 2
SMALLEST_SIDE = 32
SMALLEST_SCALE = 0.5

# In shares of the frame's shorter side: half a place bounds the radius, and a frame has at least 4 x 4 places.
_PLACE = 0.25
_RADIUS = (0.085, 0.115)
_SPEED = (0.02, 0.045)
_BRIGHTEST_BACKGROUND = 124


@dataclass(frozen=True)
class SceneObject:
    """A shape of one colour on a straight path, seen in frames start <= f < stop. Lengths and places are in pixels.

    Attributes:
        shape: one of `SHAPES`, or "star".
        colour: a name in `COLORS`.
        x, y: the centre in frame `start`; the frame's upper left corner is at 0, 0.
        radius: of the circle that the shape stays in.
        direction: of its motion, a name in `DIRECTIONS`; None for a still object.
        speed: pixels a frame.
        start, stop: the first frame that shows it and the first that no longer does.
    """

    shape: str
    color: str
    x: float
    y: float
    radius: float
    direction: str | None
    speed: float
    start: int
    stop: int

    def center(self, frame: int) -> tuple[float, float]:
        """Where its centre is in a frame, x before y."""
        if self.direction is None:
            return self.x, self.y
        right, down = DIRECTIONS[self.direction]
        way = self.speed * (frame - self.start)
        return self.x + right * way, self.y + down * way


@dataclass(frozen=True)
class Scene:
    """The frames start <= f < stop between two cuts.

    Attributes:
        start, stop: its first frame, and the first frame of the next scene.
        tones: the two colours that the background's texture runs between.
        texture_seed: draws the texture.
        moving: the one object that moves.
        still: the two that do not.
    """

    start: int
    stop: int
    tones: tuple[Color, Color]
    texture_seed: int
    moving: SceneObject
    still: tuple[SceneObject, SceneObject]


@dataclass(frozen=True)
class Script:
    """Everything that a procedural clip shows.

    Attributes:
        seed: what it was drawn from.
        num_frames: its length.
        size: height and width in pixels.
        frame_rate: frames a second.
        scene_counts: the fewest and the most scenes that it could have had.
        scenes: its scenes in order, without gaps.
        flash: the star that lights up for two frames inside one scene, at a place where nothing else comes.
    """

    seed: int
    num_frames: int
    size: tuple[int, int]
    frame_rate: int
    scene_counts: tuple[int, int]
    scenes: tuple[Scene, ...]
    flash: SceneObject

    @cached_property
    def objects(self) -> tuple[SceneObject, ...]:
        """Every object: of each scene the moving one and the two still ones, then the flash.

        Object number n in a map of objects is `objects[n - 1]`; 0 is the background.
        """
        return (*(item for scene in self.scenes for item in (scene.moving, *scene.still)), self.flash)

    @cached_property
    def flash_scene(self) -> int:
        """The scene with the flash, counted from 0."""
        return next(k for k, scene in enumerate(self.scenes) if scene.start <= self.flash.start < scene.stop)


def write_script(
    seed: int,
    num_frames: int = 32,
    size: tuple[int, int] = (112, 112),
    *,
    scene_counts: tuple[int, int] = (2, 6),
    frame_rate: int = 8,
    object_scale: float = 1.0,
) -> Script:
    """Draw from a seed what a clip shows; the same arguments always give the same script.

    In every scene one object moves steadily left, right, up or down along a lane of its own, and two stand still. The
    number of scenes, the flash's colour and the directions are each drawn uniformly. In clips of up to seven scenes,
    moving objects have different colours.

    Args:
        seed: a non-negative integer.
        num_frames: at least 4 for each of the most scenes.
        size: height and width in pixels, each 32 or more.
        scene_counts: the fewest and the most scenes.
        frame_rate: frames a second, 1 or more; it matters to timestamps and files only.
        object_scale: of all objects' radii, from 0.5 to 1. A scale changes nothing else that is drawn but the paths'
            room.

    Raises:
        ValueError: an argument is out of range.
    """
    _check_arguments(seed, num_frames, size, scene_counts, frame_rate, object_scale)
    rng = np.random.default_rng(seed)
    count = int(rng.integers(scene_counts[0], scene_counts[1] + 1))
    bounds = _scene_bounds(rng, num_frames, count)
    movers = [name for _ in range(0, count, len(COLORS)) for name in _shuffled(rng, COLORS)]
    # Hues spread over the whole circle tell the scenes apart; shuffled, since a rainbow in order would tell the time.
    hues = (rng.random() + (rng.permutation(count) + 0.3 * rng.random(count)) / count) % 1.0
    drawn = [
        _draw_scene(rng, start, stop, movers[k], float(hues[k]), size, object_scale)
        for k, (start, stop) in enumerate(pairwise(bounds))
    ]
    scene, spot = drawn[int(rng.integers(count))]
    return Script(
        seed=seed,
        num_frames=num_frames,
        size=size,
        frame_rate=frame_rate,
        scene_counts=scene_counts,
        scenes=tuple(scene for scene, _ in drawn),
        flash=_draw_flash(rng, scene, spot),
    )


def _check_arguments(
    seed: int,
    num_frames: int,
    size: tuple[int, int],
    scene_counts: tuple[int, int],
    frame_rate: int,
    object_scale: float,
) -> None:
    fewest, most = scene_counts
    if seed < 0:
        raise ValueError(f"seed: got {seed}; expected integers from 0")
    if not 1 <= fewest <= most:
        raise ValueError(f"scene_counts: got {scene_counts}; expected (fewest, most) with 1 <= fewest <= most")
    if num_frames < SHORTEST_SCENE * most:
        raise ValueError(
            f"num_frames: got {num_frames}; expected {SHORTEST_SCENE * most} or more for up to {most} scenes, "
            f"{SHORTEST_SCENE} frames each (scene_counts says how many scenes there may be)"
        )
    if min(size) < SMALLEST_SIDE:
        raise ValueError(f"size: got {size}; expected a height and a width of {SMALLEST_SIDE} pixels or more")
    if frame_rate < 1:
        raise ValueError(f"frame_rate: got {frame_rate}; expected whole frames a second from 1")
    if not SMALLEST_SCALE <= object_scale <= 1:
        raise ValueError(f"object_scale: got {object_scale}; expected {SMALLEST_SCALE} to 1")


def _scene_bounds(rng: np.random.Generator, num_frames: int, count: int) -> list[int]:
    """The first frame of every scene, and the end of the last."""
    spare = num_frames - SHORTEST_SCENE * count
    shares = np.sort(rng.integers(0, spare + 1, size=count - 1))
    starts = shares + SHORTEST_SCENE * np.arange(1, count)
    return [0, *starts.tolist(), num_frames]


def _shuffled(rng: np.random.Generator, names: Mapping[str, object] | Sequence[str]) -> list[str]:
    listed = list(names)
    return [listed[i] for i in rng.permutation(len(listed))]


class _Spot(NamedTuple):
    """Where an object can be without leaving its place."""

    x: float
    y: float
    radius: float


def _draw_scene(
    rng: np.random.Generator,
    start: int,
    stop: int,
    mover_color: str,
    hue: float,
    size: tuple[int, int],
    scale: float,
) -> tuple[Scene, _Spot]:
    """A scene, and a spot in it that stays empty."""
    direction = list(DIRECTIONS)[int(rng.integers(len(DIRECTIONS)))]
    lane, spots = _draw_layout(rng, direction, size, scale)
    colors = [name for name in _shuffled(rng, COLORS) if name != mover_color]
    shapes = [SHAPES[int(i)] for i in rng.integers(len(SHAPES), size=3)]
    scene = Scene(
        start=start,
        stop=stop,
        tones=_draw_tones(rng, hue),
        texture_seed=int(rng.integers(2**32)),
        moving=_draw_mover(rng, shapes[0], mover_color, lane, direction, (start, stop), size),
        still=(
            SceneObject(shapes[1], colors[0], *spots[0], None, 0.0, start, stop),
            SceneObject(shapes[2], colors[1], *spots[1], None, 0.0, start, stop),
        ),
    )
    return scene, spots[2]


def _draw_layout(
    rng: np.random.Generator, direction: str, size: tuple[int, int], scale: float
) -> tuple[_Spot, list[_Spot]]:
    """A spot whose row or column of places is the mover's alone, and three spots in different places elsewhere."""
    place = _PLACE * min(size)
    rows, columns = int(size[0] // place), int(size[1] // place)
    lane_row, lane_column = int(rng.integers(rows)), int(rng.integers(columns))
    along_row = direction in ("left", "right")
    free = [
        (row, column)
        for row in range(rows)
        for column in range(columns)
        if (row != lane_row if along_row else column != lane_column)
    ]
    taken = [free[int(i)] for i in rng.choice(len(free), size=3, replace=False)]
    places = [(lane_row, lane_column), *taken]
    spots = [_draw_spot(rng, row, column, (rows, columns), size, scale) for row, column in places]
    return spots[0], spots[1:]


def _draw_spot(
    rng: np.random.Generator, row: int, column: int, places: tuple[int, int], size: tuple[int, int], scale: float
) -> _Spot:
    side = min(size)
    # Half a pixel is left for the soft edge.
    radius = min(float(rng.uniform(*_RADIUS)) * side * scale, _PLACE * side / 2 - 0.5)
    height, width = size[0] / places[0], size[1] / places[1]
    off_x, off_y = rng.uniform(-1, 1, size=2)
    x = (column + 0.5) * width + float(off_x) * (width / 2 - radius - 0.5)
    y = (row + 0.5) * height + float(off_y) * (height / 2 - radius - 0.5)
    return _Spot(x, y, radius)


def _draw_mover(
    rng: np.random.Generator,
    shape: str,
    color: str,
    lane: _Spot,
    direction: str,
    span: tuple[int, int],
    size: tuple[int, int],
) -> SceneObject:
    """An object that stays inside the frame over its whole path, slowed down where the scene is long."""
    right, down = DIRECTIONS[direction]
    extent = size[1] if right else size[0]
    room = extent - 2 * (lane.radius + 1)
    steps = span[1] - span[0] - 1
    speed = min(float(rng.uniform(*_SPEED)) * min(size), room / steps)
    begin = lane.radius + 1 + float(rng.random()) * (room - speed * steps)
    if right + down < 0:
        begin = extent - begin
    x, y = (begin, lane.y) if right else (lane.x, begin)
    return SceneObject(shape, color, x, y, lane.radius, direction, speed, *span)


def _draw_tones(rng: np.random.Generator, hue: float) -> tuple[Color, Color]:
    """A muted darker and a muted lighter colour, close in hue."""
    saturation, value, turn = rng.uniform((0.35, 0.25, -0.07), (0.6, 0.32, 0.07))
    dark = colorsys.hsv_to_rgb(hue, saturation, value * 0.8)
    light = colorsys.hsv_to_rgb((hue + turn) % 1.0, saturation * 0.75, value * 1.5)
    return _as_color(dark), _as_color(light)


def _as_color(rgb: tuple[float, float, float]) -> Color:
    red, green, blue = (min(round(255 * channel), _BRIGHTEST_BACKGROUND) for channel in rgb)
    return red, green, blue


def _draw_flash(rng: np.random.Generator, scene: Scene, spot: _Spot) -> SceneObject:
    """A star in a colour that nothing else in its scene has, with a frame of the scene before and after it."""
    there = {item.color for item in (scene.moving, *scene.still)}
    color = next(name for name in _shuffled(rng, COLORS) if name not in there)
    start = int(rng.integers(scene.start + 1, scene.stop - FLASH_FRAMES))
    return SceneObject("star", color, *spot, None, 0.0, start, start + FLASH_FRAMES)
