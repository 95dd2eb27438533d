"""The clip as a sheet of frames under the bands of its segments: the layout that all sheets share."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from infomerge.compression import Compression
from infomerge.plots.style import DOUBLE_COLUMN, INK, SEGMENT_COLORS, VERMILLION, PrintFigure

Box = tuple[float, float, float, float]
"""Left, top, width and height of a drawn frame."""

GAP, BAND, LEAD = 0.03, 0.12, 0.05
"""Inches: half the space between frames, the height of a segment's band, the space between rows."""

HEAD, FOOT = 0.3, 0.28
"""Inches above and below the frames, for the headline and for a legend."""


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
    columns: int,
    unit: str = "s",
) -> PrintFigure:
    """Lay out a clip's frames in rows, with segment bands, times, cuts and a headline; `draw` fills each frame's box.

    Args:
        aspect: a frame's height over its width.
        timestamps: of the frames, in `unit`.
        out: the compression, for its segments and its counts.
        draw: called with the axes, the frame's number and its box, in inches from the top left corner.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
    """
    count = len(timestamps)
    columns = min(columns, count)
    rows = -(-count // columns)
    cell_width = DOUBLE_COLUMN / columns
    image_width = cell_width - 2 * GAP
    image_height = image_width * aspect
    cell_height = image_height + BAND + LEAD
    paper_height = rows * cell_height + HEAD + FOOT
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, paper_height))
    sheet = figure.add_axes((0, FOOT / paper_height, 1, rows * cell_height / paper_height))
    # One unit is one inch, counted from the top left corner, so that sizes here are sizes on paper.
    sheet.set(xlim=(0, DOUBLE_COLUMN), ylim=(rows * cell_height, 0))
    sheet.axis("off")

    segment = out.trace.segment_of_frame.tolist()
    for frame in range(count):
        left = frame % columns * cell_width + GAP
        top = frame // columns * cell_height + BAND
        draw(sheet, frame, (left, top, image_width, image_height))

        first = frame == 0 or segment[frame] != segment[frame - 1]
        last = frame == count - 1 or segment[frame] != segment[frame + 1]
        start = left if first else left - GAP
        length = image_width + GAP * (not first) + GAP * (not last)
        color = SEGMENT_COLORS[segment[frame] % len(SEGMENT_COLORS)]
        sheet.add_patch(Rectangle((start, top - BAND), length, BAND - 0.015, color=color, linewidth=0))
        middle = top - BAND / 2 - 0.005
        words = {"color": INK, "fontsize": 5, "va": "center_baseline"}
        if first or frame % columns == 0:
            sheet.text(left + 0.02, middle, f"segment {segment[frame] + 1}", weight="bold", **words)
        time = f"{timestamps[frame]:.1f} s" if unit == "s" else f"{unit} {timestamps[frame]:g}"
        sheet.text(left + image_width - 0.02, middle, time, ha="right", **words)
        if frame in true_cuts:
            # Half of a wedge would hang over the paper's edge.
            between = min(left + image_width + GAP, DOUBLE_COLUMN - 0.025)
            sheet.plot(between, top - BAND, marker="v", color=VERMILLION, markersize=5, clip_on=False)
    # Images set the limits to their own extent.
    sheet.set(xlim=(0, DOUBLE_COLUMN), ylim=(rows * cell_height, 0))

    side = GAP / DOUBLE_COLUMN
    headline = 1 - 0.09 / paper_height
    share = f"{out.kept:,} of {len(out.assignment):,} tokens kept, {out.kept / len(out.assignment):.1%}"
    figure.text(side, headline, title, fontsize=9, weight="bold", va="top", parse_math=False)
    figure.text(1 - side, headline, f"{share} (requested {out.requested:,})", fontsize=8, ha="right", va="top")
    return figure
