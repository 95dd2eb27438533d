"""How well static priors find still cells, disturbance by disturbance."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from infomerge.plots.style import BLUE, DOUBLE_COLUMN, GRAY, INK, ORANGE, PrintFigure, styled


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
def prior_curves(panels: Sequence[DisturbanceCurves], *, measure: str, columns: int = 4) -> PrintFigure:
    """A measure of each prior against the strength of each disturbance, with intervals, and who wins below.

    Args:
        panels: one for each disturbance, all with the same priors.
        measure: the name of the measure, for the axis.
        columns: panels in a row.
    """
    rows = -(-len(panels) // columns)
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 1.65 * rows + 0.35))
    layout = {
        "left": 0.07,
        "right": 0.99,
        "top": 1 - 0.42 / (1.55 * rows),
        "bottom": 0.52 / (1.55 * rows),
        "hspace": 0.62,
    }
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False, gridspec_kw=layout)
    looks = ((BLUE, "o", "-"), (ORANGE, "s", "--"))
    lowest = min(float(curve[1].min()) for panel in panels for curve in panel.curves.values())
    floor = np.floor(20 * lowest) / 20 - 0.08
    for axes, panel in zip(grid.flat, panels, strict=False):
        places = np.arange(len(panel.strengths))
        for (name, (mean, low, high)), (color, marker, dash) in zip(panel.curves.items(), looks, strict=False):
            axes.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
            axes.plot(places, mean, color=color, marker=marker, markersize=3, linestyle=dash, label=name)
        for place, winner in zip(places, panel.verdicts, strict=True):
            colors = {name: look[0] for name, look in zip(panel.curves, looks, strict=False)}
            words = {"ha": "center", "va": "bottom", "fontsize": 5.5, "color": colors.get(winner, GRAY)}
            axes.text(place, floor + 0.005, winner[:3] or "?", **words)
        axes.set_title(panel.name)
        axes.set_xticks(places, [f"{strength:g}" for strength in panel.strengths])
        axes.set_xlabel(textwrap.fill(panel.unit, 28), labelpad=1, fontsize=6)
        axes.set(ylim=(floor, 1.0), xlim=(-0.35, len(places) - 0.65))
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel(measure)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", ncols=2, borderaxespad=0.2)
    key = "bands: 95 % intervals over clips; last line: the prior that is better, ? undecided"
    figure.text(0.99, 0.995, key, ha="right", va="top", fontsize=6.5, color=INK)
    return figure
