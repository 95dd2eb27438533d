"""What methods leave of a model's answers: accuracy against tokens, by kind of question and under disturbances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from infomerge.plots.ablation import LOOKS, spread_apart
from infomerge.plots.style import BLUE, GRAY, INK, PALE, SMALL, VERMILLION, Width, choose_panels, page_width, styled
from infomerge.plots.texts import fitted_legend, framed, words_below

_NAMES = 0.074
"""Names nearer to each other than this share of a panel's height cannot be read."""
_SHADES = LinearSegmentedColormap.from_list("answered", ["#FFFFFF", BLUE])


@dataclass(frozen=True)
class AnswerCurves:
    """One panel: how much of the accuracy with all tokens is left at each retention ratio, in %."""

    clips: str
    """Which clips and model."""
    ratios: Float[np.ndarray, "ratios"]
    highlighted: Mapping[str, Float[np.ndarray, "3 ratios"]]
    """The method's name -> mean, lower and upper end of its interval."""
    others: Mapping[str, Float[np.ndarray, "ratios"]]
    """Means of all other methods."""


@dataclass(frozen=True)
class AnswerGrid:
    """One panel: accuracies in %, a number for each row and column."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    accuracy: Float[np.ndarray, "rows columns"]
    """NaN where nothing was asked."""
    framed: Bool[np.ndarray, "rows columns"]
    """Which are framed, for what the words below the figure say."""
    begin: Float[np.ndarray, "rows columns"]
    """The accuracy at which a cell's colour begins."""


@styled
def answer_curves(
    panels: Sequence[AnswerCurves],
    *,
    columns: int | None = None,
    title: str = "",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Share of the full accuracy against the retention ratio, fewer tokens to the right; all methods, a few in colour.

    Those in colour have intervals, drawn beside each other where they are of one ratio. All others are thin and grey,
    named at their ends where there is room.

    Args:
        panels: one for each form of clips, all with the same highlighted methods in the same order.
        columns: panels in a row; without a number, by the width.
        title: what is shown.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: there are more highlighted methods than looks that can be told apart, or `ax` is given for several
            panels.
    """
    choose_panels([panel.clips for panel in panels], None, ax)
    names = list(panels[0].highlighted)
    if len(names) > len(LOOKS):
        raise ValueError(f"panels: got {len(names)} highlighted methods; expected up to {len(LOOKS)}")
    lowest = min(_lowest(panel) for panel in panels)
    if ax is not None:
        _draw_curves(ax, panels[0], lowest, 2.6)
        _label_axes(ax)
        return ax.figure.figure
    columns = min(len(panels), max(1, int(page_width(width) / 3.0))) if columns is None else columns
    rows, height = -(-len(panels) // columns), 2.6 if columns > 1 else 2.1
    words = "bars: 95 % intervals over clips, of the methods in colour; grey: all others, some of them named"

    def foot(figure: Figure) -> float:
        taken = words_below(words, figure)
        marks = [
            Line2D([], [], color=color, marker=marker, linestyle=dash, markersize=3.5, linewidth=1)
            for (color, marker, dash), _ in zip(LOOKS, names, strict=False)
        ]
        anchor = (0, taken / figure.get_size_inches()[1])
        return taken + fitted_legend(figure, marks, names, bbox_to_anchor=anchor)

    figure = framed(width, height * rows, title=title, foot=foot)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_curves(axes, panel, lowest, height)
        _label_axes(axes)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    return figure


def _lowest(panel: AnswerCurves) -> float:
    drawn = [*(curve[1] for curve in panel.highlighted.values()), *panel.others.values()]
    return float(np.nanmin(np.concatenate([np.ravel(curve) for curve in drawn])))


def _label_axes(axes: Axes) -> None:
    axes.set_xlabel("% of the tokens kept →  fewer")
    axes.set_ylabel("% of the accuracy with all tokens")


def _draw_curves(axes: Axes, panel: AnswerCurves, lowest: float, height: float) -> None:
    axes.set_xscale("log")
    ratios = np.asarray(panel.ratios, dtype=float)
    order = np.argsort(-ratios)
    for curve in panel.others.values():
        axes.plot(ratios[order], curve[order], color="#B5B5B5", linewidth=0.6, zorder=1)
    count = len(panel.highlighted)
    for number, ((mean, low, high), look) in enumerate(zip(panel.highlighted.values(), LOOKS, strict=False)):
        color, marker, dash = look
        # Aside by a few percent of the ratio, so that bars of one ratio do not hide each other.
        places = ratios * 1.035 ** ((count - 1) / 2 - number)
        above = 4.0 + (count - number) / 10
        axes.plot(places[order], mean[order], color=color, marker=marker, linestyle=dash, markersize=3, linewidth=1.1,
                  zorder=above)  # fmt: skip
        axes.vlines(places, low, high, color=color, linewidth=0.7, zorder=above)
    axes.axhline(100, color=INK, linewidth=0.5, linestyle=":", zorder=0)
    axes.set_xlim(ratios.max() * 1.12, ratios.min() / 1.12)
    axes.set_ylim(lowest - 3, 102)
    axes.xaxis.set_major_locator(FixedLocator(list(ratios)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ratios, [f"{100 * ratio:g}" for ratio in ratios])
    axes.set_title(panel.clips)
    last = int(np.argmin(ratios))
    _name_others(axes, panel, last, lowest, height)


def _name_others(axes: Axes, panel: AnswerCurves, last: int, lowest: float, height: float) -> None:
    """Names of grey curves beside their ends, as many as can be read, from the best on."""
    bottom, top = lowest - 3, 102.0
    gap = _NAMES * 2.6 / height * float(mpl.rcParams["font.size"]) / 7.5
    ends = sorted(((float(curve[last]) - bottom) / (top - bottom), name) for name, curve in panel.others.items())
    taken: list[tuple[float, str]] = []
    for place, name in reversed(ends):
        if np.isfinite(place) and all(abs(place - other) >= gap / 2 for other, _ in taken):
            taken.append((place, name))
    for (place, name), moved in zip(taken, spread_apart([place for place, _ in taken], gap), strict=True):
        words = {"transform": axes.transAxes, "clip_on": False, "color": GRAY}
        axes.plot([1.0, 1.03], [place, moved], linewidth=0.4, **words)
        axes.text(1.04, moved, name, fontsize=SMALL, va="center", parse_math=False, **words)


@styled
def answer_grid(
    panels: Sequence[AnswerGrid],
    *,
    words: str,
    title: str = "",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """Accuracy as a table of shaded cells: a number in each, the more blue the more answers are right.

    Args:
        panels: each with the same rows.
        words: what frames mean, for below the figure.
        title: what is shown.
        width: of the figure: "single", "double", or inches; where it is narrow the panels stand under each other.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: `ax` is given for several panels.
    """
    choose_panels([panel.title for panel in panels], None, ax)
    if ax is not None:
        _draw_grid(ax, panels[0])
        return ax.figure.figure
    columns = max(1, min(len(panels), int(page_width(width) / 3.4)))
    lines = -(-len(panels) // columns)
    names = max(len(column) for column in panels[0].columns)
    height = 0.155 * len(panels[0].rows) + 0.07 * names + 0.3
    if not any(panel.framed.any() for panel in panels):
        words = f"{words}; none is framed"  # Or the reader looks for what is not there.
    figure = framed(width, lines * height, title=title, words=words)
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_grid(axes, panel, names=axes in grid[:, 0])
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    return figure


def _draw_grid(axes: Axes, panel: AnswerGrid, *, names: bool = True) -> None:
    for (row, column), value in np.ndenumerate(panel.accuracy):
        if not np.isfinite(value):
            continue
        begin = float(panel.begin[row, column])
        shade = max(0.0, (value - begin) / max(1e-9, 100 - begin)) ** 1.5
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor=_SHADES(0.95 * shade), edgecolor="white", linewidth=0.6)
        )
        if panel.framed[row, column]:
            place = (column + 0.09, row + 0.1)
            axes.add_patch(Rectangle(place, 0.82, 0.8, fill=False, edgecolor=VERMILLION, linewidth=0.9, zorder=2))
        ink = "white" if shade > 0.62 else INK
        axes.text(column + 0.5, row + 0.52, f"{value:.0f}", ha="center", va="center", fontsize=SMALL, color=ink)
    axes.set(xlim=(0, len(panel.columns)), ylim=(len(panel.rows), 0))
    axes.set_xticks(np.arange(len(panel.columns)) + 0.5, panel.columns, fontsize=SMALL, rotation=90)
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(panel.rows)) + 0.5, panel.rows if names else [], fontsize=SMALL, parse_math=False)
    axes.tick_params(length=0, pad=1)
    axes.spines[:].set_visible(False)
    axes.set_title(panel.title, fontsize=SMALL)
    axes.axhline(len(panel.rows), color=PALE, linewidth=0.5)
