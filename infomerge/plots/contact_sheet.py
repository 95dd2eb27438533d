"""Which tokens of which frames are kept: the clip as a sheet of frames."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle

from infomerge.compression import Compression
from infomerge.plots.style import CONTEXT, DOUBLE_COLUMN, SALIENT, SEGMENT_COLOURS, VERMILLION, PrintFigure, styled

FADE = 0.6
"""How far tokens that are not kept fade into the paper."""

Box = tuple[float, float, float, float]
"""Left, top, width and height of a drawn frame."""


def kept_masks(
    out: Compression, grid: tuple[int, int]
) -> tuple[Bool[np.ndarray, "frames rows columns"], Bool[np.ndarray, "frames rows columns"]]:
    """Where salient and where context tokens lie, on the frames' token grid.

    Raises:
        ValueError: the grid does not hold as many positions as the clip has tokens a frame.
    """
    if grid[0] * grid[1] != out.positions:
        raise ValueError(
            f"grid: found {grid[0]} x {grid[1]} = {grid[0] * grid[1]} positions; accepted is rows x columns = "
            f"{out.positions}, the tokens in a frame"
        )
    masks = np.zeros((2, len(out.assignment)), dtype=bool)
    masks[out.is_context.int().cpu().numpy(), out.index.cpu().numpy()] = True
    salient, context = masks.reshape(2, -1, *grid)
    return salient, context


def fade(
    frame: UInt8[np.ndarray, "height width 3"], kept: Bool[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "height width 3"]:
    """A frame in which kept patches stay as they are and the others fade to pale grey; values 0 to 1."""
    image = frame / 255
    rows = np.arange(frame.shape[0]) * kept.shape[0] // frame.shape[0]
    columns = np.arange(frame.shape[1]) * kept.shape[1] // frame.shape[1]
    grey = image @ np.array([0.299, 0.587, 0.114])
    faded = FADE + (1 - FADE) * grey[:, :, None].repeat(3, axis=2)
    return np.where(kept[rows][:, columns][:, :, None], image, faded)


def outlines(tokens: Bool[np.ndarray, "rows columns"]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The edges, in cells, between marked cells and all others: one outline around every group that touches."""
    framed = np.pad(tokens, 1).astype(int)
    across = np.argwhere(np.diff(framed, axis=0)[:, 1:-1])
    down = np.argwhere(np.diff(framed, axis=1)[1:-1])
    horizontal = [((column, row), (column + 1, row)) for row, column in across.tolist()]
    vertical = [((column, row), (column, row + 1)) for row, column in down.tolist()]
    return horizontal + vertical


def draw_tokens(axes: Axes, tokens: Bool[np.ndarray, "rows columns"], box: Box, colour: str, dotted: bool) -> None:
    """Outline the marked cells of a frame drawn in `box`; a dot in each tells the kinds apart without colour."""
    left, top, width, height = box
    step = np.array([width / tokens.shape[1], height / tokens.shape[0]])
    corner = np.array([left, top])
    lines = [corner + np.array(line) * step for line in outlines(tokens)]
    axes.add_collection(LineCollection(lines, colors=colour, linewidths=0.8, capstyle="projecting"))
    if dotted:
        cells = np.argwhere(tokens)[:, ::-1]
        dots = [Circle(corner + (cell + 0.5) * step, 0.2 * step.min()) for cell in cells]
        axes.add_collection(PatchCollection(dots, facecolor=colour, edgecolor="white", linewidth=0.3))


def token_legend(figure: PrintFigure, out: Compression, true_cuts: bool) -> None:
    """A legend below the sheet: what the outlines mean, and how many tokens there are of each kind."""
    context = int(out.is_context.sum())
    plain = {"marker": "s", "markersize": 6, "linestyle": ""}
    box = {**plain, "markerfacecolor": "none", "markeredgewidth": 1.2}
    square = Line2D([], [], markeredgecolor=CONTEXT, **box)
    dot = Line2D([], [], marker="o", markersize=2.2, linestyle="", color=CONTEXT)
    entries = {
        f"{out.kept - context:,} salient tokens": Line2D([], [], markeredgecolor=SALIENT, **box),
        f"{context:,} context tokens": (square, dot),
        f"{len(out.assignment) - out.kept:,} tokens merged into them": Line2D([], [], color="#CFCFCF", **plain),
    }
    if true_cuts:
        entries["true cut"] = Line2D([], [], marker="v", color=VERMILLION, linestyle="", markersize=5)
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="lower left",
        ncols=len(entries),
        borderaxespad=0.3,
        handletextpad=0.2,
    )


@styled
def contact_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int = 8,
) -> PrintFigure:
    """Every sampled frame with its kept tokens in colour: salient ones outlined, context ones outlined and dotted.

    All others fade to grey.

    The band above a frame carries its segment's colour and number: a band that ends is a cut that was found.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        out: the compression of their tokens.
        grid: rows and columns of tokens in a frame.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet.
    """
    count, height, width, _ = frames.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    gap, band, lead = 0.03, 0.12, 0.05  # inches: between frames, of the segment's band, between rows
    cell_width = DOUBLE_COLUMN / columns
    image_width = cell_width - 2 * gap
    image_height = image_width * height / width
    cell_height = image_height + band + lead
    head, foot = 0.3, 0.28
    paper_height = rows * cell_height + head + foot
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, paper_height))
    sheet = figure.add_axes((0, foot / paper_height, 1, rows * cell_height / paper_height))
    # One unit is one inch, counted from the top left corner, so that sizes here are sizes on paper.
    sheet.set(xlim=(0, DOUBLE_COLUMN), ylim=(rows * cell_height, 0))
    sheet.axis("off")

    salient, context = kept_masks(out, grid)
    segment = out.trace.segment_of_frame.tolist()
    for frame in range(count):
        left = frame % columns * cell_width + gap
        top = frame // columns * cell_height + band
        box = (left, top, image_width, image_height)
        extent = (left, left + image_width, top + image_height, top)
        image = fade(frames[frame], salient[frame] | context[frame])
        sheet.imshow(image, extent=extent, aspect="auto", interpolation="antialiased")
        draw_tokens(sheet, salient[frame], box, SALIENT, dotted=False)
        draw_tokens(sheet, context[frame], box, CONTEXT, dotted=True)

        first = frame == 0 or segment[frame] != segment[frame - 1]
        last = frame == count - 1 or segment[frame] != segment[frame + 1]
        start = left if first else left - gap
        length = image_width + gap * (not first) + gap * (not last)
        colour = SEGMENT_COLOURS[segment[frame] % len(SEGMENT_COLOURS)]
        sheet.add_patch(Rectangle((start, top - band), length, band - 0.015, color=colour, linewidth=0))
        middle = top - band / 2 - 0.005
        words = {"color": "white", "fontsize": 5, "va": "center_baseline"}
        if first or frame % columns == 0:
            sheet.text(left + 0.02, middle, f"segment {segment[frame] + 1}", weight="bold", **words)
        sheet.text(left + image_width - 0.02, middle, f"{timestamps[frame]:.1f} s", ha="right", **words)
        if frame in true_cuts:
            sheet.plot(left + image_width + gap, top - band, marker="v", color=VERMILLION, markersize=5, clip_on=False)

    side = gap / DOUBLE_COLUMN
    headline = 1 - 0.09 / paper_height
    share = f"{out.kept:,} of {len(out.assignment):,} tokens kept, {out.kept / len(out.assignment):.1%}"
    figure.text(side, headline, title, fontsize=9, weight="bold", va="top", parse_math=False)
    figure.text(1 - side, headline, f"{share} (requested {out.requested:,})", fontsize=8, ha="right", va="top")
    token_legend(figure, out, true_cuts=len(true_cuts) > 0)
    return figure
