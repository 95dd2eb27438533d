"""Which tokens of which frames are kept: the clip as a sheet of frames."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from infomerge.compression import Compression
from infomerge.palette import group_colors
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.sheet import Box, extent, frame_sheet
from infomerge.plots.style import CONTEXT, INK, SALIENT, SMALL, VERMILLION, Width, em, styled
from infomerge.plots.texts import fitted_legend, lines_height, words_below, wrapped

Lines = list[tuple[tuple[int, int], tuple[int, int]]]
"""Line segments (x, y) to (x, y) along a token grid."""

HEAT = "Blues"
"""Dark where much is meant: on white paper the eye reads it so."""

FADE, FAINT = 0.6, 0.8
"""How far tokens that are not kept fade into the paper; under a heat map further, for its own colours have greys."""


def kept_masks(
    out: Compression, grid: tuple[int, int]
) -> tuple[Bool[np.ndarray, "frames rows columns"], Bool[np.ndarray, "frames rows columns"]]:
    """Where salient and where context tokens lie, on the frames' token grid.

    Raises:
        ValueError: the grid does not hold as many positions as the clip has tokens per frame.
    """
    if grid[0] * grid[1] != out.positions:
        raise ValueError(
            f"grid: got {grid[0]} x {grid[1]} = {grid[0] * grid[1]} positions; expected rows x columns = "
            f"{out.positions}, the tokens in a frame"
        )
    masks = np.zeros((2, len(out.assignment)), dtype=bool)
    masks[out.is_context.int().cpu().numpy(), out.index.cpu().numpy()] = True
    salient, context = masks.reshape(2, -1, *grid)
    return salient, context


def fade(
    frame: UInt8[np.ndarray, "height width 3"], kept: Bool[np.ndarray, "rows columns"], by: float = FADE
) -> Float[np.ndarray, "height width 3"]:
    """A frame in which kept patches stay as they are and the others fade to grey; values 0 to 1.

    Args:
        frame: the frame's pixels.
        kept: the patches that stay, on the token grid.
        by: how far the others fade, from 0 (grey) to 1 (white).
    """
    image = frame / 255
    rows = np.arange(frame.shape[0]) * kept.shape[0] // frame.shape[0]
    columns = np.arange(frame.shape[1]) * kept.shape[1] // frame.shape[1]
    gray = image @ np.array([0.299, 0.587, 0.114])
    faded = by + (1 - by) * gray[:, :, None].repeat(3, axis=2)
    return np.where(kept[rows][:, columns][:, :, None], image, faded)


def edges_between(cells: Shaped[np.ndarray, "rows columns"]) -> Lines:
    """The edges between neighbouring cells that differ, in units of cells from the top left corner."""
    across = np.argwhere(cells[1:] != cells[:-1]).tolist()
    down = np.argwhere(cells[:, 1:] != cells[:, :-1]).tolist()
    horizontal = [((column, row + 1), (column + 1, row + 1)) for row, column in across]
    vertical = [((column + 1, row), (column + 1, row + 1)) for row, column in down]
    return horizontal + vertical


def outlines(tokens: Bool[np.ndarray, "rows columns"]) -> Lines:
    """One outline around every group of marked cells that touch, in units of cells from the top left corner."""
    framed = edges_between(np.pad(tokens, 1))
    return [((x0 - 1, y0 - 1), (x1 - 1, y1 - 1)) for (x0, y0), (x1, y1) in framed]


def draw_lines(axes: Axes, lines: Lines, grid: tuple[int, int], box: Box, color: str, width: float) -> None:
    """Draw edges of a token grid onto a frame drawn in `box`."""
    left, top, frame_width, frame_height = box
    step = np.array([frame_width / grid[1], frame_height / grid[0]])
    placed = [np.array([left, top]) + np.array(line) * step for line in lines]
    axes.add_collection(LineCollection(placed, colors=color, linewidths=width, capstyle="projecting"))


def draw_tokens(axes: Axes, tokens: Bool[np.ndarray, "rows columns"], box: Box, color: str, dotted: bool) -> None:
    """Outline the marked cells of a frame drawn in `box`; a dot in each tells the kinds apart without colour."""
    rows, columns = tokens.shape
    draw_lines(axes, outlines(tokens), (rows, columns), box, color, 0.8)
    if dotted:
        draw_dots(axes, tokens, box, color, "white")


def draw_dots(axes: Axes, tokens: Bool[np.ndarray, "rows columns"], box: Box, color: str, edge: str) -> None:
    """A dot in each of the marked cells of a frame drawn in `box`."""
    left, top, width, height = box
    step = np.array([width / tokens.shape[1], height / tokens.shape[0]])
    centers = np.array([left, top]) + (np.argwhere(tokens)[:, ::-1] + 0.5) * step
    dots = [Circle(center, 0.2 * step.min()) for center in centers]
    axes.add_collection(PatchCollection(dots, facecolor=color, edgecolor=edge, linewidth=0.3))


def token_legend(figure: Figure, out: Compression, true_cuts: bool) -> float:
    """A legend below the sheet: what the outlines mean, and how many tokens there are of each kind; its inches."""
    context = int(out.is_context.sum())
    fate = "merged into them" if len(out.plan.source) else "that they stand for"
    plain = {"marker": "s", "markersize": 6, "linestyle": ""}
    box = {**plain, "markerfacecolor": "none", "markeredgewidth": 1.2}
    square = Line2D([], [], markeredgecolor=CONTEXT, **box)
    dot = Line2D([], [], marker="o", markersize=2.2, linestyle="", color=CONTEXT)
    entries = {
        f"{out.kept - context:,} salient tokens": Line2D([], [], markeredgecolor=SALIENT, **box),
        f"{context:,} context tokens": (square, dot),
        f"{len(out.assignment) - out.kept:,} tokens {fate}": Line2D([], [], color="#CFCFCF", **plain),
    }
    if true_cuts:
        entries["true cut"] = Line2D([], [], marker="v", color=VERMILLION, linestyle="", markersize=5)
    return fitted_legend(figure, list(entries.values()), list(entries))


@takes_clip
@styled
def contact_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int | None = None,
    unit: str = "s",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Every sampled frame with its kept tokens in colour: salient ones outlined, context ones outlined and dotted.

    All others fade to grey. The band above a frame carries its segment's colour and number: a band that ends is a cut
    that was found.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        out: the compression of their tokens.
        grid: rows and columns of tokens in a frame.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet; without a number, by the width.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, which get the frames alone, without headline and legend.
    """
    salient, context = kept_masks(out, grid)

    def draw(axes: Axes, frame: int, box: Box) -> None:
        image = fade(frames[frame], salient[frame] | context[frame])
        axes.imshow(image, extent=extent(box), aspect="auto", interpolation="antialiased")
        draw_tokens(axes, salient[frame], box, SALIENT, dotted=False)
        draw_tokens(axes, context[frame], box, CONTEXT, dotted=True)

    aspect = frames.shape[1] / frames.shape[2]
    foot = partial(token_legend, out=out, true_cuts=len(true_cuts) > 0)
    return frame_sheet(
        aspect, timestamps, out, draw, title=title, true_cuts=true_cuts, columns=columns, unit=unit, width=width, ax=ax,
        foot=foot,
    )  # fmt: skip


@takes_clip
@styled
def heat_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int | None = None,
    unit: str = "s",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Retained-token heat maps: kept tokens outlined, and the darker the more tokens of the clip they stand for.

    Arguments as for `contact_sheet`.
    """
    salient, context = kept_masks(out, grid)
    kept = salient | context
    sizes = np.ones(len(out.assignment))
    sizes[out.index.cpu().numpy()] = out.assignment.bincount(minlength=out.kept).cpu().numpy()
    sizes = sizes.reshape(kept.shape)
    scale = LogNorm(1, max(2, sizes.max()))

    def draw(axes: Axes, frame: int, box: Box) -> None:
        faded = fade(frames[frame], np.zeros_like(kept[frame]), by=FAINT)
        axes.imshow(faded, extent=extent(box), aspect="auto", interpolation="antialiased")
        shown = np.ma.masked_where(~kept[frame], sizes[frame])
        axes.imshow(shown, norm=scale, cmap=HEAT, extent=extent(box), aspect="auto")
        draw_lines(axes, outlines(kept[frame]), grid, box, INK, 0.5)

    aspect = frames.shape[1] / frames.shape[2]

    def scale_below(figure: Figure) -> float:
        width, height = figure.get_size_inches()
        bar_axes = figure.add_axes((0.25, 2.0 * em() / height, 0.5, 0.07 / height))
        bar = figure.colorbar(ScalarMappable(scale, HEAT), cax=bar_axes, orientation="horizontal", format="%d")
        bar_axes.tick_params(labelsize=SMALL, pad=1, length=1.5)
        bar.outline.set_visible(False)
        label = "tokens that a kept token stands for, itself included"
        y = (2.0 * em() + 0.07 + 0.4 * em()) / height
        text = figure.text(0.5, y, label, ha="center", va="bottom", fontsize=SMALL)
        wrapped(text, (width - 0.1) * figure.dpi)
        return 2.4 * em() + 0.07 + lines_height(text) + 0.05

    return frame_sheet(
        aspect, timestamps, out, draw, title=title, true_cuts=true_cuts, columns=columns, unit=unit, width=width, ax=ax,
        foot=scale_below,
    )  # fmt: skip


@takes_clip
@styled
def ownership_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int | None = None,
    unit: str = "s",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """What is left of the clip: every patch in the mean colour of its group, with a rim where the owner changes.

    A group is a kept token and all tokens that it stands for, over the whole clip; ToMe draws images like this, here
    the groups reach over time. Patches without a rim between them have become one token. Arguments as for
    `contact_sheet`.
    """
    owner = out.assignment.cpu().numpy().reshape(-1, *grid)
    kept = np.logical_or(*kept_masks(out, grid))
    colors = group_colors(frames, grid, out.assignment.cpu().numpy(), out.kept) / 255

    def draw(axes: Axes, frame: int, box: Box) -> None:
        axes.imshow(colors[owner[frame]], extent=extent(box), aspect="auto")
        draw_lines(axes, edges_between(owner[frame]), grid, box, "white", 0.35)
        draw_dots(axes, kept[frame], box, "white", INK)

    aspect = frames.shape[1] / frames.shape[2]
    words = (
        "every patch in the mean colour of its group over the whole clip; white rims where the owner changes; "
        "dots: the kept tokens, whose groups they are"
    )
    return frame_sheet(
        aspect, timestamps, out, draw, title=title, true_cuts=true_cuts, columns=columns, unit=unit, width=width, ax=ax,
        foot=partial(words_below, words),
    )  # fmt: skip
