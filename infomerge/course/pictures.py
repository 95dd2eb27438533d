"""The course's own figures: plain functions of arrays. The rest of its figures are those of `infomerge.plots`."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Real, UInt8
from matplotlib.patches import Rectangle

from infomerge.palette import BLUE, GREEN, INK, PURPLE, VERMILLION
from infomerge.plots.style import PrintFigure, Width, page_width, styled

_COLORS = (BLUE, VERMILLION, GREEN, PURPLE)
_HATCHES = ("", "///", "...", "xx")
_MARKERS = "os^D"


@styled
def position_map(
    frame: UInt8[np.ndarray, "height width 3"],
    values: Float[np.ndarray, "positions"],
    grid: tuple[int, int],
    label: str,
    *,
    marked: Bool[np.ndarray, "positions"] | None = None,
    limits: tuple[float, float] | None = None,
    width: Width = "double",
) -> PrintFigure:
    """A frame, and beside it one number for each of its positions.

    Args:
        frame: RGB.
        values: one for each position, row by row.
        grid: rows and columns of positions.
        label: what the numbers are, with their unit.
        marked: positions that are outlined in the frame.
        limits: of the color scale; those of the values if none are given.
        width: of the figure: "single", "double", or inches.
    """
    wide = page_width(width)
    height, breadth, _ = frame.shape
    figure = PrintFigure(figsize=(wide, 0.5 * wide * height / breadth + 0.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    low, high = limits or (float(values.min()), float(values.max()))
    box = (0, breadth, height, 0)
    left.imshow(frame, extent=box)
    left.set_title("the first frame")
    image = right.imshow(values.reshape(grid), vmin=low, vmax=high, cmap="cividis", extent=box)
    right.set_title(label)
    figure.colorbar(image, ax=right, fraction=0.05)
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
    for position in np.flatnonzero(marked) if marked is not None else ():
        row, column = divmod(int(position), grid[1])
        tall, broad = height / grid[0], breadth / grid[1]
        for color, line in (("white", 2.2), (VERMILLION, 1.2)):
            left.add_patch(
                _rectangle(column * broad + 1, row * tall + 1, broad - 2, tall - 2, edgecolor=color, linewidth=line)
            )
    return figure


def _rectangle(x: float, y: float, width: float, height: float, edgecolor: str, linewidth: float) -> Rectangle:
    return Rectangle((x, y), width, height, fill=False, edgecolor=edgecolor, linewidth=linewidth)


@styled
def bars(
    names: Sequence[str],
    series: Mapping[str, Real[np.ndarray, "names"]],
    label: str,
    *,
    form: str = "%.2f",
    width: Width = "double",
) -> PrintFigure:
    """Groups of bars with their numbers.

    Args:
        names: of the groups, from left to right.
        series: the heights in every group, by the name of the series.
        label: what the heights are, with their unit.
        form: how the numbers are written.
        width: of the figure: "single", "double", or inches.
    """
    wide = page_width(width)
    figure = PrintFigure(figsize=(wide, max(1.8, 0.32 * wide)), layout="constrained")
    axes = figure.subplots()
    places, breadth = np.arange(len(names)), 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        drawn = axes.bar(
            places + (number - (len(series) - 1) / 2) * breadth,
            values,
            breadth,
            color=_COLORS[number],
            hatch=_HATCHES[number],
            edgecolor="white",
            linewidth=0,
            label=name,
        )
        axes.bar_label(drawn, fmt=form, fontsize="small", padding=1)
    axes.set_xticks(places, names)
    axes.set_ylabel(label)
    axes.margins(y=0.15)
    if len(series) > 1:
        figure.legend(loc="outside upper center", ncols=len(series))
    return figure


@styled
def curves(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    *,
    level: tuple[float, str] | None = None,
    width: Width = "double",
) -> PrintFigure:
    """Lines over one axis.

    Args:
        x: where the points are.
        series: their heights, by the name of the line.
        xlabel: what x is, with its unit.
        ylabel: what the heights are, with their unit.
        level: a height to compare with, and its name.
        width: of the figure: "single", "double", or inches.
    """
    wide = page_width(width)
    figure = PrintFigure(figsize=(wide, max(1.8, 0.36 * wide)), layout="constrained")
    axes = figure.subplots()
    for number, (name, values) in enumerate(series.items()):
        axes.plot(x, values, color=_COLORS[number], marker=_MARKERS[number], label=name)
    if level is not None:
        axes.axhline(level[0], color=INK, linestyle="--", linewidth=0.8, label=level[1])
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    figure.legend(loc="outside upper center", ncols=len(series) + (level is not None))
    return figure
