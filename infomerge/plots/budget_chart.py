"""How the budget moves over a clip, and why: uniqueness, richness, weight and budget of every segment."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from infomerge.compression import Compression
from infomerge.plots.style import (
    BLUE,
    DOUBLE_COLUMN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SEGMENT_COLOURS,
    VERMILLION,
    PrintFigure,
    frame_edges,
    styled,
)


def crop(
    frame: UInt8[np.ndarray, "height width 3"], aspect: float
) -> UInt8[np.ndarray, "cropped_height cropped_width 3"]:
    """The middle of a frame, cut to `aspect` = width / height."""
    height, width, _ = frame.shape
    keep_width, keep_height = min(width, round(height * aspect)), min(height, round(width / aspect))
    left, top = (width - keep_width) // 2, (height - keep_height) // 2
    return frame[top : top + keep_height, left : left + keep_width]


def film_strip(
    axes: Axes,
    frames: UInt8[np.ndarray, "frames height width 3"],
    edges: Float[np.ndarray, "frames+1"],
    segment: Sequence[int],
) -> None:
    """Draw evenly spaced frames of a clip along its time axis, over a band of its numbered segments."""
    band, top = 0.2, 1.0
    size = axes.get_window_extent().size
    height = (top - band - 0.05) * size[1]
    shown = max(1, round(size[0] / (height * frames.shape[2] / frames.shape[1])))
    slots = np.linspace(edges[0], edges[-1], shown + 1)
    margin = 0.008 * (slots[1] - slots[0])
    for left, right in pairwise(slots):
        frame = int(np.searchsorted(edges, (left + right) / 2)) - 1
        picture = crop(frames[frame], size[0] / shown / height)
        extent = (left + margin, right - margin, band + 0.05, top)
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased")
    for number in sorted(set(segment)):
        members = [frame for frame, owner in enumerate(segment) if owner == number]
        left, right = edges[members[0]], edges[members[-1] + 1]
        colour = SEGMENT_COLOURS[number % len(SEGMENT_COLOURS)]
        axes.add_patch(Rectangle((left, 0), right - left, band, facecolor=colour, edgecolor="white", linewidth=0.6))
        words = {"color": "white", "fontsize": 5.5, "weight": "bold", "ha": "center", "va": "center_baseline"}
        axes.text((left + right) / 2, band / 2, str(number + 1), clip_on=True, **words)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, top))
    axes.axis("off")


@styled
def budget_chart(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
) -> PrintFigure:
    """From similarity to budget, panel under panel over the clip's time.

    The last panel is the result: context tokens a frame of each segment by content (CABA), against the same for every
    frame (by length), the difference shaded; numbers are the segments' whole budgets B_k.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        out: the compression of their tokens.
        title: what the clip is.
        true_cuts: frames after which the clip is known to cut; marked by wedges.
    """
    trace, config = out.trace, out.config
    edges = frame_edges(timestamps)
    bounds = edges[np.append(trace.segments[:, 0].cpu().numpy(), len(timestamps))]
    lengths = np.diff(trace.segments.cpu().numpy(), axis=1).squeeze(1)
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 5.5))
    strip, similarity, unique, rich, weight, budget = figure.subplots(
        6,
        1,
        sharex=True,
        height_ratios=(1.2, 1, 0.75, 0.75, 0.75, 1.7),
        gridspec_kw={"left": 0.155, "right": 0.925, "top": 0.93, "bottom": 0.075, "hspace": 0.42},
    )
    figure.text(0.01, 0.985, title, fontsize=9, weight="bold", va="top", parse_math=False)
    film_strip(strip, frames, edges, trace.segment_of_frame.tolist())
    strip.text(-0.02, 0.1, "segment", transform=strip.transAxes, ha="right", va="center", fontsize=7.5)
    if len(true_cuts):
        cuts = edges[np.asarray(true_cuts) + 1]
        strip.plot(
            cuts, np.full(len(cuts), 1.05), marker="v", linestyle="", color=VERMILLION, markersize=5, clip_on=False
        )
        strip.text(1.01, 1.05, "true cuts", transform=strip.transAxes, color=VERMILLION, fontsize=6.5, va="center")

    transition = trace.transition.cpu().numpy()
    similarity.plot(edges[1:-1], transition, color=INK, marker=".", markersize=3, linewidth=0.8)
    found = trace.segments[1:, 0].cpu().numpy()
    circles = {"marker": "o", "markersize": 4.5, "markerfacecolor": "none", "markeredgecolor": BLUE, "linestyle": ""}
    similarity.plot(edges[found], transition[found - 1], **circles)
    similarity.axhline(config.segment_threshold, color=GREY, linestyle="--", linewidth=0.8)
    threshold = f"cut below\n{config.segment_threshold:g}"
    level = (1.01, config.segment_threshold)
    similarity.annotate(threshold, level, xycoords=("axes fraction", "data"), color=GREY, fontsize=6.5, va="center")
    _label(similarity, "similarity\n$t_l$", "of each frame with the next; circles: where segments were cut")

    weight_a_frame = trace.weight.cpu().numpy() / lengths
    _steps(unique, bounds, trace.uniqueness.cpu().numpy(), GREEN)
    _label(unique, "uniqueness\n$u_k$", "how far a segment's mean token points away from the clip's")
    _steps(rich, bounds, trace.richness.cpu().numpy(), PURPLE)
    _label(rich, "richness\n$e_k$", "spectral entropy of a segment's tokens, 0 to 1")
    _steps(weight, bounds, weight_a_frame, BLUE)
    _label(weight, "weight\n$w_k / |V_k|$", "both of them, standardised, mixed and squashed: what a frame may claim")

    compare_budgets(budget, bounds, trace.budget.cpu().numpy(), trace.length_budget.cpu().numpy(), lengths)
    _label(
        budget,
        "context\ntokens\na frame",
        "by content (line; number: $B_k$) against by length (dashes); filled: gained, hatched: given up",
    )
    budget.set_xlabel("time (s)")
    for axes in (similarity, unique, rich, weight, budget):
        for bound in bounds[1:-1]:
            axes.axvline(bound, color="#DDDDDD", linewidth=0.6, zorder=0)
    return figure


def compare_budgets(
    axes: Axes,
    bounds: Float[np.ndarray, "edges"],
    by_content: Int[np.ndarray, "segments"],
    by_length: Int[np.ndarray, "segments"],
    lengths: Int[np.ndarray, "segments"],
    numbers: bool = True,
) -> None:
    """Draw context tokens a frame by content over those by length, the difference filled or hatched."""
    ours, theirs = by_content / lengths, by_length / lengths
    axes.stairs(np.maximum(ours, theirs), bounds, baseline=theirs, fill=True, color=ORANGE, alpha=0.35, linewidth=0)
    axes.stairs(
        np.minimum(ours, theirs), bounds, baseline=theirs, fill=True,
        facecolor="none", edgecolor=BLUE, hatch="////", alpha=0.6, linewidth=0,
    )  # fmt: skip
    axes.stairs(theirs, bounds, color=INK, linestyle="--", linewidth=1, baseline=None)
    axes.stairs(ours, bounds, color=ORANGE, linewidth=1.6, baseline=None)
    top = 1.2 * max(ours.max(), theirs.max(), 1)
    axes.set_ylim(0, top)
    if not numbers:
        return
    middles = (bounds[:-1] + bounds[1:]) / 2
    for middle, height, tokens in zip(middles, np.maximum(ours, theirs), by_content.tolist(), strict=True):
        axes.text(middle, height + 0.02 * top, str(tokens), ha="center", va="bottom", fontsize=6.5)


def _steps(axes: Axes, bounds: Float[np.ndarray, "edges"], values: Float[np.ndarray, "segments"], colour: str) -> None:
    axes.stairs(values, bounds, fill=True, color=colour, alpha=0.25)
    axes.stairs(values, bounds, color=colour, linewidth=1.2, baseline=None)
    axes.set_ylim(0, 1.25 * max(values.max(), 1e-3))


def _label(axes: Axes, name: str, meaning: str) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    axes.set_title(meaning, fontsize=6.5, weight="normal", color=GREY, pad=2)
    axes.locator_params(axis="y", nbins=3)
