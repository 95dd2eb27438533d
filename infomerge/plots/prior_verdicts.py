"""Which static prior finds still cells better, condition by condition, for several kinds of tokens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from infomerge.measure.statistics import Comparison
from infomerge.plots.style import BLUE, GRAY, ORANGE, PALE, SMALL, Width, choose_panels, page_width, styled
from infomerge.plots.texts import framed

FULL = 0.3
"""Differences of this size and more have the full colour."""

_COLORS = LinearSegmentedColormap.from_list("adjacent to TFD", [ORANGE, "#FFFFFF", BLUE])


@styled
def prior_verdicts(
    tables: Mapping[str, Mapping[tuple[str, float], Comparison]],
    *,
    measure: str,
    title: str = "",
    width: Width = "double",
    panels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Mean paired difference, TFD less adjacent, under each disturbance from weak to strong; a block for each table.

    Where the data decide, the number is bold on the winner's colour: blue where TFD is better, orange where the
    adjacent difference is, so much the stronger the larger the difference. Where they do not, it is grey on white.

    Args:
        tables: kind of tokens -> (disturbance, strength) -> comparison of TFD with the adjacent difference, all with
            the same conditions; ("none", 0) are the clean clips.
        measure: the name of the measure.
        title: what is shown.
        width: of the figure: "single", "double", or inches; where it is narrow the blocks stand under each other.
        panels: of the kinds of tokens; all of them without.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: a panel is unknown, or `ax` is given for several.
    """
    tables = {name: tables[name] for name in choose_panels(list(tables), panels, ax)}
    strengths: dict[str, list[float]] = defaultdict(list)
    for name, strength in sorted(next(iter(tables.values()))):
        strengths[name].append(strength)
    # Clean clips first.
    names = sorted(strengths, key=lambda name: (name != "none", name))
    if ax is not None:
        _draw_block(ax, *next(iter(tables.items())), names, strengths)
        return ax.figure.figure
    wide = page_width(width)
    columns = max(1, min(len(tables), int((wide - 0.9) / 1.7)))
    rows = -(-len(tables) // columns)
    words = (
        f"{measure} of TFD less that of the adjacent difference, mean over clips; bold on colour: decided, by interval "
    )
    words += "and Holm-corrected test; grey: not"
    figure = framed(width, rows * (0.2 * len(names) + 0.55) + 0.35, title=title, words=words)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (tokens, comparisons) in zip(grid.flat, tables.items(), strict=False):
        _draw_block(axes, tokens, comparisons, names, strengths, labels=axes in grid[:, 0])
    for axes in grid.flat[len(tables) :]:
        axes.axis("off")
    scale = ScalarMappable(FuncNorm((_place, _difference), -FULL, FULL), _COLORS)
    bar = figure.colorbar(
        scale, ax=list(grid.flat), location="bottom", extend="both", aspect=45, pad=0.02, fraction=0.03
    )
    bar.set_ticks([-FULL, -0.1, 0, 0.1, FULL], labels=[f"-{FULL:g}", "-0.1", "0", "+0.1", f"+{FULL:g}"])
    bar.set_label("adjacent better   |   TFD better", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, length=2)
    bar.outline.set_visible(False)
    return figure


def _place(difference: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Where a difference lies on the scale, -1 to 1: the root makes small differences visible; the number is exact."""
    return np.asarray(np.sign(difference) * np.sqrt(np.minimum(1, np.abs(difference) / FULL)))


def _difference(place: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.asarray(np.sign(place) * FULL * np.square(place))


def _draw_block(
    axes: Axes,
    tokens: str,
    comparisons: Mapping[tuple[str, float], Comparison],
    names: Sequence[str],
    strengths: Mapping[str, Sequence[float]],
    *,
    labels: bool = True,
) -> None:
    most = max(map(len, strengths.values()))
    for row, name in enumerate(names):
        for column, strength in enumerate(strengths[name]):
            _draw_cell(axes, row, column, comparisons[name, strength])
    wins = [sum(found.verdict == side for found in comparisons.values()) for side in ("higher", "lower")]
    axes.set_title(f"{tokens}\nTFD {wins[0]}, adjacent {wins[1]} of {len(comparisons)}", fontsize=SMALL)
    axes.set(xlim=(0, most), ylim=(len(names), 0), xticks=[0.5, most - 0.5], yticks=[])
    axes.set_xticklabels(["weakest", "strongest"], fontsize=SMALL)
    axes.tick_params(length=0, pad=1)
    axes.spines[:].set_visible(False)
    if labels:
        words = ["clean" if name == "none" else name.replace("_", " ") for name in names]
        axes.set_yticks(np.arange(len(names)) + 0.5, words, fontsize=SMALL)


def _draw_cell(axes: Axes, row: int, column: int, found: Comparison) -> None:
    difference = found.difference.mean
    decided = found.verdict != "undecided"
    place = 0.5 + 0.5 * float(_place(np.array(difference)))
    face = _COLORS(place) if decided else "white"
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=PALE, linewidth=0.5))
    ink = "white" if decided and place > 0.8 else "black"
    words = {"color": ink, "weight": "bold"} if decided else {"color": GRAY}
    text = f"{difference:+.3f}".replace("0.", ".")
    axes.text(column + 0.5, row + 0.53, text, ha="center", va="center", fontsize=SMALL, **words)
