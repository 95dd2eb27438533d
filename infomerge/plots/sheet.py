"""The clip as a sheet of frames under the bands of its segments: the layout that all sheets share."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from infomerge.compression import Compression
from infomerge.plots.stack import rim
from infomerge.plots.style import (
    DOUBLE_COLUMN,
    INK,
    SEGMENT_COLORS,
    SMALL,
    VERMILLION,
    PrintFigure,
    Width,
    em,
    page_width,
)
from infomerge.plots.texts import headline

Box = tuple[float, float, float, float]
"""Left, top, width and height of a drawn frame."""

GAP, LEAD = 0.03, 0.05
"""Inches: half the space between frames, the space between rows."""

USUAL_COLUMNS = 8
"""Frames in a row across two columns of a paper; on other paper as many as are of about the same size."""


def extent(box: Box) -> Box:
    """A box as the extent of an image whose first row is at the top."""
    left, top, width, height = box
    return left, left + width, top + height, top


def frame_sheet(
    aspect: float,
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    draw: Callable[[Axes, int, Box], None],
    *,
    title: str,
    true_cuts: Sequence[int],
    columns: int | None,
    unit: str = "s",
    width: Width = "double",
    ax: Axes | None = None,
    foot: Callable[[Figure], float] = lambda _: 0.0,
) -> Figure:
    """Lay out a clip's frames in rows, with segment bands, times, cuts and a headline; `draw` fills each frame's box.

    Args:
        aspect: a frame's height over its width.
        timestamps: of the frames, in `unit`.
        out: the compression, for its segments and its counts.
        draw: called with the axes, the frame's number and its box, in inches from the top left corner.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet; without a number, by the width.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, which get the frames alone, without headline and legend.
        foot: draws the legend along the lower edge, and says how many inches it takes.
    """
    count = len(timestamps)
    wide = page_width(width) if ax is None else _inches(ax)
    usual = max(2, round(USUAL_COLUMNS * wide / DOUBLE_COLUMN))
    columns = min(usual if columns is None else columns, count)
    rows = -(-count // columns)
    cell_width, band = wide / columns, 1.15 * em()
    image_width = cell_width - 2 * GAP
    image_height = image_width * aspect
    cell_height = image_height + band + LEAD
    if ax is None:
        paper = PrintFigure(figsize=(wide, 2))
        above, below = _head(paper, title, out), foot(paper)
        height = rows * cell_height + above + below
        figure: Figure = PrintFigure(figsize=(wide, height))
        sheet = figure.add_axes((0, below / height, 1, rows * cell_height / height))
    else:
        figure, sheet = ax.figure.figure, ax
        sheet.set_aspect("equal", anchor="N")
    # One unit is one inch, counted from the top left corner, so that sizes here are sizes on paper.
    sheet.set(xlim=(0, wide), ylim=(rows * cell_height, 0))
    sheet.axis("off")

    segment = out.trace.segment_of_frame.tolist()
    for frame in range(count):
        left = frame % columns * cell_width + GAP
        top = frame // columns * cell_height + band
        draw(sheet, frame, (left, top, image_width, image_height))
        rim(sheet, (left, top, image_width, image_height))

        first = frame == 0 or segment[frame] != segment[frame - 1]
        last = frame == count - 1 or segment[frame] != segment[frame + 1]
        start = left if first else left - GAP
        length = image_width + GAP * (not first) + GAP * (not last)
        color = SEGMENT_COLORS[segment[frame] % len(SEGMENT_COLORS)]
        sheet.add_patch(Rectangle((start, top - band), length, band - 0.015, color=color, linewidth=0))
        middle = top - band / 2 - 0.005
        words = {"color": INK, "fontsize": SMALL, "va": "center_baseline"}
        time = f"{timestamps[frame]:.1f} s" if unit == "s" else f"{unit} {timestamps[frame]:g}"
        when = sheet.text(left + image_width - 0.02, middle, time, ha="right", **words)
        if first or frame % columns == 0:
            name = sheet.text(left + 0.02, middle, f"segment {segment[frame] + 1}", weight="bold", **words)
            if name.get_window_extent().x1 > when.get_window_extent().x0 - 2:
                name.set_text(str(segment[frame] + 1))
        if frame in true_cuts:
            # Half of a wedge would hang over the paper's edge.
            between = min(left + image_width + GAP, wide - 0.025)
            sheet.plot(between, top - band, marker="v", color=VERMILLION, markersize=5, clip_on=False)
    # Images set the limits to their own extent.
    sheet.set(xlim=(0, wide), ylim=(rows * cell_height, 0))
    if ax is None:
        _head(figure, title, out)
        foot(figure)
    return figure


def _inches(ax: Axes) -> float:
    """How wide the reader's axes are."""
    return float(ax.get_window_extent().width / ax.figure.figure.dpi)


def _head(figure: Figure, title: str, out: Compression) -> float:
    """The headline and the counts: beside it where there is room, else below it; inches that they take."""
    width, height = figure.get_size_inches()
    share = f"{out.kept:,} of {len(out.assignment):,} tokens kept, {out.kept / len(out.assignment):.1%}"
    taken = headline(figure, title, left=GAP, top=0.09)
    counts = figure.text(
        1 - GAP / width, 1 - 0.09 / height, f"{share} (requested {out.requested:,})", ha="right", va="top"
    )
    line = 1.7 * em()
    if counts.get_window_extent().width > (width - 2 * GAP) * figure.dpi:
        counts.set_text(share)
    lines = [text.get_window_extent() for text in figure.texts if text is not counts]
    beside = all(box.height < 2.4 * em() * figure.dpi and box.x1 + 8 < counts.get_window_extent().x0 for box in lines)
    if not beside:
        counts.set(x=GAP / width, y=1 - taken / height, ha="left")
        taken += line
    return max(taken, 0.09 + line) + 0.04
