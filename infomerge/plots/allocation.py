"""How budgets shift: between content and length, with the retention ratio, with the temperature."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch, Rectangle

from infomerge.compression import Compression, infomerge_trace
from infomerge.plots.budget_chart import compare_budgets, film_strip
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import draw_lines, draw_tokens, fade, kept_masks, outlines
from infomerge.plots.sheet import extent
from infomerge.plots.style import (
    BLUE,
    CONTEXT,
    DOUBLE_COLUMN,
    GRAY,
    INK,
    ORANGE,
    SALIENT,
    SINGLE_COLUMN,
    VERMILLION,
    PrintFigure,
    frame_edges,
    segment_edges,
    styled,
)


@takes_clip
@styled
def allocation_comparison(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    runs: Mapping[float, Compression],
    *,
    title: str = "",
) -> PrintFigure:
    """Context tokens per frame by content against by length, one panel for each retention ratio.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        runs: retention ratio -> compression at that ratio, all with the same segments.
        title: what the clip is.
    """
    edges = frame_edges(timestamps)
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 0.95 + 1.05 * len(runs)))
    layout = {"left": 0.17, "right": 0.985, "top": 0.9, "bottom": 0.11, "hspace": 0.32}
    ratios = [0.85] + [1] * len(runs)
    strip, *panels = figure.subplots(len(runs) + 1, 1, sharex=True, height_ratios=ratios, gridspec_kw=layout)
    figure.text(0.01, 0.985, title, fontsize=9, weight="bold", va="top")
    film_strip(strip, frames, edges, next(iter(runs.values())).trace.segment_of_frame.tolist())
    for axes, (ratio, out) in zip(panels, runs.items(), strict=True):
        trace = infomerge_trace(out, "allocation_comparison")
        bounds, lengths = segment_edges(trace.bounds, edges), trace.lengths.cpu().numpy()
        compare_budgets(axes, bounds, trace.budget.cpu().numpy(), trace.length_budget.cpu().numpy(), lengths)
        total, moved = int(trace.budget.sum()), int((trace.budget - trace.length_budget).clamp(min=0).sum())
        words = f"{moved} of {total} context tokens moved, {moved / max(1, total):.0%}"
        axes.set_title(words, fontsize=6.5, weight="normal", color=GRAY, pad=2)
        axes.set_ylabel(f"{ratio:.0%}\ncontext tokens\nper frame", rotation=0, ha="right", va="center", labelpad=6)
        axes.locator_params(axis="y", nbins=3)
    key = "by content (line; number: $B_k$) against by length (dashes); filled: gained, hatched: given up"
    panels[-1].set_xlabel(f"time (s); {key}")
    return figure


@takes_clip
@styled
def budget_shift(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    runs: Mapping[float, Compression],
    *,
    knob: str,
    title: str = "",
) -> PrintFigure:
    """Context tokens per frame over time, one row for each value of a knob: how far it pulls the budgets apart.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        runs: the knob's value -> compression with it, all with the same segments.
        knob: the name of what was varied.
        title: what the clip is.
    """
    edges = frame_edges(timestamps)
    first = next(iter(runs.values()))
    bounds = segment_edges(first.trace.bounds, edges)
    budgets = [infomerge_trace(out, "budget_shift").budget for out in runs.values()]
    shares = np.stack(
        [
            budget.cpu().numpy() / out.trace.lengths.cpu().numpy()
            for budget, out in zip(budgets, runs.values(), strict=True)
        ]
    )
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 1.35 + 0.24 * len(runs)))
    layout = {"left": 0.1, "right": 0.88, "top": 0.88, "bottom": 0.17, "hspace": 0.12}
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[0.62, 0.24 * len(runs)], gridspec_kw=layout)
    figure.text(0.01, 0.985, title, fontsize=9, weight="bold", va="top")
    film_strip(strip, frames, edges, first.trace.segment_of_frame.tolist())
    image = axes.pcolormesh(bounds, np.arange(len(runs) + 1), shares, edgecolors="white", linewidth=0.4)
    middle = (shares.max() + shares.min()) / 2
    for row, budget in enumerate(budgets):
        for k, tokens in enumerate(budget.tolist()):
            color = INK if shares[row, k] > middle else "white"
            words = {"ha": "center", "va": "center_baseline", "fontsize": 5.5, "clip_on": True}
            axes.text((bounds[k] + bounds[k + 1]) / 2, row + 0.5, str(tokens), color=color, **words)
    axes.set_yticks(np.arange(len(runs)) + 0.5, [f"{value:g}" for value in runs])
    axes.set(ylabel=knob, xlabel="time (s); numbers: a segment's whole budget $B_k$")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, cax=figure.add_axes((0.9, axes.get_position().y0, 0.016, axes.get_position().height)))
    bar.set_label("context tokens per frame")
    bar.outline.set_visible(False)
    return figure


@styled
def budget_bars(
    names: Sequence[str],
    uniqueness: Float[np.ndarray, "segments"],
    richness: Float[np.ndarray, "segments"],
    by_content: Int[np.ndarray, "segments"],
    by_length: Int[np.ndarray, "segments"],
) -> PrintFigure:
    """From uniqueness and richness to budgets, segment by segment: for examples small enough to check by hand.

    Args:
        names: a label for each segment.
        uniqueness: u_k (eq. 5).
        richness: e_k, normalised or not (eq. 7).
        by_content: B_k (eq. 9).
        by_length: what B_k would be by length alone.
    """
    figure = PrintFigure(figsize=(SINGLE_COLUMN * 1.6, 1.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 1.5]})
    places = np.arange(len(names))
    for axes, values, title in ((left, uniqueness, "uniqueness $u_k$"), (middle, richness, "spectral entropy")):
        bars = axes.bar(places, values, color=BLUE, width=0.6)
        axes.bar_label(bars, fmt="%.3g", fontsize=6.5)
        axes.set_title(title)
    style = {"width": 0.38, "edgecolor": "white", "linewidth": 0}
    right.bar_label(
        right.bar(places - 0.2, by_length, color="#BBBBBB", hatch="///", label="by length", **style), fontsize=6.5
    )
    right.bar_label(right.bar(places + 0.2, by_content, color=ORANGE, label="by content", **style), fontsize=6.5)
    right.set_title("budget $B_k$ (tokens)")
    right.legend(loc="upper left", bbox_to_anchor=(0, 1.02), ncols=2, columnspacing=1)
    right.set_ylim(0, 1.3 * max(by_content.max(), by_length.max()))
    for axes in (left, middle, right):
        axes.set_xticks(places, names)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.margins(y=0.18)
    return figure


@takes_clip
@styled
def method_overview(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    grid: tuple[int, int],
    segment: int,
) -> PrintFigure:
    """The method on one clip, left to right: segments, static candidates, budgets, selected tokens, the sequence.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        out: the compression of their tokens.
        grid: rows and columns of tokens in a frame.
        segment: the segment, from 0, that the middle panels show.
    """
    trace = infomerge_trace(out, "method_overview")
    start, end = trace.segments[segment].tolist()
    anchors = [frame for frame in trace.anchor_frames.tolist() if start <= frame < end]
    shown = anchors[-1]
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 1.5))
    aspect = frames.shape[1] / frames.shape[2]
    width, height = 1.14 / DOUBLE_COLUMN, 1.14 * aspect / 1.5
    lefts = [(0.13 + 1.4 * n) / DOUBLE_COLUMN for n in range(5)]
    base = 0.36
    titles = ("1  Segments", "2  Static candidates", "3  Budgets", "4  Select and merge", "5  Kept tokens")
    captions = (
        "frames that belong together\n(DySeg)",
        "outlined: smallest fingerprint\ndifference (TFD)",
        "context tokens by content,\nnot by length (CABA)",
        "orange: salient (ATS)\nblue: context (DTM)",
        f"{out.kept:,} of {len(out.assignment):,}, in order:\nthe model reads these",
    )
    panels = [figure.add_axes((left, base, width, height)) for left in lefts]
    for axes, title, caption in zip(panels, titles, captions, strict=True):
        middle = axes.get_position().x0 + width / 2
        figure.text(axes.get_position().x0, 0.9, title, weight="bold", fontsize=8)
        figure.text(middle, base - 0.07, caption, fontsize=6.5, ha="center", va="top", color=INK)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for left, right in pairwise(lefts):
        ends = ((left + width + 0.004, base + height / 2), (right - 0.004, base + height / 2))
        look = {"arrowstyle": "-|>", "mutation_scale": 7, "color": GRAY, "linewidth": 0.8}
        arrow = FancyArrowPatch(*ends, transform=figure.transFigure, **look)
        figure.add_artist(arrow)

    deck, prior, bars, selection, sequence = panels
    members = np.linspace(end - 1, start, min(4, end - start)).round().astype(int)
    for depth, frame in enumerate(members):
        back = 0.08 * (len(members) - 1 - depth)
        place = (back, back + 0.76, back, back + 0.76)
        deck.imshow(frames[frame], extent=place, aspect="auto", interpolation="antialiased")
        deck.add_patch(Rectangle((back, back), 0.76, 0.76, fill=False, edgecolor="white", linewidth=1))
    deck.set(xlim=(0, 1), ylim=(0, 1))

    box = (0.0, 0.0, float(grid[1]), float(grid[0]))
    score = trace.tfd[segment].cpu().numpy().reshape(grid)
    prior.imshow(score, extent=extent(box), aspect="auto")
    draw_lines(prior, outlines(trace.static[segment].cpu().numpy().reshape(grid)), grid, box, "white", 1.8)
    draw_lines(prior, outlines(trace.static[segment].cpu().numpy().reshape(grid)), grid, box, VERMILLION, 0.9)

    lengths = trace.lengths.cpu().numpy()
    bounds = np.append(0.0, np.cumsum(lengths))
    compare_budgets(bars, bounds, trace.budget.cpu().numpy(), trace.length_budget.cpu().numpy(), lengths, numbers=False)
    bars.axvspan(start, end, color="#EEEEEE", zorder=0)
    bars.spines["bottom"].set_visible(True)
    bars.set_xlim(0, len(frames))

    salient, context = kept_masks(out, grid)
    kept = salient[shown] | context[shown]
    selection.imshow(fade(frames[shown], kept), extent=extent(box), aspect="auto", interpolation="antialiased")
    draw_tokens(selection, salient[shown], box, SALIENT, dotted=False)
    draw_tokens(selection, context[shown], box, CONTEXT, dotted=True)

    per_row = 42
    kinds = np.full(-(-out.kept // per_row) * per_row, np.nan)
    kinds[: out.kept] = out.is_context.cpu().numpy()
    colors = ListedColormap([SALIENT, CONTEXT])
    sequence.pcolormesh(kinds.reshape(-1, per_row)[::-1], cmap=colors, edgecolors="white", linewidth=0.2)
    return figure


@styled
def budget_share(
    frame_share: Float[np.ndarray, "points"], budget_shares: Mapping[str, Float[np.ndarray, "points"]]
) -> PrintFigure:
    """An event's share of the context budget against its share of the frames, a line for each named setting.

    Args:
        frame_share: the event's share of the clip's frames, 0 to 1.
        budget_shares: a name -> its share of the budget at each of them.
    """
    figure = PrintFigure(figsize=(SINGLE_COLUMN, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=0.9, label="by length")
    looks = ((ORANGE, "o", "-"), (BLUE, "s", "-."), (VERMILLION, "^", ":"))
    for (name, share), (color, marker, dash) in zip(budget_shares.items(), looks, strict=False):
        axes.plot(frame_share, share, color=color, marker=marker, markersize=3.5, linestyle=dash, label=name)
    axes.axvline(0.5, color=GRAY, linewidth=0.6, zorder=0)
    axes.set(
        xlim=(0, 1), ylim=(0, 1.02), xlabel="event's share of the frames", ylabel="its share of the context budget"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(loc="lower right")
    return figure
