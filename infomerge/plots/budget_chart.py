"""How the budget moves over a clip, and why: uniqueness, richness, weight and budget of every segment."""

import textwrap
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from infomerge.compression import Compression, infomerge_trace
from infomerge.config import InfoMergeConfig
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.style import (
    BLUE,
    DOUBLE_COLUMN,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SEGMENT_COLORS,
    VERMILLION,
    PrintFigure,
    frame_edges,
    segment_edges,
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
    """Draw evenly spaced frames of a clip along its time axis, over a band of its numbered segments.

    The first picture is of the clip's first frame and the last of its last; each lies within the time that it shows.
    """
    band, top = 0.2, 1.0
    size = axes.get_window_extent().size
    height = (top - band - 0.05) * size[1]
    shown = max(1, round(size[0] / (height * frames.shape[2] / frames.shape[1])))
    slots = np.linspace(edges[0], edges[-1], shown + 1)
    margin = 0.008 * (slots[1] - slots[0])
    # From end to end, because the middles of the slots would miss a short opening.
    times = np.linspace(edges[0], edges[-1], shown)
    taken = (np.searchsorted(edges, times, side="right") - 1).clip(max=len(frames) - 1)
    for frame, (left, right) in zip(taken, pairwise(slots), strict=True):
        picture = crop(frames[frame], size[0] / shown / height)
        extent = (left + margin, right - margin, band + 0.05, top)
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased")
    for number in sorted(set(segment)):
        members = [frame for frame, owner in enumerate(segment) if owner == number]
        left, right = edges[members[0]], edges[members[-1] + 1]
        color = SEGMENT_COLORS[number % len(SEGMENT_COLORS)]
        axes.add_patch(Rectangle((left, 0), right - left, band, facecolor=color, edgecolor="white", linewidth=0.6))
        words = {"color": INK, "fontsize": 5.5, "weight": "bold", "ha": "center", "va": "center_baseline"}
        axes.text((left + right) / 2, band / 2, str(number + 1), clip_on=True, **words)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, top))
    axes.axis("off")


@takes_clip
@styled
def budget_chart(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    pinned: Compression | None = None,
) -> PrintFigure:
    """From similarity to budget, panel under panel over the clip's time.

    The last panel is the result: context tokens per frame of each segment by content (CABA), against the same for every
    frame (by length), the difference shaded; numbers are the segments' whole budgets B_k. The words say so of the
    allocation that the configuration has.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in seconds.
        out: the compression of their tokens.
        title: what the clip is; wrapped to the paper's width.
        true_cuts: frames after which the clip is known to cut; marked by wedges.
        pinned: another compression of the same frames to compare with, called A; dash-dotted, its cuts crosses.

    Raises:
        ValueError: `pinned` is of another number of frames.
    """
    if pinned and len(pinned.trace.tokens) != len(timestamps):
        raise ValueError(f"pinned: got {len(pinned.trace.tokens)} frames; expected the same {len(timestamps)}")
    trace, config = infomerge_trace(out, "budget_chart"), out.config
    assert config is not None
    edges = frame_edges(timestamps)
    bounds, lengths = segment_edges(trace.bounds, edges), trace.lengths.cpu().numpy()
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 5.5))
    _headline(figure, title)
    height = figure.get_figheight()
    strip, similarity, unique, rich, weight, budget = figure.subplots(
        6,
        1,
        sharex=True,
        height_ratios=(1.2, 1, 0.75, 0.75, 0.75, 1.7),
        gridspec_kw={
            "left": 0.155, "right": 0.925, "top": 5.115 / height, "bottom": 0.4125 / height, "hspace": 0.42,
        },
    )  # fmt: skip
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
    similarity.axhline(config.segment_threshold, color=GRAY, linestyle="--", linewidth=0.8)
    threshold = f"cut below\n{config.segment_threshold:g}"
    level = (1.01, config.segment_threshold)
    similarity.annotate(threshold, level, xycoords=("axes fraction", "data"), color=GRAY, fontsize=6.5, va="center")
    crosses = "; crosses: where A's were" if pinned else ""
    _label(similarity, "similarity\n$t_l$", f"of each frame with the next; circles: where segments were cut{crosses}")

    weight_per_frame = trace.weight.cpu().numpy() / lengths
    _steps(unique, bounds, trace.uniqueness.cpu().numpy(), GREEN)
    _label(unique, "uniqueness\n$u_k$", "how far a segment's mean token points away from the clip's")
    _steps(rich, bounds, trace.richness.cpu().numpy(), PURPLE)
    _label(rich, "richness\n$e_k$", "spectral entropy of a segment's tokens, 0 to 1")
    _steps(weight, bounds, weight_per_frame, BLUE)
    _label(weight, "weight\n$w_k / |V_k|$", _weight_words(config))

    compare_budgets(budget, bounds, trace.budget.cpu().numpy(), trace.length_budget.cpu().numpy(), lengths)
    _label(budget, "context\ntokens\nper frame", _budget_words(config) + ("; dash-dotted: A" if pinned else ""))
    budget.set_xlabel("time (s)")
    if pinned:
        _draw_pinned(pinned, edges, similarity, unique, rich, weight, budget)
    for axes in (similarity, unique, rich, weight, budget):
        for bound in bounds[1:-1]:
            axes.axvline(bound, color="#DDDDDD", linewidth=0.6, zorder=0)
    return figure


def _headline(figure: PrintFigure, title: str) -> None:
    """Write the title in as many lines as it needs, and make the figure so much higher."""
    left, above, line = 0.01, 0.0825, 0.17
    width, height = figure.get_size_inches()
    text = figure.text(left, 1 - above / height, title, fontsize=9, weight="bold", va="top", parse_math=False)
    _wrap(text, (1 - 2 * left) * width * figure.dpi)
    higher = height + line * text.get_text().count("\n")
    figure.set_size_inches(width, higher)
    text.set_y(1 - above / higher)


def _wrap(text: Text, width: float) -> None:
    """Break lines until none is wider than `width` pixels."""
    paragraphs = text.get_text().split("\n")
    letters = max(map(len, paragraphs))
    while text.get_window_extent().width > width and letters > 1:
        letters -= 1
        lines = (textwrap.wrap(paragraph, letters, break_on_hyphens=False) for paragraph in paragraphs)
        text.set_text("\n".join(line for paragraph in lines for line in paragraph))


def _weight_words(config: InfoMergeConfig) -> str:
    """What the weights come from."""
    if config.allocation == "length":
        return "the same for every frame: budgets follow length alone"
    names = ("uniqueness", config.uniqueness_weight), ("richness", config.richness_weight)
    counted = [name for name, weight in names if weight]
    if not counted:
        return "the same for every frame: neither of them counts"
    source = "both of them, standardised, mixed" if len(counted) == 2 else f"{counted[0]} alone, standardised"
    return f"{source} and squashed: what a frame may claim"


def _budget_words(config: InfoMergeConfig) -> str:
    """What the lines of the budgets' panel are."""
    if config.allocation == "length":
        return "by length (line; number: $B_k$)"
    return "by content (line; number: $B_k$) against by length (dashes); filled: gained, hatched: given up"


def _draw_pinned(
    out: Compression,
    edges: Float[np.ndarray, "frame_edges"],
    similarity: Axes,
    unique: Axes,
    rich: Axes,
    weight: Axes,
    budget: Axes,
) -> None:
    """Draw another compression over the panels of the first."""
    trace = infomerge_trace(out, "pinned")
    bounds, lengths = segment_edges(trace.bounds, edges), trace.lengths.cpu().numpy()
    cuts = trace.segments[1:, 0].cpu().numpy()
    crosses = {"marker": "x", "markersize": 4, "color": VERMILLION, "linestyle": ""}
    similarity.plot(edges[cuts], trace.transition.cpu().numpy()[cuts - 1], **crosses)
    panels = {
        unique: trace.uniqueness.cpu().numpy(),
        rich: trace.richness.cpu().numpy(),
        weight: trace.weight.cpu().numpy() / lengths,
        budget: trace.budget.cpu().numpy() / lengths,
    }
    for axes, values in panels.items():
        axes.stairs(values, bounds, color=VERMILLION, linestyle="-.", linewidth=1.2, baseline=None)
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.2 * values.max()))


def compare_budgets(
    axes: Axes,
    bounds: Float[np.ndarray, "edges"],
    by_content: Int[np.ndarray, "segments"],
    by_length: Int[np.ndarray, "segments"],
    lengths: Int[np.ndarray, "segments"],
    numbers: bool = True,
) -> None:
    """Draw context tokens per frame by content over those by length, the difference filled or hatched."""
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


def _steps(axes: Axes, bounds: Float[np.ndarray, "edges"], values: Float[np.ndarray, "segments"], color: str) -> None:
    axes.stairs(values, bounds, fill=True, color=color, alpha=0.25)
    axes.stairs(values, bounds, color=color, linewidth=1.2, baseline=None)
    axes.set_ylim(0, 1.25 * max(values.max(), 1e-3))


def _label(axes: Axes, name: str, meaning: str) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    axes.set_title(meaning, fontsize=6.5, weight="normal", color=GRAY, pad=2)
    axes.locator_params(axis="y", nbins=3)
