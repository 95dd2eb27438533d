"""Which static prior finds still cells better, condition by condition, for several kinds of tokens."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from infomerge.measure.statistics import Comparison
from infomerge.plots.style import BLUE, DOUBLE_COLUMN, GRAY, INK, ORANGE, PALE, PrintFigure, styled

FULL = 0.1
"""Differences of this size and more have the full colour."""

_COLORS = LinearSegmentedColormap.from_list("adjacent to TFD", [ORANGE, "#FFFFFF", BLUE])


@styled
def prior_verdicts(tables: Mapping[str, Mapping[tuple[str, float], Comparison]], *, measure: str) -> PrintFigure:
    """Mean paired difference, TFD less adjacent, under each disturbance from weak to strong; one block for each table.

    Where the data decide, the number is bold on the winner's colour and stands to the winner's side of the cell: TFD's
    to the right, the adjacent difference's to the left. Where they do not, it is grey in the middle.

    Args:
        tables: kind of tokens -> (disturbance, strength) -> comparison of TFD with the adjacent difference, all with
            the same conditions; ("none", 0) are the clean clips.
        measure: the name of the measure.
    """
    strengths: dict[str, list[float]] = defaultdict(list)
    for name, strength in sorted(next(iter(tables.values()))):
        strengths[name].append(strength)
    # Clean clips first.
    names = sorted(strengths, key=lambda name: (name != "none", name))
    most = max(map(len, strengths.values()))
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 0.2 * len(names) + 0.85))
    layout = {"left": 0.125, "right": 0.995, "top": 1 - 0.48 / figure.get_figheight(), "wspace": 0.06}
    grid = figure.subplots(
        1, len(tables), squeeze=False, gridspec_kw=layout | {"bottom": 0.34 / figure.get_figheight()}
    )
    for axes, (tokens, comparisons) in zip(grid[0], tables.items(), strict=True):
        for row, name in enumerate(names):
            for column, strength in enumerate(strengths[name]):
                _draw_cell(axes, row, column, comparisons[name, strength])
        wins = [sum(found.verdict == side for found in comparisons.values()) for side in ("higher", "lower")]
        axes.set_title(f"{tokens}\nTFD {wins[0]}, adjacent {wins[1]} of {len(comparisons)}", fontsize=6.8)
        axes.set(xlim=(0, most), ylim=(len(names), 0), xticks=[0.5, most - 0.5], yticks=[])
        axes.set_xticklabels(["weakest", "strongest"], fontsize=6)
        axes.tick_params(length=0, pad=1)
        axes.spines[:].set_visible(False)
    labels = ["clean" if name == "none" else name.replace("_", " ") for name in names]
    grid[0][0].set_yticks(np.arange(len(names)) + 0.5, labels, fontsize=6.5)
    key = f"{measure} of TFD less that of the adjacent difference, mean over clips; bold on colour: decided; grey: not"
    figure.text(0.5, 0.1 / figure.get_figheight(), key, ha="center", va="center", fontsize=6.5, color=INK)
    return figure


def _draw_cell(axes: Axes, row: int, column: int, found: Comparison) -> None:
    difference = found.difference.mean
    decided = found.verdict != "undecided"
    # The root makes small differences visible; the number gives the size.
    place = 0.5 + 0.5 * float(np.sign(difference) * min(1.0, abs(difference) / FULL) ** 0.5)
    face = _COLORS(place) if decided else "white"
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=PALE, linewidth=0.5))
    x, side = {"higher": (0.96, "right"), "lower": (0.04, "left"), "undecided": (0.5, "center")}[found.verdict]
    ink = "white" if decided and place > 0.8 else "black"
    words = {"color": ink, "weight": "bold"} if decided else {"color": GRAY}
    text = f"{difference:+.3f}".replace("0.", ".")
    axes.text(column + x, row + 0.53, text, ha=side, va="center", fontsize=5.6, **words)
