"""Fingerprints and what is read off them: which positions of a segment stand still."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from infomerge.compression import Compression
from infomerge.deprecation import warn_renamed
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import outlines
from infomerge.plots.style import GRAY, INK, SMALL, VERMILLION, PrintFigure, Width, page_width, styled
from infomerge.plots.texts import framed
from infomerge.redundancy import static_candidates

LETTERS = "abcdefgh"
"""By which positions are told apart."""


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
    *,
    title: str = "",
    width: Width = "double",
) -> PrintFigure:
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
        title: what the clip is.
        width: of the figure: "single", "double", or inches.

    Raises:
        ValueError: there is no position, or more than there are letters for.
    """
    count, height, breadth, _ = frames.shape
    shown = len(positions)
    if not 1 <= shown <= len(LETTERS):
        raise ValueError(f"positions: got {shown}; expected 1 to {len(LETTERS)}")
    narrow = page_width(width) < 1.25 * (shown + 1.5)
    words = "colours: cosine similarity, stretched towards 1; TFD, adjacent: the differences of second and first order"
    figure = framed(width, 3.5 if narrow else 2.3, title=title, words=words)
    if narrow:
        grid_spec = figure.add_gridspec(2, shown, height_ratios=[1.15, 1])
        overview = figure.add_subplot(grid_spec[0, :])
        rest = [figure.add_subplot(grid_spec[1, column]) for column in range(shown)]
    else:
        overview, *rest = figure.subplots(1, shown + 1, gridspec_kw={"width_ratios": [1.5] + [1] * shown})
    overview.imshow(
        frames[0],
        interpolation="antialiased",
        extent=(0, grid[1], grid[0], 0),
        aspect=height / breadth * grid[1] / grid[0],
    )
    letters = {
        "color": "white",
        "weight": "bold",
        "path_effects": [withStroke(linewidth=1.5, foreground=INK)],
    }
    for letter, position in zip(LETTERS, positions, strict=False):
        row, column = divmod(position, grid[1])
        overview.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="white", linewidth=2.4))
        overview.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=VERMILLION, linewidth=1.2))
        side = -0.35 if column > 1 else 1.35
        overview.text(column + side, row + 0.5, letter, ha="center", va="center", **letters)
    overview.set(title="first frame of the segment", xticks=[], yticks=[])
    # Still positions and noisy ones lie close below 1, where a scale in even steps would hide how they differ.
    low = min(0.0, float(fingerprints.min()))
    for axes, letter, position, name, matrix, second, first in zip(
        rest, LETTERS, positions, names, fingerprints, tfd, adjacent, strict=False
    ):
        image = axes.imshow(matrix, norm=PowerNorm(4, low, 1), extent=(0.5, count + 0.5, count + 0.5, 0.5))
        strip = np.concatenate([_square(patch(frame, position, grid)) for frame in frames], axis=1)
        axes.imshow(
            strip, extent=(0.5, count + 0.5, -0.2 - 0.16 * count, -0.2), interpolation="antialiased", clip_on=False
        )
        axes.set(xlim=(0.5, count + 0.5), ylim=(count + 0.5, -0.2 - 0.16 * count))
        axes.set_xlabel(f"frame $l'$\nTFD {second:.3f}\nadjacent {first:.3f}")
        axes.set_title(f"({letter}) {name}")
        axes.spines[:].set_visible(False)
        ticks = sorted({1, (count + 1) // 2, count})
        axes.set_xticks(ticks)
        axes.set_yticks(ticks)
    rest[0].set_ylabel("frame $l$")
    bar = figure.colorbar(image, ax=rest, shrink=0.62, aspect=18, pad=0.015)
    bar.set_ticks([tick for tick in (0, 0.7, 0.8, 0.9, 1) if tick >= low])
    bar.set_label("cosine similarity")
    bar.outline.set_visible(False)
    return figure


def _square(pixels: UInt8[np.ndarray, "height width 3"], size: int = 24) -> UInt8[np.ndarray, "size size 3"]:
    rows = np.arange(size) * pixels.shape[0] // size
    columns = np.arange(size) * pixels.shape[1] // size
    return pixels[rows][:, columns]


@styled
def static_score_maps(
    frames: UInt8[np.ndarray, "segments height width 3"],
    tfd: Float[np.ndarray, "segments positions"],
    adjacent: Float[np.ndarray, "segments positions"],
    static_tfd: Bool[np.ndarray, "segments positions"],
    static_adjacent: Bool[np.ndarray, "segments positions"],
    grid: tuple[int, int],
    names: Sequence[str],
    *,
    width: Width = "double",
) -> PrintFigure:
    """TFD and the adjacent-frame difference over some segments' frames, their static candidates outlined.

    Args:
        frames: one frame of each segment.
        tfd: TFD of every position (eq. 2).
        adjacent: the first-order difference of every position.
        static_tfd: the static candidates by TFD.
        static_adjacent: the static candidates by the adjacent difference.
        grid: rows and columns of tokens in a frame.
        names: a title for each segment.
        width: of the figure: "single", "double", or inches.
    """
    count, height, breadth, _ = frames.shape
    wide = page_width(width)
    cell = (wide - (0.9 if wide < 5 else 1.3)) / count
    figure = PrintFigure(figsize=(wide, 3 * cell * height / breadth + 0.75), layout="constrained")
    panels = figure.subplots(3, count, squeeze=False)
    stretch = height / breadth * grid[1] / grid[0]
    extent = (0, grid[1], grid[0], 0)
    for column in range(count):
        panels[0, column].imshow(frames[column], extent=extent, aspect=stretch, interpolation="antialiased")
        panels[0, column].set_title(names[column], fontsize=SMALL)
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
                    fontsize=SMALL,
                    color=GRAY,
                )
            for start, end in outlines(chosen.reshape(grid)):
                axes.plot(*zip(start, end, strict=True), color="white", linewidth=2)
                axes.plot(*zip(start, end, strict=True), color=VERMILLION, linewidth=1)
        if wide < 5:
            axes_row[0].set_ylabel(name, fontsize=SMALL)
        else:
            axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        bar = figure.colorbar(image, ax=list(axes_row), aspect=8, pad=0.01, extend="max")
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(3)
        bar.set_label("difference", fontsize=SMALL)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


def _taking_arrays(draw: Callable[..., PrintFigure]) -> Callable[..., PrintFigure]:
    """Let `prior_maps` be called as `static_score_maps` is, which had its name in the release before."""

    @wraps(draw)
    def drawn(*arguments: Any, **keywords: Any) -> PrintFigure:
        if "tfd" in keywords or any(isinstance(argument, np.ndarray) for argument in arguments[1:2]):
            warn_renamed("plots.prior_maps of arrays of scores", "plots.static_score_maps")
            return static_score_maps(*arguments, **keywords)
        return draw(*arguments, **keywords)

    return drawn


@_taking_arrays
@takes_clip
def prior_maps(
    frames: UInt8[np.ndarray, "frames height width 3"],
    out: Compression,
    grid: tuple[int, int],
    *,
    segments: int | Sequence[int] = 3,
    names: Sequence[str] | None = None,
    width: Width = "double",
) -> PrintFigure:
    """TFD and the adjacent-frame difference over the first frames of some segments, by `static_score_maps`.

    The static candidates that are outlined are those that either of them would give at the run's static ratio.

    Args:
        frames: the frames that were encoded.
        out: the compression of their tokens.
        grid: rows and columns of tokens in a frame.
        segments: the segments' numbers, from 0, or how many of the longest, the longest first.
        names: a title for each segment; without them, its number, from 1.
        width: of the figure: "single", "double", or inches.

    Raises:
        ValueError: the compression has no static ratio: it is by another method than InfoMerge.
    """
    if out.config is None:
        raise ValueError(f"out: got a compression by {out.method!r}; expected one by InfoMerge, at a static ratio")
    trace = out.trace
    longest = trace.lengths.argsort(descending=True, stable=True).tolist()
    chosen = longest[:segments] if isinstance(segments, int) else list(segments)
    tfd, adjacent = trace.tfd[chosen], trace.adjacent[chosen]
    by_tfd, by_adjacent = (static_candidates(scores, out.config.static_ratio) for scores in (tfd, adjacent))
    names = [f"segment {k + 1}" for k in chosen] if names is None else names
    starts = [trace.bounds[k][0] for k in chosen]
    scores = tfd.cpu().numpy(), adjacent.cpu().numpy()
    found = by_tfd.cpu().numpy(), by_adjacent.cpu().numpy()
    return static_score_maps(frames[starts], *scores, *found, grid, names, width=width)


@styled
def token_grid(
    frame: UInt8[np.ndarray, "height width 3"], grid: tuple[int, int], *, width: Width = "double"
) -> PrintFigure:
    """A frame as it is, and squeezed to the encoder's square with the token grid on it.

    Args:
        frame: the frame as it was decoded.
        grid: rows and columns of tokens.
        width: of the figure: "single", "double", or inches.
    """
    height, breadth, _ = frame.shape
    wide = page_width(width)
    figure = PrintFigure(figsize=(wide, 0.3 * wide + (0.5 if wide < 5 else 0.2)), layout="constrained")
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [breadth / height, 1]})
    gap = "\n" if wide < 5 else " "
    equals = "\n= " if wide < 5 else " = "
    left.imshow(frame, interpolation="antialiased")
    left.set_title(f"as decoded:{gap}{breadth} x {height} pixels")
    # Stretched by the axes, not by resampling: the grid's cells come out square.
    right.imshow(frame, extent=(0, grid[1], grid[0], 0), aspect=grid[1] / grid[0], interpolation="antialiased")
    right.set_title(f"as encoded:{gap}{grid[0]} x {grid[1]}{equals}{grid[0] * grid[1]} tokens")
    right.vlines(np.arange(1, grid[1]), 0, grid[0], color="white", linewidth=0.5)
    right.hlines(np.arange(1, grid[0]), 0, grid[1], color="white", linewidth=0.5)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure
