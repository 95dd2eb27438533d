"""What each part of the method adds, how it compares, and what its options do: measures with intervals over clips."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from infomerge.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    PrintFigure,
    Width,
    choose_panels,
    page_width,
    styled,
)
from infomerge.plots.texts import fitted_legend, framed, words_below

Look = tuple[str, str, object]
"""Colour, marker and dash."""
LOOKS: tuple[Look, ...] = (
    (BLUE, "o", "-"),
    (ORANGE, "s", "--"),
    (GREEN, "^", "-."),
    (VERMILLION, "D", ":"),
    (PURPLE, "v", (0, (5, 1, 1, 1))),
    (SKY, "P", (0, (3, 1))),
    (INK, "X", (0, (1, 1))),
    ("#8C510A", "<", "--"),
    (GRAY, ">", "-."),
    ("#5F7D2F", "*", ":"),
    ("#8A5A94", "p", "-"),
    ("#4A62A0", "h", "--"),
)


@dataclass(frozen=True)
class RatioCurves:
    """One panel: a measure of several methods against the retention ratio."""

    measure: str
    better: str
    """"higher", "lower", or "" where neither is."""
    ratios: Float[np.ndarray, "ratios"]
    curves: Mapping[str, Float[np.ndarray, "3 ratios"]]
    """The method's name -> mean, lower and upper end of its interval."""
    log: bool = False
    """Whether the measure is drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Differences:
    """One panel: by how much each part changes a measure, at several ratios."""

    measure: str
    better: str
    """"higher", "lower", or "" where neither is."""
    ratios: Float[np.ndarray, "ratios"]
    parts: Mapping[str, Float[np.ndarray, "3 ratios"]]
    """The part -> mean difference, lower and upper end of its interval; the ends are NaN where there is none."""
    decided: Mapping[str, Bool[np.ndarray, "ratios"]]
    """The part -> at which ratios the difference may be claimed."""


@dataclass(frozen=True)
class KnobCurves:
    """One column: what an option does to measures, and what the paper prints for it."""

    knob: str
    chosen: float
    """The paper's choice."""
    values: Float[np.ndarray, "values"]
    measured: Mapping[str, Float[np.ndarray, "3 values"]]
    """The measure -> mean, lower and upper end of its interval."""
    decided: Mapping[str, Bool[np.ndarray, "values"]]
    """The measure -> at which values it may be claimed to differ from that at the paper's choice."""
    paper: Float[np.ndarray, "values"]
    """Accuracy that the paper prints, in %."""
    log: Collection[str] = ()
    """The measures that are drawn on a logarithmic axis."""


@styled
def method_curves(
    panels: Sequence[RatioCurves],
    *,
    columns: int | None = None,
    title: str = "",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Measures of methods against the retention ratio, with intervals; each curve is named at its end.

    The marks of one ratio stand side by side on one grey ground. The first method is drawn over the others.

    Args:
        panels: one for each measure, all with the same methods in the same order.
        columns: panels in a row; without a number, by the width.
        title: what is shown.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: there are more methods than looks that can be told apart, or `ax` is given for several panels.
    """
    choose_panels([panel.measure for panel in panels], None, ax)
    most = max(len(panel.curves) for panel in panels)
    if most > len(LOOKS):
        raise ValueError(f"panels: got {most} methods; expected up to {len(LOOKS)}")
    if ax is not None:
        _draw_measure(ax, panels[0])
        ax.set_xlabel("retention ratio")
        return ax.figure.figure
    columns = max(1, round(page_width(width) / 2.4)) if columns is None else columns
    rows = -(-len(panels) // columns)
    words = "bars: 95 % intervals over clips; marks on one grey ground are of one ratio"
    figure = framed(width, 2.35 * rows, title=title, words=words)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_measure(axes, panel)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes in grid[-1]:
        axes.set_xlabel("retention ratio")
    return figure


def _draw_measure(axes: Axes, panel: RatioCurves) -> None:
    places = np.arange(len(panel.ratios), dtype=float)
    for place in places:
        axes.axvspan(place - 0.22, place + 0.22, color="#F0F0F0", linewidth=0, zorder=0)
    ends: dict[str, tuple[float, str]] = {}
    for number, ((name, (mean, low, high)), look) in enumerate(zip(panel.curves.items(), LOOKS, strict=False)):
        # An interval drawn as a bar: bands of ten methods would hide each other.
        shift = 0.3 * ((number + 0.5) / len(panel.curves) - 0.5)
        order = 3.0 if number else 4.0
        _curve(axes, places + shift, mean, look, width=1.6 if number == 0 else 1.0, zorder=order)
        axes.vlines(places + shift, low, high, color=look[0], linewidth=0.6, zorder=order)
        ends[name] = (float(mean[-1]), look[0])
    if panel.log:
        _logarithmic(axes)
    axes.set_title(f"{panel.measure}{_hint(panel.better)}")
    axes.set_xticks(places, [f"{ratio:.0%}" for ratio in panel.ratios])
    axes.set_xlim(-0.3, len(places) - 0.7)
    _name_ends(axes, ends)


def _curve(
    axes: Axes, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], look: Look, width: float, zorder: float
) -> None:
    color, marker, dash = look
    axes.plot(x, y, color=color, marker=marker, markersize=3, linestyle=dash, linewidth=width, zorder=zorder)


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _hint(better: str) -> str:
    return {"higher": " ↑", "lower": " ↓", "": ""}[better]


def _name_ends(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write each curve's name beside its end, apart from each other, with a thread to the end where it had to move."""
    scale = axes.yaxis.get_transform()
    bottom, top = scale.transform(np.array(axes.get_ylim()))
    places = {
        name: (float(scale.transform(np.array([y]))[0]) - bottom) / (top - bottom) for name, (y, _) in ends.items()
    }
    for name, place in zip(places, spread_apart(list(places.values()), 0.072), strict=True):
        words = {"transform": axes.transAxes, "color": ends[name][1], "clip_on": False}
        axes.plot([1.0, 1.07], [places[name], place], linewidth=0.5, **words)
        axes.text(1.09, place, name, fontsize=SMALL, va="center", parse_math=False, **words)


def spread_apart(places: Sequence[float], gap: float) -> list[float]:
    """Places moved as little as it takes to lie a gap apart, in their order, and between 0 and 1 if they fit.

    Where they are too many for the gap, they are spread evenly from 0 to 1.
    """
    count = len(places)
    gap = min(gap, 1 / max(1, count - 1))
    order = np.argsort(places, kind="stable")
    wanted = np.clip(np.asarray(places, dtype=float)[order], 0, 1) - gap * np.arange(count)
    # Without the gaps the moved places must not fall: pool neighbours that would, at their mean.
    pools: list[list[float]] = []
    for value in wanted:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    level = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools]) if pools else np.empty(0)
    moved = np.clip(level, 0, 1 - gap * (count - 1)) + gap * np.arange(count)
    result = np.empty(count)
    result[order] = moved
    return [float(place) for place in result]


RATIO_MARKS = (("o", BLUE), ("s", ORANGE), ("^", GREEN))


@styled
def part_differences(
    panels: Sequence[Differences],
    *,
    paper: Differences | None = None,
    title: str = "",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """By how much each part changes each measure, paired by clip, with intervals; filled where it may be claimed.

    Args:
        panels: one for each measure, all with the same parts and ratios.
        paper: the same differences as the paper prints them, in a panel of their own: another quantity.
        title: what is shown.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: there are more ratios than marks that can be told apart, or `ax` is given for several panels.
    """
    everything = [*panels, *([paper] if paper else [])]
    choose_panels([panel.measure for panel in everything], None, ax)
    most = max(len(panel.ratios) for panel in everything)
    if most > len(RATIO_MARKS):
        raise ValueError(f"panels: got {most} ratios; expected up to {len(RATIO_MARKS)}")
    parts = list(everything[0].parts)
    if ax is not None:
        _forest(ax, everything[0], is_paper=everything[0] is paper)
        ax.set_yticks(range(len(parts)), parts)
        ax.set_ylim(len(parts) - 0.5, -0.5)
        return ax.figure.figure
    marks = [
        Line2D([], [], marker=marker, color=color, markersize=3.5, linestyle="")
        for (marker, color), _ in zip(RATIO_MARKS, everything[0].ratios, strict=False)
    ]
    words = "bars: 95 % intervals, paired by clip; filled: may be claimed, since the interval leaves out zero and the "
    words += "test, corrected by Holm for all that is shown, agrees; hollow: no claim, even where a bar leaves out zero"
    words += "; grey ground: the paper's, without intervals" if paper else ""

    def foot(figure: Figure) -> float:
        taken = words_below(words, figure)
        labels = [f"{ratio:.0%}" for ratio in everything[0].ratios]
        anchor = (0, taken / figure.get_size_inches()[1])
        return taken + fitted_legend(figure, marks, labels, bbox_to_anchor=anchor, handletextpad=0.0)

    columns = min(len(everything), max(1, round((page_width(width) - 0.8) / 1.03)))
    rows = -(-len(everything) // columns)
    figure = framed(width, rows * (0.36 * len(parts) + 0.65), title=title, foot=foot)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, panel in zip(grid.flat, everything, strict=False):
        _forest(axes, panel, is_paper=panel is paper)
    for axes in grid.flat[len(everything) :]:
        axes.axis("off")
    grid[0, 0].set_yticks(range(len(parts)), parts)
    grid[0, 0].set_ylim(len(parts) - 0.5, -0.5)
    return figure


def _forest(axes: Axes, panel: Differences, *, is_paper: bool) -> None:
    for row, (part, (mean, low, high)) in enumerate(panel.parts.items()):
        for number, place in enumerate(row + 0.24 * (np.arange(len(mean)) - (len(mean) - 1) / 2)):
            marker, color = RATIO_MARKS[number]
            if np.isfinite(low[number]):
                axes.hlines(place, low[number], high[number], color=color, linewidth=0.9)
            fill = color if panel.decided[part][number] else "white"
            axes.plot(mean[number], place, marker=marker, markersize=3.5, color=color, markerfacecolor=fill,
                      markeredgewidth=0.8, linestyle="")  # fmt: skip
    for row in range(1, len(panel.parts)):
        axes.axhline(row - 0.5, color=PALE, linewidth=0.5, zorder=0)
    axes.axvline(0, color=INK, linewidth=0.6, zorder=0)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(axis="y", length=0)
    axes.set_title(textwrap.fill(panel.measure, 14), fontsize=SMALL)
    axes.set_facecolor("#F4F4F4" if is_paper else "white")
    axes.set_xlabel({"higher": "better →", "lower": "← better", "": "more →"}[panel.better], fontsize=SMALL, labelpad=1)


@styled
def knob_curves(
    knobs: Sequence[KnobCurves], *, paper_measure: str, title: str = "", width: Width = "double"
) -> PrintFigure:
    """What options do to measures here, and below, on axes of its own, to the accuracy that the paper prints.

    Filled marks may be claimed to differ from the paper's choice, which a line marks. Values stand at even steps.

    Args:
        knobs: one for each option, all with the same measures.
        paper_measure: what the paper's numbers are, for the axis.
        title: what is shown.
        width: of the figure: "single", "double", or inches.
    """
    measures = list(knobs[0].measured)
    rows = len(measures) + 1
    words = (
        "blue: measured here, bands are 95 % intervals over clips; filled: may be claimed to differ from the paper's "
        "choice (dashed), by interval and Holm-corrected test; grey: the paper's numbers, another quantity of another "
        "model, without intervals; values at even steps, not to scale"
    )
    figure = framed(width, 1.32 * rows, title=title, words=words)
    grid = figure.subplots(rows, len(knobs), sharey="row", sharex="col", squeeze=False)
    for column, knob in enumerate(knobs):
        places = np.arange(len(knob.values), dtype=float)
        chosen = int(np.flatnonzero(np.isclose(knob.values, knob.chosen))[0])
        for axes, measure in zip(grid[:, column], measures, strict=False):
            mean, low, high = knob.measured[measure]
            axes.fill_between(places, low, high, color=BLUE, alpha=0.15, linewidth=0)
            axes.plot(places, mean, color=BLUE, zorder=1)
            _marks(axes, places, mean, knob.decided[measure])
            if measure in knob.log:
                _logarithmic(axes)
        _paper_curve(grid[-1, column], places, knob.paper)
        for axes in grid[:, column]:
            axes.axvline(chosen, color=INK, linewidth=0.6, linestyle="--", zorder=0)
        # Where there is no room for all values, every other one is named, and the paper's choice.
        step = 1 if page_width(width) / len(knobs) > 1.6 else 2
        labels = [f"{value:g}" if (at - chosen) % step == 0 else "" for at, value in enumerate(knob.values)]
        grid[-1, column].set_xticks(places, labels)
        grid[-1, column].set_xlabel(textwrap.fill(knob.knob, 30 if step == 1 else 16, break_long_words=False))
    for axes, measure in zip(grid[:, 0], [*measures, paper_measure], strict=True):
        axes.set_ylabel(measure)
    figure.align_ylabels(grid[:, 0])
    return figure


def _marks(axes: Axes, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], filled: Bool[np.ndarray, "n"]) -> None:
    for place, value, is_filled in zip(x, y, filled, strict=True):
        fill = BLUE if is_filled else "white"
        axes.plot(place, value, "o", markersize=3.5, color=BLUE, markeredgewidth=0.8, markerfacecolor=fill)


def _paper_curve(axes: Axes, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> None:
    axes.set_facecolor("#F4F4F4")
    axes.plot(x, y, color=GRAY, marker="D", markersize=3, linestyle="--")
