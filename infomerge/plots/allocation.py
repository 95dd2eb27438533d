"""How budgets shift: between content and length, with the retention ratio, with the temperature."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from infomerge.compression import Compression, InfoMergeTrace, infomerge_trace
from infomerge.plots.budget_chart import compare_budgets
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.stack import Row, film_strip, label_panel, time_stack
from infomerge.plots.style import (
    BLUE,
    CONTEXT,
    GRAY,
    INK,
    ORANGE,
    SINGLE_COLUMN,
    SMALL,
    VERMILLION,
    PrintFigure,
    Width,
    choose_panels,
    em,
    frame_edges,
    page_width,
    segment_edges,
    single_axes,
    styled,
)


@takes_clip
@styled
def allocation_comparison(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    runs: Mapping[float, Compression],
    *,
    title: str = "",
    duration: float | None = None,
    unit: str = "s",
    width: Width = "double",
    panels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Context tokens per frame by content against by length, one panel for each retention ratio, on one scale.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        runs: retention ratio -> compression at that ratio, all with the same segments.
        title: what the clip is.
        duration: of the clip, beyond which the axis does not go.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        panels: "film" and ratios such as "5%"; all of them without.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: a panel is unknown, or `ax` is given for several.
    """
    edges = frame_edges(timestamps, duration)
    named = {f"{100 * ratio:g}%": ratio for ratio in runs}
    chosen = choose_panels(["film", *named], panels, ax)
    traces = {name: infomerge_trace(runs[ratio], "allocation_comparison") for name, ratio in named.items()}
    first = next(iter(traces.values()))
    top = max(float((budget / trace.lengths).max()) for trace in traces.values() for budget in _budgets(trace))
    rows = {"film": Row("", "numbers: segments", 0.72)}
    for name, trace in traces.items():
        total, moved = int(trace.budget.sum()), int((trace.budget - trace.length_budget).clamp(min=0).sum())
        note = f"{moved} of {total} context tokens moved, {moved / max(1, total):.0%}"
        rows[name] = Row(f"at {name}\nper frame", note, 0.75)
    key = "by content (line; number: $B_k$) against by length (dashes); filled: gained, hatched: given up"
    xlabel = f"{'time (s)' if unit == 's' else unit}; {key}"

    def draw(name: str, axes: Axes) -> None:
        axes.set_xlim(edges[0], edges[-1])
        if name == "film":
            film_strip(axes, frames, edges, first.segment_of_frame.tolist())
            return
        trace = traces[name]
        ours, theirs = (budget.cpu().numpy() for budget in _budgets(trace))
        compare_budgets(axes, segment_edges(trace.bounds, edges), ours, theirs, trace.lengths.cpu().numpy(), top=top)

    return _draw_rows(rows, chosen, draw, width=width, title=title, xlabel=xlabel, ax=ax)


def _budgets(trace: InfoMergeTrace) -> tuple[Tensor, Tensor]:
    return trace.budget, trace.length_budget


def _draw_rows(
    rows: Mapping[str, Row],
    chosen: Sequence[str],
    draw: Callable[[str, Axes], None],
    *,
    width: Width,
    title: str,
    xlabel: str,
    ax: Axes | None,
    right: float = 0.1,
) -> Figure:
    """Draw the chosen rows over one axis of time, or one of them on the reader's own axes."""
    if ax is not None:
        label_panel(ax, rows[chosen[0]].name, rows[chosen[0]].note)
        ax.set_xlabel(xlabel)
        draw(chosen[0], ax)
        return ax.figure.figure
    some = [rows[name] for name in chosen]
    figure, axes_of = time_stack(some, width=width, title=title, xlabel=xlabel, right=right)
    for name, axes in zip(chosen, axes_of, strict=True):
        draw(name, axes)
    # Panels that are to be compared stand on one scale, whose numbers were raised where they needed it.
    budgets = [axes for name, axes in zip(chosen, axes_of, strict=True) if name != "film"]
    highest = max((axes.get_ylim()[1] for axes in budgets), default=1.0)
    for axes in budgets:
        axes.set_ylim(axes.get_ylim()[0], highest)
    return figure


@takes_clip
@styled
def budget_shift(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    runs: Mapping[float, Compression],
    *,
    knob: str,
    title: str = "",
    duration: float | None = None,
    unit: str = "s",
    width: Width = "double",
    panels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Context tokens per frame over time, one row for each value of a knob: how far it pulls the budgets apart.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        runs: the knob's value -> compression with it, all with the same segments.
        knob: the name of what was varied.
        title: what the clip is.
        duration: of the clip, beyond which the axis does not go.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        panels: "film" and "budgets"; both without.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: a panel is unknown, or `ax` is given for both.
    """
    edges = frame_edges(timestamps, duration)
    first = next(iter(runs.values()))
    bounds = segment_edges(first.trace.bounds, edges)
    budgets = [infomerge_trace(out, "budget_shift").budget for out in runs.values()]
    lengths = [out.trace.lengths.cpu().numpy() for out in runs.values()]
    shares = np.stack([budget.cpu().numpy() / length for budget, length in zip(budgets, lengths, strict=True)])
    rows = {
        "film": Row("", "numbers: segments", 0.72),
        "budgets": Row(knob, "colours: context tokens per frame", max(0.3, 0.22 * len(runs))),
    }

    def draw(name: str, axes: Axes) -> None:
        axes.set_xlim(edges[0], edges[-1])
        if name == "film":
            film_strip(axes, frames, edges, first.trace.segment_of_frame.tolist())
            return
        image = axes.pcolormesh(bounds, np.arange(len(runs) + 1), shares, edgecolors="white", linewidth=0.4)
        pixel = (edges[-1] - edges[0]) / axes.get_window_extent().width
        for row, budget in enumerate(budgets):
            for k, tokens in enumerate(budget.tolist()):
                color = INK if sum(image.cmap(image.norm(shares[row, k]))[:3]) > 1.5 else "white"
                words = {"ha": "center", "va": "center_baseline", "fontsize": SMALL, "clip_on": True}
                text = axes.text((bounds[k] + bounds[k + 1]) / 2, row + 0.5, str(tokens), color=color, **words)
                if text.get_window_extent().width > (bounds[k + 1] - bounds[k]) / pixel:
                    text.remove()
        axes.set_yticks(np.arange(len(runs)) + 0.5, [f"{value:g}" for value in runs])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.02, 0, 0.02, 1)))
        bar.locator = MaxNLocator(4, integer=True)
        bar.outline.set_visible(False)

    xlabel = f"{'time (s)' if unit == 's' else unit}; numbers: a segment's whole budget $B_k$"
    return _draw_rows(
        rows,
        choose_panels(list(rows), panels, ax),
        draw,
        width=width,
        title=title,
        xlabel=xlabel,
        ax=ax,
        right=4.6 * em(),
    )


@styled
def budget_bars(
    names: Sequence[str],
    uniqueness: Float[np.ndarray, "segments"],
    richness: Float[np.ndarray, "segments"],
    by_content: Int[np.ndarray, "segments"],
    by_length: Int[np.ndarray, "segments"],
    *,
    width: Width = SINGLE_COLUMN * 1.6,
) -> PrintFigure:
    """From uniqueness and richness to budgets, segment by segment: for examples small enough to check by hand.

    Args:
        names: a label for each segment.
        uniqueness: u_k (eq. 5).
        richness: e_k, normalised or not (eq. 7).
        by_content: B_k (eq. 9).
        by_length: what B_k would be by length alone.
        width: of the figure: "single", "double", or inches.
    """
    wide = page_width(width)
    if wide < 5:
        figure = PrintFigure(figsize=(wide, 3.0), layout="constrained")
        drawn = figure.subplot_mosaic([["u", "e"], ["b", "b"]])
        left, middle, right = (drawn[name] for name in "ueb")
    else:
        figure = PrintFigure(figsize=(wide, 1.7), layout="constrained")
        left, middle, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 1.5]})
    places = np.arange(len(names))
    for axes, values, title in ((left, uniqueness, "uniqueness $u_k$"), (middle, richness, "spectral entropy")):
        bars = axes.bar(places, values, color=BLUE, width=0.6)
        axes.bar_label(bars, fmt="%.3g", fontsize=SMALL)
        axes.set_title(title)
    style = {"width": 0.38, "edgecolor": "white", "linewidth": 0}
    right.bar_label(
        right.bar(places - 0.2, by_length, color="#BBBBBB", hatch="///", label="by length", **style), fontsize=SMALL
    )
    right.bar_label(right.bar(places + 0.2, by_content, color=CONTEXT, label="by content", **style), fontsize=SMALL)
    right.set_title("budget $B_k$ (tokens)")
    right.legend(loc="upper left", bbox_to_anchor=(0, 1.02), ncols=2, columnspacing=1)
    right.set_ylim(0, 1.3 * max(by_content.max(), by_length.max()))
    for axes in (left, middle, right):
        axes.set_xticks(places, names)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.margins(y=0.18)
    return figure


@styled
def budget_share(
    frame_share: Float[np.ndarray, "points"],
    budget_shares: Mapping[str, Float[np.ndarray, "points"]],
    *,
    width: Width = "single",
    ax: Axes | None = None,
) -> Figure:
    """An event's share of the context budget against its share of the frames, a line for each named setting.

    Args:
        frame_share: the event's share of the clip's frames, 0 to 1.
        budget_shares: a name -> its share of the budget at each of them.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own.
    """
    figure, axes = single_axes(width, 2.5, ax)
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=0.9, label="by length")
    looks = ((ORANGE, "o", "-"), (BLUE, "s", "-."), (VERMILLION, "^", ":"))
    for (name, share), (color, marker, dash) in zip(budget_shares.items(), looks, strict=False):
        axes.plot(frame_share, share, color=color, marker=marker, markersize=3.5, linestyle=dash, label=name)
    axes.axvline(0.5, color=GRAY, linewidth=0.6, zorder=0)
    axes.annotate(
        "half of the clip",
        (0.5, 0.02),
        (-3, 0),
        textcoords="offset points",
        ha="right",
        va="bottom",
        rotation=90,
        fontsize=SMALL,
        color=GRAY,
    )
    axes.set(
        xlim=(0, 1), ylim=(0, 1.02), xlabel="event's share of the frames", ylabel="its share of the context budget"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(loc="lower right")
    return figure
