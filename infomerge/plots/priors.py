"""How well static priors find still cells, disturbance by disturbance."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infomerge.plots.style import BLUE, GRAY, INK, ORANGE, SMALL, Width, choose_panels, page_width, styled
from infomerge.plots.texts import fitted_legend, framed, words_below


@dataclass(frozen=True)
class DisturbanceCurves:
    """One panel: a measure under a disturbance of growing strength."""

    name: str
    unit: str
    strengths: Float[np.ndarray, "strengths"]
    curves: Mapping[str, Float[np.ndarray, "3 strengths"]]
    """The prior's name -> mean, lower and upper end of its interval."""
    verdicts: Sequence[str]
    """For each strength which prior is better, or "" where the data do not tell."""


@styled
def prior_curves(
    panels: Sequence[DisturbanceCurves],
    *,
    measure: str,
    chance: float | None = None,
    columns: int | None = None,
    title: str = "",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """A measure of each static prior against the strength of each disturbance, with intervals, and who wins below.

    Args:
        panels: one for each disturbance, all with the same priors.
        measure: the name of the measure, for the axis.
        chance: what scores that tell nothing reach; drawn as a line.
        columns: panels in a row; without a number, by the width.
        title: what is shown.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: `ax` is given for several panels.
    """
    choose_panels([panel.name for panel in panels], None, ax)
    lowest = min(float(curve[1].min()) for panel in panels for curve in panel.curves.values())
    floor = np.floor(20 * min(lowest, lowest if chance is None else chance)) / 20 - 0.09
    if ax is not None:
        _draw_panel(ax, panels[0], measure, chance, floor)
        ax.set_ylabel(measure)
        return ax.figure.figure
    names = list(panels[0].curves)
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=3, linestyle=dash) for color, marker, dash in LOOKS
    ]
    words = "bands: 95 % intervals over clips; lowest line: the prior that is better, by interval and Holm-corrected "
    words += "test; ?: undecided"
    if chance is not None:
        handles.append(Line2D([], [], color=GRAY, linewidth=0.8, linestyle=":"))
        names.append(f"chance, {chance:g}")

    def foot(figure: Figure) -> float:
        taken = words_below(words, figure)
        height = figure.get_size_inches()[1]
        return taken + fitted_legend(figure, handles, names, bbox_to_anchor=(0, taken / height))

    columns = max(1, round(page_width(width) / 1.75)) if columns is None else columns
    rows = -(-len(panels) // columns)
    figure = framed(width, 1.6 * rows, title=title, foot=foot)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, measure, chance, floor)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel(measure)
    return figure


LOOKS = ((BLUE, "o", "-"), (ORANGE, "s", "--"))
"""Colour, marker and dash of each prior."""


def _draw_panel(axes: Axes, panel: DisturbanceCurves, measure: str, chance: float | None, floor: float) -> None:
    places = np.arange(len(panel.strengths))
    if chance is not None:
        axes.axhline(chance, color=GRAY, linewidth=0.8, linestyle=":", zorder=0)
    for (name, (mean, low, high)), (color, marker, dash) in zip(panel.curves.items(), LOOKS, strict=False):
        axes.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(places, mean, color=color, marker=marker, markersize=3, linestyle=dash, label=name)
    # On the winner's colour, since orange letters on white could not be read.
    grounds = {name: (look[0], ink) for name, look, ink in zip(panel.curves, LOOKS, ("white", "black"), strict=False)}
    for place, winner in zip(places, panel.verdicts, strict=True):
        ground, ink = grounds.get(winner, ("white", INK))
        box = {"boxstyle": "square,pad=0.15", "facecolor": ground, "linewidth": 0}
        words = {"ha": "center", "va": "bottom", "fontsize": SMALL, "color": ink, "bbox": box if winner else None}
        axes.text(place, floor + 0.015, winner[:3] or "?", **words)
    axes.set_title(panel.name)
    axes.set_xticks(places, [f"{strength:g}" for strength in panel.strengths])
    axes.set_xlabel(textwrap.fill(panel.unit, 26), labelpad=1, fontsize=SMALL)
    axes.set(ylim=(floor, 1.0), xlim=(-0.4, len(places) - 0.6))
