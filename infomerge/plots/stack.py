"""Panels under each other over one axis of time: the layout of the figures that show how budgets move."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from infomerge.plots.style import GRAY, INK, SEGMENT_COLORS, SMALL, PrintFigure, Width, em, page_width
from infomerge.plots.texts import LINE, headline, wrapped

RIM = "#BBBBBB"
"""Around pictures, so that a white slide does not end in white paper."""

_BESIDE = 5.0
"""From this width on, in inches, names of panels stand to their left; on narrower paper they begin the note above."""


@dataclass(frozen=True)
class Row:
    """One panel: what it is called, what it means, and how high it is."""

    name: str
    note: str = ""
    height: float = 0.55
    """Inches."""
    pad: float = 2.0
    """Points between the note and the panel."""


def time_stack(
    rows: Sequence[Row], *, width: Width, title: str, xlabel: str, right: float = 0.1
) -> tuple[PrintFigure, list[Axes]]:
    """Panels for these rows, which share their x axis, under a headline; high enough for all that is written.

    Args:
        rows: from the top to the bottom.
        width: of the paper.
        title: what is shown.
        xlabel: below the last panel.
        right: inches to the right of the panels.
    """
    wide = page_width(width)
    beside = wide >= _BESIDE
    left = (10.4 if beside else 4.0) * em()
    room = wide - left - right
    # Lines are counted on paper of the right width before it is known how high it has to be.
    paper = PrintFigure(figsize=(wide, 1))
    notes = [_note(paper, row, beside, room) for row in rows]
    above = headline(paper, title)
    foot = wrapped(paper.text(0, 0, xlabel), room * paper.dpi).get_text()
    below = (2.7 + LINE * (1 + foot.count("\n"))) * em()
    leads = [
        0.833 * em() * LINE * (1 + note.count("\n")) + row.pad / 72 + 0.6 * em() if note else 0.9 * em()
        for row, note in zip(rows, notes, strict=True)
    ]
    height = above + sum(leads) + sum(row.height for row in rows) + below
    figure = PrintFigure(figsize=(wide, height))
    headline(figure, title)
    top = height - above
    panels: list[Axes] = []
    for row, note, lead in zip(rows, notes, leads, strict=True):
        top -= lead + row.height
        place = (left / wide, top / height, room / wide, row.height / height)
        axes = figure.add_axes(place, sharex=panels[0] if panels else None)
        label_panel(axes, row.name if beside else "", note, row.pad)
        axes.tick_params(labelbottom=row is rows[-1])
        panels.append(axes)
    panels[-1].set_xlabel(foot)
    return figure, panels


def label_panel(axes: Axes, name: str, note: str, pad: float = 2.0) -> None:
    """Write a panel's name to its left and what it means above it."""
    if name:
        axes.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    axes.set_title(note, fontsize=SMALL, weight="normal", color=GRAY, pad=pad)
    axes.locator_params(axis="y", nbins=3)


def _note(paper: Figure, row: Row, beside: bool, room: float) -> str:
    name = "" if beside else " ".join(row.name.split())
    words = f"{name}{': ' if name and row.note else ''}{row.note}"
    return wrapped(paper.text(0, 0, words, fontsize=SMALL), room * paper.dpi).get_text() if words else ""


def film_strip(
    axes: Axes,
    frames: UInt8[np.ndarray, "frames height width 3"],
    edges: Float[np.ndarray, "frames+1"],
    segment: Sequence[int],
) -> None:
    """Draw evenly spaced frames of a clip along its time axis, over a band of its numbered segments.

    The first picture is of the clip's first frame and the last of its last; each lies within the time that it shows,
    whole. A number for which its band is too narrow is left out: those beside it count on.
    """
    band, top = 0.24, 1.0
    size = axes.get_window_extent().size
    height = (top - band - 0.05) * size[1]
    aspect = frames.shape[2] / frames.shape[1]
    shown = max(1, round(size[0] / (height * aspect)))
    slots = np.linspace(edges[0], edges[-1], shown + 1)
    # From end to end, because the middles of the slots would miss a short opening.
    times = np.linspace(edges[0], edges[-1], shown)
    taken = (np.searchsorted(edges, times, side="right") - 1).clip(max=len(frames) - 1)
    pixel = (edges[-1] - edges[0]) / size[0]
    for frame, (left, right) in zip(taken, pairwise(slots), strict=True):
        room = 0.985 * (right - left)
        across = min(room, height * aspect * pixel)
        up = (top - band - 0.05) * across / (height * aspect * pixel)
        middle, foot = (left + right) / 2, band + 0.05 + (top - band - 0.05 - up) / 2
        extent = (middle - across / 2, middle + across / 2, foot, foot + up)
        axes.imshow(frames[frame], extent=extent, aspect="auto", interpolation="antialiased")
        rim(axes, (extent[0], foot, across, up))
    for number in sorted(set(segment)):
        members = [frame for frame, owner in enumerate(segment) if owner == number]
        left, right = edges[members[0]], edges[members[-1] + 1]
        color = SEGMENT_COLORS[number % len(SEGMENT_COLORS)]
        axes.add_patch(Rectangle((left, 0), right - left, band, facecolor=color, edgecolor="white", linewidth=0.6))
        words = {"color": INK, "fontsize": SMALL, "weight": "bold", "ha": "center", "va": "center_baseline"}
        text = axes.text((left + right) / 2, band / 2, str(number + 1), clip_on=True, **words)
        if text.get_window_extent().width > (right - left) / pixel:
            text.remove()
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, top))
    axes.axis("off")


def rim(axes: Axes, place: tuple[float, float, float, float]) -> None:
    """A thin line around a picture, given its corner, width and height."""
    left, foot, across, up = place
    corners = [(left, foot), (left + across, foot), (left + across, foot + up), (left, foot + up)]
    axes.add_collection(PolyCollection([corners], facecolors="none", edgecolors=RIM, linewidths=0.4), autolim=False)


def number_steps(
    axes: Axes,
    bounds: Float[np.ndarray, "edges"],
    heights: Float[np.ndarray, "segments"],
    numbers: Sequence[str],
) -> None:
    """Write each step's number above it; one that would run into the one before is raised above it.

    The axes' upper limit rises with them. A number that would have to be raised more than three times is left out.
    """
    low, top = axes.get_ylim()
    paper = axes.figure.figure
    size = axes.get_window_extent()
    line = float(paper.dpi) * em() * 0.833 * 1.05
    pixels = size.height / (top - low)
    placed: list[tuple[float, float, float]] = []
    need = top
    for left, right, height, number in zip(bounds[:-1], bounds[1:], heights, numbers, strict=True):
        middle = (left + right) / 2
        text = axes.text(middle, height, number, ha="center", va="bottom", fontsize=SMALL)
        half = text.get_window_extent().width / 2 + 1
        x = (middle - bounds[0]) / (bounds[-1] - bounds[0]) * size.width
        for level in range(4):
            foot = height * pixels + level * line
            if not any(abs(x - x0) < half + half0 and abs(foot - y0) < line for x0, y0, half0 in placed):
                break
        else:
            text.remove()
            continue
        placed.append((x, foot, half))
        raised = ScaledTranslation(0, (1.2 + level * line * 72 / paper.dpi) / 72, paper.dpi_scale_trans)
        text.set_transform(axes.transData + raised)
        # Its own height in pixels does not grow with the limit.
        need = max(need, height / (1 - min(0.8, ((level + 1) * line + 3) / size.height)))
    axes.set_ylim(low, need)
