"""Where two compressions of a clip differ, token by token."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infomerge.compression import Compression
from infomerge.measure.difference import token_difference
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_lines, draw_tokens, fade, outlines
from infomerge.plots.sheet import Box, extent, frame_sheet
from infomerge.plots.style import GREEN, INK, PURPLE, Width, styled
from infomerge.plots.texts import fitted_legend, letters_of


@takes_clip
@styled
def difference_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    other: Compression,
    grid: tuple[int, int],
    *,
    names: tuple[str, str] = ("A", "B"),
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int | None = None,
    unit: str = "s",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Tokens that only one of two compressions keeps, and those that both do, on every sampled frame.

    Bands are the segments of the first.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        out: the first compression, A.
        other: the second of the same tokens, B.
        grid: rows and columns of tokens in a frame.
        names: what A and B are called.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet; without a number, by the width.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, which get the frames alone, without headline and legend.

    Raises:
        ValueError: the compressions are of clips of different sizes.
    """
    difference = token_difference(out, other)
    shape = (len(frames), *grid)
    first, second, both = (
        tokens.numpy().reshape(shape) for tokens in (difference.only_a, difference.only_b, difference.both)
    )

    def draw(axes: Axes, frame: int, box: Box) -> None:
        image = fade(frames[frame], first[frame] | second[frame] | both[frame])
        axes.imshow(image, extent=extent(box), aspect="auto", interpolation="antialiased")
        draw_lines(axes, outlines(both[frame]), grid, box, INK, 0.4)
        draw_tokens(axes, first[frame], box, GREEN, dotted=False)
        draw_tokens(axes, second[frame], box, PURPLE, dotted=True)

    counts = {
        f"{int(first.sum()):,} kept by {letters_of(names[0])} only": (GREEN, False),
        f"{int(second.sum()):,} by {letters_of(names[1])} only": (PURPLE, True),
        f"{int(both.sum()):,} by both": (INK, False),
    }
    return frame_sheet(
        frames.shape[1] / frames.shape[2], timestamps, out, draw, title=title, true_cuts=true_cuts, columns=columns,
        unit=unit, width=width, ax=ax, foot=partial(_legend, counts),
    )  # fmt: skip


def _legend(counts: dict[str, tuple[str, bool]], figure: Figure) -> float:
    box = {"marker": "s", "markersize": 6, "linestyle": "", "markerfacecolor": "none", "markeredgewidth": 1.2}
    handles = []
    for color, dotted in counts.values():
        square = Line2D([], [], markeredgecolor=color, **box)
        dot = Line2D([], [], marker="o", markersize=2.2, linestyle="", color=color)
        handles.append((square, dot) if dotted else square)
    return fitted_legend(figure, handles, list(counts))
