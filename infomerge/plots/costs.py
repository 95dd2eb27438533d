"""What compression costs and saves, as bars: the parts of a time, and the steps that it is made of."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infomerge.plots.style import BLUE, GRAY, INK, PALE, SMALL, VERMILLION, Width, single_axes, styled

_PARTS = ((PALE, ""), (VERMILLION, ""), (GRAY, ""), ("white", "////"))
"""Looks of the parts of a bar, in their order: the second, the one in question, stands out."""


@styled
def cost_bars(
    bars: Mapping[str, Mapping[str, float]],
    *,
    title: str = "",
    unit: str = "ms",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """What a time is made of, a bar for each case: its parts one after the other, and their sum at its end.

    Args:
        bars: a case -> its parts by name, not negative; all cases with the same parts, four at most. The second part is
            the one that stands out.
        title: above the figure.
        unit: of the numbers.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own.

    Raises:
        ValueError: there is no case, parts differ, are more than four, or one is negative.
    """
    names = [list(parts) for parts in bars.values()]
    if not names or any(found != names[0] for found in names) or not 0 < len(names[0]) <= len(_PARTS):
        raise ValueError(f"bars: got parts {names}; expected the same ones for every case, 1 to {len(_PARTS)}")
    values = np.array([list(parts.values()) for parts in bars.values()], dtype=float)
    if (values < 0).any():
        raise ValueError(f"bars: got {values.min():g}; expected no negative part")
    figure, axes = single_axes(width, 0.75 + 0.23 * len(bars), ax)
    rows = np.arange(len(bars))
    ends = values.cumsum(axis=1)
    for part, (color, hatch) in enumerate(_PARTS[: values.shape[1]]):
        look = {"color": color, "hatch": hatch, "edgecolor": INK, "linewidth": 0.4}
        axes.barh(rows, values[:, part], 0.72, left=ends[:, part] - values[:, part], label=names[0][part], **look)
    for row, end in zip(rows, ends[:, -1], strict=True):
        axes.annotate(f"{end:.3g}", (end, row), (3, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axes.set_yticks(rows, list(bars), parse_math=False)
    axes.invert_yaxis()
    axes.set(xlabel=unit, xlim=(0, 1.1 * ends[:, -1].max()))
    axes.set_title(title, parse_math=False, pad=3 + 15 * _legend_above(axes))
    return figure


def _legend_above(axes: Axes) -> int:
    """A legend over the axes, in as few rows as the paper's width allows; how many."""
    handles, labels = axes.get_legend_handles_labels()
    for columns in range(len(labels), 1, -1):
        legend = axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2)
        if legend.get_window_extent().x1 <= axes.figure.bbox.width:
            break
    return -(-len(handles) // columns)


@styled
def step_bars(
    ways: Mapping[str, Mapping[str, float]],
    *,
    title: str = "",
    unit: str = "ms",
    width: Width = "double",
    ax: Axes | None = None,
) -> Figure:
    """How long each step takes, the ways to take it side by side, longest step of the first way on top.

    Args:
        ways: a way -> its steps by name, two ways at most; what a way has not is 0.
        title: above the figure.
        unit: of the numbers.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own.

    Raises:
        ValueError: there are no ways, or more than two.
    """
    looks = ((GRAY, ""), (BLUE, "////"))
    if not 0 < len(ways) <= len(looks):
        raise ValueError(f"ways: got {len(ways)}; expected 1 or {len(looks)}")
    first = next(iter(ways.values()))
    steps = sorted({step for taken in ways.values() for step in taken}, key=lambda step: (-first.get(step, 0), step))
    figure, axes = single_axes(width, 0.6 + 0.24 * len(steps), ax)
    rows, thick = np.arange(len(steps)), 0.8 / len(ways)
    for number, ((name, taken), (color, hatch)) in enumerate(zip(ways.items(), looks, strict=False)):
        values = [taken.get(step, 0.0) for step in steps]
        places = rows + (number - (len(ways) - 1) / 2) * thick
        axes.barh(places, values, thick, color=color, hatch=hatch, edgecolor="white", linewidth=0.3, label=name)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.2g}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=SMALL
            )
    axes.set_yticks(rows, steps, parse_math=False)
    axes.invert_yaxis()
    axes.set(xlabel=unit, xlim=(0, 1.1 * max(max(taken.values(), default=0.0) for taken in ways.values()) or 1.0))
    axes.set_title(title, parse_math=False)
    axes.legend(loc="lower right")
    return figure
