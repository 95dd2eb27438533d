"""The method in one row: from a clip's segments to the tokens that the language model reads."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch, Rectangle

from infomerge.compression import Compression, infomerge_trace
from infomerge.plots.budget_chart import compare_budgets
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_lines, draw_tokens, fade, kept_masks, outlines
from infomerge.plots.sheet import extent
from infomerge.plots.style import (
    CONTEXT,
    GRAY,
    SALIENT,
    SMALL,
    VERMILLION,
    PrintFigure,
    Width,
    choose_panels,
    em,
    page_width,
    styled,
)
from infomerge.plots.texts import LINE, headline, wrapped

STEPS = {
    "segments": "Segments",
    "candidates": "Static candidates",
    "budgets": "Budgets",
    "selection": "Select and merge",
    "sequence": "Kept tokens",
}
"""The panels of `method_overview`, with what stands above them."""

CELL, SIDE = 1.4, 0.13
"""Inches: the least room for a panel, and half the space between two."""


@takes_clip
@styled
def method_overview(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    segment: int,
    *,
    title: str = "",
    width: Width = "double",
    panels: Sequence[str] | None = None,
) -> PrintFigure:
    """The method on one clip in five steps: segments, static candidates, budgets, selected tokens, the kept sequence.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        out: the compression of their tokens.
        grid: rows and columns of tokens in a frame.
        segment: the segment, from 0, that the middle panels show.
        title: what the clip is.
        width: of the figure: "single", "double", or inches; where a row is too short for all steps, they take several.
        panels: of `STEPS`; all of them without.

    Raises:
        ValueError: a panel is unknown.
    """
    trace = infomerge_trace(out, "method_overview")
    start, end = trace.segments[segment].tolist()
    shown = [frame for frame in trace.anchor_frames.tolist() if start <= frame < end][-1]
    box = (0.0, 0.0, float(grid[1]), float(grid[0]))
    score, static = (values[segment].cpu().numpy().reshape(grid) for values in (trace.tfd, trace.static))
    lengths, budget = trace.lengths.cpu().numpy(), trace.budget.cpu().numpy()

    def segments(axes: Axes) -> None:
        members = np.linspace(end - 1, start, min(4, end - start)).round().astype(int)
        for depth, frame in enumerate(members):
            back = 0.08 * (len(members) - 1 - depth)
            axes.imshow(
                frames[frame], extent=(back, back + 0.76, back, back + 0.76), aspect="auto", interpolation="antialiased"
            )
            axes.add_patch(Rectangle((back, back), 0.76, 0.76, fill=False, edgecolor="white", linewidth=1))
        axes.set(xlim=(0, 1), ylim=(0, 1))

    def candidates(axes: Axes) -> None:
        axes.imshow(score, extent=extent(box), aspect="auto")
        draw_lines(axes, outlines(static), grid, box, "white", 1.8)
        draw_lines(axes, outlines(static), grid, box, VERMILLION, 0.9)

    def budgets(axes: Axes) -> None:
        bounds = np.append(0.0, np.cumsum(lengths))
        compare_budgets(axes, bounds, budget, trace.length_budget.cpu().numpy(), lengths, numbers=False)
        axes.axvspan(start, end, color="#EEEEEE", zorder=0)
        axes.spines["bottom"].set_visible(True)
        axes.set_xlim(0, len(frames))

    def selection(axes: Axes) -> None:
        salient, context = kept_masks(out, grid)
        kept = salient[shown] | context[shown]
        axes.imshow(fade(frames[shown], kept), extent=extent(box), aspect="auto", interpolation="antialiased")
        draw_tokens(axes, salient[shown], box, SALIENT, dotted=False)
        draw_tokens(axes, context[shown], box, CONTEXT, dotted=True)

    def sequence(axes: Axes) -> None:
        per_row = 42
        kinds = np.full(-(-out.kept // per_row) * per_row, np.nan)
        kinds[: out.kept] = out.is_context.cpu().numpy()
        # Where all are of one kind, the scale would have no two ends.
        colors, scale = ListedColormap([SALIENT, CONTEXT]), {"vmin": 0, "vmax": 1}
        axes.pcolormesh(kinds.reshape(-1, per_row)[::-1], cmap=colors, edgecolors="white", linewidth=0.2, **scale)

    captions = {
        "segments": "frames that belong together (DySeg)",
        "candidates": f"fingerprint difference of segment {segment + 1}, {_range(score)}; outlined: the smallest (TFD)",
        "budgets": f"up to {float((budget / lengths).max()):.0f} context tokens per frame: by content (line), not by "
        f"length (dashes) (CABA); grey: segment {segment + 1}",
        "selection": "orange: salient (ATS), blue and dotted: context (DTM), grey: merged",
        "sequence": f"{out.kept:,} of {len(out.assignment):,}, in order: the model reads these",
    }
    chosen = choose_panels(list(STEPS), panels)
    drawing: dict[str, Callable[[Axes], None]] = {
        "segments": segments, "candidates": candidates, "budgets": budgets, "selection": selection, "sequence": sequence
    }  # fmt: skip
    names = [f"{number}  {STEPS[name]}" for number, name in enumerate(STEPS, 1) if name in chosen]
    figure, places = _layout(
        names, [captions[name] for name in chosen], frames.shape[1] / frames.shape[2], width, title
    )
    for name, axes in zip(chosen, places, strict=True):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        drawing[name](axes)
    return figure


def _range(score: Float[np.ndarray, "rows columns"]) -> str:
    """Where a scale begins and ends; a segment of one frame has none."""
    if np.isnan(score).all():
        return "undefined for one frame"
    return f"{np.nanmin(score):.2f} (dark) to {np.nanmax(score):.2f} (light)"


def _layout(
    names: Sequence[str], captions: Sequence[str], aspect: float, width: Width, title: str
) -> tuple[PrintFigure, list[Axes]]:
    """Axes of one size in as few rows as the width allows, names above and captions below them, arrows between."""
    wide = page_width(width)
    # The longest name of a step takes so much in large letters.
    columns = min(len(names), max(1, int(wide / max(CELL, 13.4 * em()))))
    cell = wide / columns
    across = cell - 2 * SIDE
    up = across * aspect
    if aspect > 1.2:  # Upright frames would make rows too high.
        across, up = across / aspect, across
    paper = PrintFigure(figsize=(wide, 1))
    wrapped_captions = [
        wrapped(paper.text(0, 0, caption, fontsize=SMALL), (cell - 0.08) * paper.dpi).get_text() for caption in captions
    ]
    above = headline(paper, title)
    rows = [wrapped_captions[at : at + columns] for at in range(0, len(names), columns)]
    head = 1.9 * em()
    feet = [0.833 * em() * LINE * (1 + max(text.count("\n") for text in row)) + 1.4 * em() for row in rows]
    height = above + sum(head + up + foot for foot in feet)
    figure = PrintFigure(figsize=(wide, height))
    headline(figure, title)
    panels: list[Axes] = []
    top = height - above
    for row, foot in zip(rows, feet, strict=True):
        for column, caption in enumerate(row):
            left = cell * column + (cell - across) / 2
            axes = figure.add_axes((left / wide, (top - head - up) / height, across / wide, up / height))
            x = (cell * column + (cell - across) / 2) / wide
            figure.text(x, (top - 0.5 * head) / height, names[len(panels)], weight="bold", va="center")
            middle = (cell * column + cell / 2) / wide
            y = (top - head - up - 0.4 * em()) / height
            figure.text(middle, y, caption, fontsize=SMALL, ha="center", va="top")
            panels.append(axes)
        for one, other in pairwise(panels[-len(row) :]):
            y = (top - head - up / 2) / height
            ends = (one.get_position().x1 + 0.03 / wide, y), (other.get_position().x0 - 0.03 / wide, y)
            look = {"arrowstyle": "-|>", "mutation_scale": 7, "color": GRAY, "linewidth": 0.8}
            figure.add_artist(FancyArrowPatch(*ends, transform=figure.transFigure, **look))
        top -= head + up + foot
    return figure, panels
