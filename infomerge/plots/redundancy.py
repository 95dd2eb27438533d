"""Fingerprints and what is read off them: which positions of a segment stand still."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from infomerge.plots.contact_sheet import outlines
from infomerge.plots.style import DOUBLE_COLUMN, GREY, INK, VERMILLION, styled


def patch(
    frame: UInt8[np.ndarray, "height width 3"], position: int, grid: tuple[int, int]
) -> UInt8[np.ndarray, "patch_height patch_width 3"]:
    """The pixels of a frame that lie under one position of the token grid."""
    height, width, _ = frame.shape
    row, column = divmod(position, grid[1])
    rows = slice(row * height // grid[0], (row + 1) * height // grid[0])
    columns = slice(column * width // grid[1], (column + 1) * width // grid[1])
    return frame[rows, columns]


@styled
def fingerprint_matrices(
    frames: UInt8[np.ndarray, "frames height width 3"],
    positions: Sequence[int],
    names: Sequence[str],
    fingerprints: Float[np.ndarray, "shown frames frames"],
    tfd: Float[np.ndarray, "shown"],
    adjacent: Float[np.ndarray, "shown"],
    grid: tuple[int, int],
) -> Figure:
    """A segment's first frame with some positions marked; of each its patch over time, and its fingerprint matrix.

    Even rows and columns mean that the position looks the same whenever it is looked at: a small TFD.

    Args:
        frames: the segment's frames.
        positions: the positions to show, on the token grid.
        names: what each of them is, for its title.
        fingerprints: F_p of each (eq. 1).
        tfd: TFD of each (eq. 2).
        adjacent: the adjacent-frame difference of each.
        grid: rows and columns of tokens in a frame.
    """
    count, height, width, _ = frames.shape
    shown = len(positions)
    figure = Figure(figsize=(DOUBLE_COLUMN, 2.25), layout="constrained")
    overview, *rest = figure.subplots(1, shown + 1, gridspec_kw={"width_ratios": [1.5] + [1] * shown})
    overview.imshow(
        frames[0],
        interpolation="antialiased",
        extent=(0, grid[1], grid[0], 0),
        aspect=height / width * grid[1] / grid[0],
    )
    letters = {
        "color": "white",
        "weight": "bold",
        "fontsize": 8,
        "path_effects": [withStroke(linewidth=1.5, foreground=INK)],
    }
    for letter, position in zip("abcdefgh", positions, strict=False):
        row, column = divmod(position, grid[1])
        overview.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="white", linewidth=2.4))
        overview.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=VERMILLION, linewidth=1.2))
        side = -0.35 if column > 1 else 1.35
        overview.text(column + side, row + 0.5, letter, ha="center", va="center", **letters)
    overview.set(title="first frame of the segment", xticks=[], yticks=[])
    low = min(0.0, float(fingerprints.min()))
    for axes, letter, position, name, matrix, second, first in zip(
        rest, "abcdefgh", positions, names, fingerprints, tfd, adjacent, strict=False
    ):
        image = axes.imshow(matrix, vmin=low, vmax=1, extent=(0.5, count + 0.5, count + 0.5, 0.5))
        strip = np.concatenate([_square(patch(frame, position, grid)) for frame in frames], axis=1)
        axes.imshow(
            strip, extent=(0.5, count + 0.5, -0.2 - 0.16 * count, -0.2), interpolation="antialiased", clip_on=False
        )
        axes.set(xlim=(0.5, count + 0.5), ylim=(count + 0.5, -0.2 - 0.16 * count))
        axes.set_xlabel(f"frame $l'$\nTFD {second:.3f}, adjacent {first:.3f}")
        axes.set_title(f"({letter}) {name}")
        axes.spines[:].set_visible(False)
        ticks = sorted({1, (count + 1) // 2, count})
        axes.set_xticks(ticks)
        axes.set_yticks(ticks)
    rest[0].set_ylabel("frame $l$")
    bar = figure.colorbar(image, ax=rest, shrink=0.62, aspect=18, pad=0.015)
    bar.set_label("cosine similarity")
    bar.outline.set_visible(False)
    return figure


def _square(pixels: UInt8[np.ndarray, "height width 3"], size: int = 24) -> UInt8[np.ndarray, "size size 3"]:
    rows = np.arange(size) * pixels.shape[0] // size
    columns = np.arange(size) * pixels.shape[1] // size
    return pixels[rows][:, columns]


@styled
def prior_maps(
    frames: UInt8[np.ndarray, "segments height width 3"],
    tfd: Float[np.ndarray, "segments positions"],
    adjacent: Float[np.ndarray, "segments positions"],
    static_tfd: Bool[np.ndarray, "segments positions"],
    static_adjacent: Bool[np.ndarray, "segments positions"],
    grid: tuple[int, int],
    names: Sequence[str],
) -> Figure:
    """TFD and the adjacent-frame difference over some segments' frames, their static candidates outlined.

    Args:
        frames: one frame of each segment.
        tfd: TFD of every position (eq. 2).
        adjacent: the first-order difference of every position.
        static_tfd: the static candidates by TFD.
        static_adjacent: the static candidates by the adjacent difference.
        grid: rows and columns of tokens in a frame.
        names: a title for each segment.
    """
    count, height, width, _ = frames.shape
    cell = (DOUBLE_COLUMN - 1.3) / count
    figure = Figure(figsize=(DOUBLE_COLUMN, 3 * cell * height / width + 0.75), layout="constrained")
    panels = figure.subplots(3, count, squeeze=False)
    stretch = height / width * grid[1] / grid[0]
    extent = (0, grid[1], grid[0], 0)
    for column in range(count):
        panels[0, column].imshow(frames[column], extent=extent, aspect=stretch, interpolation="antialiased")
        panels[0, column].set_title(names[column], fontsize=7)
    for axes_row, values, static, name in (
        (panels[1], tfd, static_tfd, "TFD\n(second order)"),
        (panels[2], adjacent, static_adjacent, "adjacent\n(first order)"),
    ):
        top = float(np.nanquantile(values, 0.98)) if np.isfinite(values).any() else 1.0
        for axes, score, chosen in zip(axes_row, values, static, strict=True):
            image = axes.imshow(score.reshape(grid), vmin=0, vmax=top, extent=extent, aspect=stretch)
            if np.isnan(score).all():
                axes.text(
                    grid[1] / 2,
                    grid[0] / 2,
                    "undefined:\none frame",
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color=GREY,
                )
            for start, end in outlines(chosen.reshape(grid)):
                axes.plot(*zip(start, end, strict=True), color="white", linewidth=2)
                axes.plot(*zip(start, end, strict=True), color=VERMILLION, linewidth=1)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        bar = figure.colorbar(image, ax=list(axes_row), aspect=8, pad=0.01, extend="max")
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(3)
        bar.set_label("difference", fontsize=6.5)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


@styled
def token_grid(
    frame: UInt8[np.ndarray, "height width 3"], square: UInt8[np.ndarray, "side side 3"], grid: tuple[int, int]
) -> Figure:
    """A frame as it is, and squeezed to the encoder's square with the token grid on it.

    Args:
        frame: the frame as it was decoded.
        square: the frame as the encoder sees it.
        grid: rows and columns of tokens.
    """
    figure = Figure(figsize=(DOUBLE_COLUMN, 2.3), layout="constrained")
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [frame.shape[1] / frame.shape[0], 1]})
    left.imshow(frame, interpolation="antialiased")
    left.set_title(f"as decoded: {frame.shape[1]} x {frame.shape[0]} pixels")
    right.imshow(square, extent=(0, grid[1], grid[0], 0), interpolation="antialiased")
    right.set_title(f"as encoded: {grid[0]} x {grid[1]} = {grid[0] * grid[1]} tokens")
    for edge in range(1, grid[0]):
        right.axhline(edge, color="white", linewidth=0.5)
    for edge in range(1, grid[1]):
        right.axvline(edge, color="white", linewidth=0.5)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure
