"""What different methods keep of one clip, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from infomerge.compression import Compression
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_tokens, fade, kept_masks
from infomerge.plots.sheet import extent
from infomerge.plots.style import CONTEXT, DOUBLE_COLUMN, INK, SALIENT, VERMILLION, PrintFigure, styled

NAMES, SPREAD, GAP, HEAD, FOOT = 1.18, 1.72, 0.06, 0.45, 0.42
"""Inches: widths of the names and of the spread over time, space between pictures, room above and below."""

Inches = tuple[float, float, float, float]
"""Left, top, width and height on the paper, from its top left corner."""


@takes_clip
@styled
def methods_side_by_side(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    runs: Mapping[str, Compression],
    grid: tuple[int, int],
    shown: Sequence[int],
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
) -> PrintFigure:
    """A row for each method: a few frames with the tokens that it keeps, and how many it keeps of every frame.

    Kept tokens are in colour: salient ones, or whatever a method keeps as it is, outlined; context ones, merged from
    others, outlined and dotted, in the bars hatched. All others fade to grey. Every row of bars has a scale of its own.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        runs: the method's name -> its compression of the same tokens.
        grid: rows and columns of tokens in a frame.
        shown: numbers of the frames that are drawn.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; a dotted line in the bars.

    Raises:
        ValueError: there is no run, or no frame is shown, or one that the clip does not have.
    """
    _check(len(frames), runs, shown)
    width = (DOUBLE_COLUMN - NAMES - SPREAD) / len(shown)
    height = (width - GAP) * frames.shape[1] / frames.shape[2]
    paper_height = HEAD + len(runs) * (height + GAP) + FOOT
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, paper_height))
    for row, (name, out) in enumerate(runs.items()):
        top = HEAD + row * (height + GAP)
        masks = kept_masks(out, grid)
        middle = 1 - (top + height / 2) / paper_height
        words = {"x": 0.03 / DOUBLE_COLUMN, "y": middle, "linespacing": 1.4, "parse_math": False}
        figure.text(s=name, va="bottom", fontsize=5.9, weight="bold", **words)
        figure.text(s=_counts(out), va="top", fontsize=5.8, **words)
        for column, frame in enumerate(shown):
            axes = _axes(figure, (NAMES + column * width, top, width - GAP, height))
            _draw_frame(axes, (width - GAP, height), frames[frame], masks[0][frame], masks[1][frame])
            if row == 0:
                when = f"frame {frame}\n{timestamps[frame]:.1f} s"
                axes.set_title(when, fontsize=5.8, weight="normal", pad=2)
        axes = _axes(figure, (DOUBLE_COLUMN - SPREAD + 0.3, top, SPREAD - 0.35, height))
        salient, context = (mask.sum(axis=(1, 2)) for mask in masks)
        _draw_spread(axes, salient, context, shown, true_cuts)
        if row == 0:
            axes.set_title("kept tokens of each frame", fontsize=5.8, weight="normal", pad=2)
        if row == len(runs) - 1:
            axes.tick_params(axis="x", labelbottom=True)
            axes.set_xlabel("sampled frame", fontsize=6.5, labelpad=1)
    out = next(iter(runs.values()))
    headline = 1 - 0.08 / paper_height
    figure.text(0.03 / DOUBLE_COLUMN, headline, title, fontsize=9, weight="bold", va="top", parse_math=False)
    share = f"each keeps {out.kept:,} of {len(out.assignment):,} tokens, {out.kept / len(out.assignment):.1%}"
    if len({found.kept for found in runs.values()}) == 1:
        figure.text(1 - 0.03 / DOUBLE_COLUMN, headline, share, fontsize=8, ha="right", va="top")
    _legend(figure, len(true_cuts) > 0)
    return figure


def _check(count: int, runs: Mapping[str, Compression], shown: Sequence[int]) -> None:
    if not runs:
        raise ValueError("runs: got none; expected at least one compression")
    if not shown or not all(0 <= frame < count for frame in shown):
        raise ValueError(f"shown: got {list(shown)}; expected one or more of the frames 0 to {count - 1}")


def _counts(out: Compression) -> str:
    merged = int(out.is_context.sum())
    return f"{out.kept - merged:,} as they are\n{merged:,} merged"


def _axes(figure: PrintFigure, place: Inches) -> Axes:
    left, top, width, height = place
    paper = figure.get_size_inches()[1]
    return figure.add_axes((left / DOUBLE_COLUMN, 1 - (top + height) / paper, width / DOUBLE_COLUMN, height / paper))


def _draw_frame(
    axes: Axes,
    size: tuple[float, float],
    frame: UInt8[np.ndarray, "height width 3"],
    salient: Bool[np.ndarray, "rows columns"],
    context: Bool[np.ndarray, "rows columns"],
) -> None:
    # One unit is one inch, so that dots are round.
    box = (0.0, 0.0, *size)
    axes.imshow(fade(frame, salient | context), extent=extent(box), aspect="auto", interpolation="antialiased")
    draw_tokens(axes, salient, box, SALIENT, dotted=False)
    draw_tokens(axes, context, box, CONTEXT, dotted=True)
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    axes.axis("off")


def _draw_spread(
    axes: Axes,
    salient: Int[np.ndarray, "frames"],
    context: Int[np.ndarray, "frames"],
    shown: Sequence[int],
    true_cuts: Sequence[int],
) -> None:
    places = np.arange(len(salient))
    axes.bar(places, salient, width=1, color=SALIENT, linewidth=0)
    axes.bar(places, context, width=1, bottom=salient, **_CONTEXT_BAR)
    most = int((salient + context).max())
    axes.axhline((salient + context).mean(), color=INK, linewidth=0.7, linestyle="--")
    for cut in true_cuts:
        axes.axvline(cut + 0.5, color=VERMILLION, linewidth=0.6, linestyle=":")
    # The frames that are drawn beside it, marked at the axis.
    axes.plot(list(shown), [0] * len(shown), marker="^", color=INK, markersize=3, linestyle="", clip_on=False, zorder=5)
    axes.set(xlim=(-0.5, len(salient) - 0.5), ylim=(0, 1.12 * most), yticks=[0, most])
    axes.tick_params(labelsize=5.5, length=1.5, pad=1, labelbottom=False)
    axes.spines[["top", "right"]].set_visible(False)


_CONTEXT_BAR = {"facecolor": "white", "edgecolor": CONTEXT, "hatch": "//////", "linewidth": 0.3}


def _legend(figure: PrintFigure, has_cuts: bool) -> None:
    box = {"marker": "s", "markersize": 6, "linestyle": "", "markerfacecolor": "none", "markeredgewidth": 1.2}
    square = Line2D([], [], markeredgecolor=CONTEXT, **box)
    dot = Line2D([], [], marker="o", markersize=2.2, linestyle="", color=CONTEXT)
    bars = (Patch(color=SALIENT, linewidth=0), Patch(**_CONTEXT_BAR))
    entries = {
        "salient, or kept as it is": Line2D([], [], markeredgecolor=SALIENT, **box),
        "context, merged from others": (square, dot),
        "the two in the bars": bars,
        "even spread": Line2D([], [], color=INK, linewidth=0.7, linestyle="--"),
        "frame shown": Line2D([], [], marker="^", color=INK, markersize=3, linestyle=""),
    }
    if has_cuts:
        entries["true cut"] = Line2D([], [], color=VERMILLION, linewidth=0.8, linestyle=":")
    figure.legend(
        list(entries.values()),
        list(entries),
        handler_map={bars: HandlerTuple(ndivide=None, pad=0.4)},
        loc="lower left",
        ncols=len(entries),
        borderaxespad=0.3,
        handletextpad=0.3,
        columnspacing=1.0,
        fontsize=6,
        labelcolor=INK,
    )
