"""Textures and antialiased shapes in torch, many pictures at once, the same bits in any batch.

Only additions, products, square roots, comparisons and rounding are used, each in a kernel of its own: IEEE fixes their
results, where sines, matrix products and sums over an axis may change with the shape of a batch.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from infomerge.video.script import COLORS, Color, SceneObject

LEVELS = 16
"""Coverage is counted in sixteenths of a pixel, so that a pixel is either touched visibly or not at all."""

_TRIANGLE = ((0.0, 1.0), (math.sqrt(0.75), -0.5), (-math.sqrt(0.75), -0.5))
_STAR = tuple((math.sin(0.4 * math.pi * k), -math.cos(0.4 * math.pi * k)) for k in range(5))
_STAR_INNER = math.cos(0.4 * math.pi)

# Cells along the frame's shorter side, and the share of each in the texture.
_TEXTURE_BANDS = ((4, 0.62), (11, 0.28), (28, 0.10))
_TEXTURE_CONTRAST = 0.55


class Sighting(NamedTuple):
    """An object where it is in one frame."""

    item: SceneObject
    frame: int


class Windows(NamedTuple):
    """Small squares of pixels, one a sighting; nothing outside of its square can show the object."""

    rows: Int64[Tensor, "pictures side"]
    columns: Int64[Tensor, "pictures side"]


def windows_around(sightings: Sequence[Sighting], size: tuple[int, int], device: torch.device) -> Windows:
    """Windows inside the frame that hold each object where it is and where it was in the frame before."""
    reach = math.ceil(max(item.radius + item.speed for item, _ in sightings)) + 1
    side = 2 * reach + 1
    centers = np.array([item.center(frame) for item, frame in sightings])
    firsts = np.clip(np.rint(centers[:, ::-1]).astype(np.int64) - reach, 0, np.array(size) - side)
    rows, columns = torch.from_numpy(firsts).to(device)[..., None].unbind(dim=1)
    steps = torch.arange(side, device=device)
    return Windows(rows + steps, columns + steps)


def coverage(sightings: Sequence[Sighting], windows: Windows) -> UInt8[Tensor, "pictures side side"]:
    """How many sixteenths of each pixel of its window the object of each sighting covers."""
    device = windows.rows.device
    placed = torch.tensor(
        [(*item.center(frame), item.radius) for item, frame in sightings], dtype=torch.float32, device="cpu"
    )
    x, y, radius = placed.to(device).T[..., None, None]
    across, along = windows.columns.float()[:, None] + 0.5 - x, windows.rows.float()[:, :, None] + 0.5 - y
    levels = torch.zeros(len(sightings), across.shape[2], across.shape[2], dtype=torch.uint8, device=device)
    for shape in sorted({item.shape for item, _ in sightings}):
        chosen = torch.tensor([i for i, (item, _) in enumerate(sightings) if item.shape == shape], device=device)
        a, b, r = across[chosen], along[chosen], radius[chosen]
        # The circle rounds off what the soft edge would add to sharp corners.
        distance = torch.maximum(_distance(shape, a, b, r), _circle(a, b) - r)
        levels[chosen] = ((0.5 - distance).clamp(0, 1) * LEVELS).round().to(torch.uint8)
    return levels


def _distance(
    shape: str,
    x: Float32[Tensor, "pictures 1 side"],
    y: Float32[Tensor, "pictures side 1"],
    radius: Float32[Tensor, "pictures 1 1"],
) -> Float32[Tensor, "pictures side side"]:
    """Pixels from each point to the shape's edge, negative inside; too small beyond corners."""
    if shape == "circle":
        return _circle(x, y) - 0.88 * radius
    if shape == "square":
        return torch.maximum(x.abs(), y.abs()) - math.sqrt(0.5) * radius
    if shape == "cross":
        x, y = x.abs(), y.abs()
        upright = torch.maximum(x - 0.3 * radius, y - 0.9 * radius)
        return torch.minimum(upright, torch.maximum(x - 0.9 * radius, y - 0.3 * radius))
    if shape == "triangle":
        return _beyond_sides(x, y, _TRIANGLE)[0] - 0.5 * radius
    # A five-pointed star is where at most one of five sides is crossed.
    return _beyond_sides(x, y, _STAR)[1] - _STAR_INNER * radius


def _circle(
    x: Float32[Tensor, "pictures 1 side"], y: Float32[Tensor, "pictures side 1"]
) -> Float32[Tensor, "pictures side side"]:
    return (x * x + y * y).sqrt()


def _beyond_sides(
    x: Float32[Tensor, "pictures 1 side"],
    y: Float32[Tensor, "pictures side 1"],
    normals: Sequence[tuple[float, float]],
) -> tuple[Float32[Tensor, "pictures side side"], Float32[Tensor, "pictures side side"]]:
    """The largest and the second largest projection on the normals."""
    first = x * normals[0][0] + y * normals[0][1]
    second = torch.full_like(first, -math.inf)
    for across, along in normals[1:]:
        projected = x * across + y * along
        second = torch.maximum(second, torch.minimum(first, projected))
        first = torch.maximum(first, projected)
    return first, second


def paint_over(
    pictures: UInt8[Tensor, "all_pictures height width 3"],
    places: Int64[Tensor, "pictures"],
    sightings: Sequence[Sighting],
    windows: Windows,
) -> None:
    """Draw each object over the picture at its place, mixed in whole numbers; changes `pictures`."""
    share = coverage(sightings, windows)[..., None].to(torch.int16)
    colors = torch.tensor([COLORS[item.color] for item, _ in sightings], dtype=torch.int16, device="cpu").to(
        pictures.device
    )
    there = (places[:, None, None], windows.rows[:, :, None], windows.columns[:, None])
    mixed = pictures[there] * (LEVELS - share) + colors[:, None, None] * share
    pictures[there] = ((mixed + LEVELS // 2) // LEVELS).to(torch.uint8)


def backgrounds(
    tones: Sequence[tuple[Color, Color]], seeds: Sequence[int], size: tuple[int, int], device: torch.device
) -> UInt8[Tensor, "pictures height width 3"]:
    """Smooth band-limited noise that runs between two tones, one picture for each seed."""
    noise = torch.zeros((len(seeds), *size), dtype=torch.float32, device=device)
    generators = [np.random.default_rng(seed) for seed in seeds]
    for cells, share in _TEXTURE_BANDS:
        step = min(size) / cells
        knots = [math.ceil(side / step) + 3 for side in size]
        lattice = np.stack([rng.standard_normal(knots, dtype=np.float32) for rng in generators])
        noise += _interpolated(torch.from_numpy(lattice).to(device), step, size) * (share * _TEXTURE_CONTRAST)
    mixture = (noise + 0.5).clamp(0, 1)[..., None]
    dark, light = torch.tensor(tones, dtype=torch.float32, device="cpu").to(device)[:, :, None, None].unbind(dim=1)
    return (dark + (light - dark) * mixture).round().to(torch.uint8)


def _interpolated(
    lattice: Float32[Tensor, "pictures rows columns"], step: float, size: tuple[int, int]
) -> Float32[Tensor, "pictures height width"]:
    """The surface of cubic B-splines whose coefficients are the lattice, one of them every `step` pixels."""
    for axis in (2, 1):
        side = size[axis - 1]
        index, weights = _spline_taps(side, step, lattice.device)
        shape = (1, 4, side, 1) if axis == 1 else (1, 4, 1, side)
        weighted = weights.reshape(shape).unbind(dim=1)
        # One sum after the other: the order of a sum over an axis is not promised.
        total = lattice.index_select(axis, index[0]) * weighted[0]
        for tap in range(1, 4):
            total = total + lattice.index_select(axis, index[tap]) * weighted[tap]
        lattice = total
    return lattice


def _spline_taps(
    side: int, step: float, device: torch.device
) -> tuple[Int64[Tensor, "4 side"], Float32[Tensor, "4 side"]]:
    places = (np.arange(side) + 0.5) / step
    first = np.floor(places).astype(np.int64)
    t = places - first
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    index = first + np.arange(4)[:, None]
    return torch.from_numpy(index).to(device), torch.from_numpy(weights.astype(np.float32)).to(device)
