"""What different methods keep of one clip, side by side."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from infomerge.compression import Compression
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_tokens, fade, kept_masks
from infomerge.plots.sheet import extent
from infomerge.plots.stack import rim
from infomerge.plots.style import (
    CONTEXT,
    INK,
    SALIENT,
    SMALL,
    VERMILLION,
    PrintFigure,
    Width,
    choose_panels,
    em,
    page_width,
    styled,
)
from infomerge.plots.texts import fitted_legend, headline, letters_of, lines_height

NAMES, SPREAD, GAP = 1.24, 1.72, 0.06
"""Inches: widths of the names and of the spread over time, space between pictures."""

NARROW = 5.0
"""Inches; on narrower paper names stand above their rows, and spreads take half the room."""

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
    unit: str = "s",
    width: Width = "double",
    panels: Sequence[str] | None = None,
) -> PrintFigure:
    """A row for each method: a few frames with the tokens that it keeps, and how many it keeps of every frame.

    Kept tokens are in colour: salient ones, or whatever a method keeps as it is, outlined; context ones, merged from
    others, outlined and dotted, in the bars hatched. All others fade to grey. Every row of bars has a scale of its own,
    on which the dashed line of an even spread is the same number.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        runs: the method's name -> its compression of the same tokens.
        grid: rows and columns of tokens in a frame.
        shown: numbers of the frames that are drawn.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; a dotted line in the bars.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        panels: of the methods; all of them without.

    Raises:
        ValueError: there is no run, or no frame is shown, or one that the clip does not have.
    """
    _check(len(frames), runs, shown)
    runs = {name: runs[name] for name in choose_panels(list(runs), panels)}
    wide = page_width(width)
    beside = wide >= NARROW
    names, spread, above = (NAMES, SPREAD, 0.0) if beside else (0.03, 0.5 * SPREAD, 2.8 * em())
    across = (wide - names - spread) / len(shown)
    up = (across - GAP) * frames.shape[1] / frames.shape[2]
    step = max(up + GAP + above, 4.5 * em() if beside else 0.0)
    kinds = {name: kept_masks(out, grid) for name, out in runs.items()}

    def around(figure: PrintFigure) -> tuple[float, float]:
        return _head(figure, title, runs), _legend(figure, len(true_cuts) > 0)

    head, foot = around(PrintFigure(figsize=(wide, 1)))
    labels, axis = 2.7 * em(), 2.7 * em()
    paper_height = head + labels + len(runs) * step + axis + foot
    figure = PrintFigure(figsize=(wide, paper_height))
    around(figure)
    for row, (name, out) in enumerate(runs.items()):
        top = head + labels + row * step + above
        words = {"linespacing": 1.3, "parse_math": False, "fontsize": SMALL}
        if beside:
            middle = 1 - (top + up / 2) / paper_height
            label = textwrap.fill(letters_of(name), 20)
            figure.text(0.03 / wide, middle, label, va="bottom", weight="bold", **words)
            figure.text(0.03 / wide, middle, _counts(out), va="top", **words)
        else:
            middle = 1 - (top - 0.5 * above) / paper_height
            written = figure.text(0.03 / wide, middle, letters_of(name), va="center", weight="bold", **words)
            end = written.get_window_extent().x1 / figure.bbox.width + 0.02
            figure.text(end, middle, _counts(out).replace("\n", ", "), va="center", **words)
        masks = kinds[name]
        for column, frame in enumerate(shown):
            axes = _axes(figure, (names + column * across, top, across - GAP, up))
            _draw_frame(axes, (across - GAP, up), frames[frame], masks[0][frame], masks[1][frame])
            if row == 0:
                when = f"frame {frame}\n{timestamps[frame]:.1f} s" if unit == "s" else f"frame {frame}"
                y = 1 - (head + labels - 0.3 * em()) / paper_height
                figure.text((names + column * across) / wide, y, when, va="bottom", fontsize=SMALL, linespacing=1.15)
        axes = _axes(figure, (wide - spread + 0.3, top, spread - 0.35, up))
        salient, context = (mask.sum(axis=(1, 2)) for mask in masks)
        _draw_spread(axes, salient, context, shown, true_cuts)
        if row == 0:
            y = 1 - (head + labels - 0.3 * em()) / paper_height
            words_above = "kept tokens\nof each frame" if beside else "kept in\na frame"
            x = (wide - spread + 0.3) / wide
            figure.text(x, y, words_above, va="bottom", fontsize=SMALL, linespacing=1.15)
        if row == len(runs) - 1:
            axes.tick_params(axis="x", labelbottom=True)
            axes.set_xlabel("sampled frame" if beside else "frame", fontsize=SMALL, labelpad=1)
            axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    return figure


def _head(figure: PrintFigure, title: str, runs: Mapping[str, Compression]) -> float:
    """The headline, and how many tokens each method keeps where all keep as many; inches that they take."""
    width, height = figure.get_size_inches()
    taken = headline(figure, title, left=0.03, top=0.08)
    if len({found.kept for found in runs.values()}) > 1:
        return taken
    out = next(iter(runs.values()))
    share = f"each keeps {out.kept:,} of {len(out.assignment):,} tokens, {out.kept / len(out.assignment):.1%}"
    text = figure.text(0.03 / width, 1 - (taken or 0.08) / height, share, va="top")
    return (taken or 0.08) + lines_height(text)


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
    wide, paper = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + height) / paper, width / wide, height / paper))


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
    rim(axes, box)


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
    axes.tick_params(labelsize=SMALL, length=1.5, pad=1, labelbottom=False)
    axes.spines[["top", "right"]].set_visible(False)


_CONTEXT_BAR = {"facecolor": "white", "edgecolor": CONTEXT, "hatch": "//////", "linewidth": 0.3}


def _legend(figure: PrintFigure, has_cuts: bool) -> float:
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
    look = {"handler_map": {bars: HandlerTuple(ndivide=None, pad=0.4)}, "fontsize": SMALL, "labelcolor": INK}
    return fitted_legend(figure, list(entries.values()), list(entries), **look)
