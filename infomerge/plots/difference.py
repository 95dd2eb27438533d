"""Two compressions of one clip, token by token: what one keeps and the other does not."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from infomerge.compression import Compression
from infomerge.measure.difference import token_difference
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_tokens, fade, kept_masks
from infomerge.plots.sheet import Box, extent, frame_sheet
from infomerge.plots.style import CONTEXT, INK, VERMILLION, PrintFigure, styled

MOVED = 0.45
"""How far patches whose owner changed are lightened."""


@takes_clip
@styled
def difference_sheet(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    a: Compression,
    b: Compression,
    grid: tuple[int, int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    columns: int = 8,
    unit: str = "s",
) -> PrintFigure:
    """Every sampled frame with the tokens that A alone, B alone or both keep; the bands are B's segments.

    Tokens that B alone keeps carry a dot, so that they are told from A's without color. Patches that neither keeps, and
    that are merged into another token by B than by A, are lightened.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        a: a compression of their tokens.
        b: another one.
        grid: rows and columns of tokens in a frame.
        title: what the clip is, and what A and B are.
        true_cuts: frames after which the clip is known to cut; marked by a wedge.
        columns: frames in a row of the sheet.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.

    Raises:
        ValueError: A and B are of clips of different sizes, or the grid is of another.
    """
    found = token_difference(a, b)
    kept_masks(b, grid)  # refuses a grid of another size

    def on_grid(mask: Bool[np.ndarray, "tokens"]) -> Bool[np.ndarray, "frames rows columns"]:
        return mask.reshape(-1, *grid)

    only_a, only_b, both, moved = (
        on_grid(mask.numpy()) for mask in (found.only_a, found.only_b, found.both, found.moved)
    )

    def draw(axes: Axes, frame: int, box: Box) -> None:
        image = fade(frames[frame], np.zeros(grid, dtype=bool), by=0.35)
        rows = np.arange(image.shape[0]) * grid[0] // image.shape[0]
        cells = np.arange(image.shape[1]) * grid[1] // image.shape[1]
        lighter = moved[frame][rows][:, cells][:, :, None]
        axes.imshow(np.where(lighter, image + (1 - image) * MOVED, image), extent=extent(box), aspect="auto")
        draw_tokens(axes, both[frame], box, INK, dotted=False)
        draw_tokens(axes, only_a[frame], box, VERMILLION, dotted=False)
        draw_tokens(axes, only_b[frame], box, CONTEXT, dotted=True)

    aspect = frames.shape[1] / frames.shape[2]
    figure = frame_sheet(aspect, timestamps, b, draw, title=title, true_cuts=true_cuts, columns=columns, unit=unit)
    plain = {"marker": "s", "markersize": 6, "linestyle": ""}
    box = {**plain, "markerfacecolor": "none", "markeredgewidth": 1.2}
    dot = Line2D([], [], marker="o", markersize=2.2, linestyle="", color=CONTEXT)
    entries = {
        f"{only_a.sum():,} kept by A alone": Line2D([], [], markeredgecolor=VERMILLION, **box),
        f"{only_b.sum():,} by B alone": (Line2D([], [], markeredgecolor=CONTEXT, **box), dot),
        f"{both.sum():,} by both": Line2D([], [], markeredgecolor=INK, **box),
        f"{moved.sum():,} merged into another token": Line2D([], [], color="#E4E4E4", **plain),
    }
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="lower left",
        ncols=len(entries),
        borderaxespad=0.3,
        handletextpad=0.2,
    )
    return figure
