"""How the budget moves over a clip, and why: uniqueness, richness, weight and budget of every segment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infomerge.compression import Compression, InfoMergeTrace, infomerge_trace
from infomerge.config import InfoMergeConfig
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.stack import Row, film_strip, label_panel, number_steps, time_stack
from infomerge.plots.style import (
    CONTEXT,
    GRAY,
    GREEN,
    INK,
    PURPLE,
    VERMILLION,
    Width,
    choose_panels,
    frame_edges,
    segment_edges,
    styled,
)

PANELS = ("film", "similarity", "uniqueness", "richness", "weight", "budget")
"""The panels of `budget_chart`."""


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
    duration: float | None = None,
    unit: str = "s",
    width: Width = "double",
    panels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """From similarity to budget over the clip's time: uniqueness, richness, weight and context tokens of each segment.

    The last panel is the result: context tokens per frame of each segment by content (CABA), against the same for every
    frame (by length), the difference shaded; numbers are the segments' whole budgets B_k. The words say so of the
    allocation that the configuration has.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        out: the compression of their tokens.
        title: what the clip is; wrapped to the paper's width.
        true_cuts: frames after which the clip is known to cut; marked by wedges.
        pinned: another compression of the same frames to compare with, called A; dash-dotted, its cuts crosses.
        duration: of the clip, beyond which the axis does not go.
        unit: "s", or "frame" where `timestamps` are the frames' numbers.
        width: of the figure: "single", "double", or inches.
        panels: of `PANELS`, in the order of drawing; all of them without.
        ax: axes of one's own, for one panel.

    Raises:
        ValueError: `pinned` is of another number of frames, a panel is unknown, or `ax` is given for several.
    """
    if pinned and len(pinned.trace.tokens) != len(timestamps):
        raise ValueError(f"pinned: got {len(pinned.trace.tokens)} frames; expected the same {len(timestamps)}")
    trace = infomerge_trace(out, "budget_chart")
    assert out.config is not None
    chosen = choose_panels(PANELS, panels, ax)
    chart = _Chart(trace, out.config, frame_edges(timestamps, duration), pinned, true_cuts, frames)
    rows = {name: chart.row(name) for name in chosen}
    xlabel = "time (s)" if unit == "s" else unit
    if ax is not None:
        label_panel(ax, rows[chosen[0]].name, rows[chosen[0]].note)
        ax.set(xlim=(chart.edges[0], chart.edges[-1]), xlabel=xlabel)
        chart.draw(chosen[0], ax)
        return ax.figure.figure
    figure, drawn = time_stack(list(rows.values()), width=width, title=title, xlabel=xlabel)
    for name, axes in zip(chosen, drawn, strict=True):
        axes.set_xlim(chart.edges[0], chart.edges[-1])
        chart.draw(name, axes)
    return figure


@dataclass(frozen=True)
class _Chart:
    """What the panels of one chart are drawn from."""

    trace: InfoMergeTrace
    config: InfoMergeConfig
    edges: Float[np.ndarray, "frame_edges"]
    pinned: Compression | None
    true_cuts: Sequence[int]
    frames: UInt8[np.ndarray, "frames height width 3"]

    def row(self, name: str) -> Row:
        """What a panel is called, what it means and how high it is."""
        crosses = "; crosses: where A's were" if self.pinned else ""
        against = "; dash-dotted: A" if self.pinned else ""
        how_cut = f"circles: cut, as below {self.config.segment_threshold:g} (dashes)"
        if self._forced().any():
            how_cut += f"; squares: cut to have {self.config.min_segments} segments at least"
        return {
            "film": Row("", f"numbers: segments{'; wedges: true cuts' if len(self.true_cuts) else ''}", 0.72, pad=6.0),
            "similarity": Row("similarity\n$t_l$", f"of each frame with the next; {how_cut}{crosses}", 0.6),
            "uniqueness": Row("uniqueness\n$u_k$", "how far a segment's mean token points away from the clip's", 0.45),
            "richness": Row("richness\n$e_k$", "spectral entropy of a segment's tokens, 0 to 1; not from 0 here", 0.45),
            "weight": Row("weight\n$w_k/|V_k|$", _weight_words(self.config), 0.45),
            "budget": Row("context\ntokens\nper frame", _budget_words(self.config) + against, 1.05),
        }[name]

    def draw(self, name: str, axes: Axes) -> None:
        """Draw one panel."""
        if name == "film":
            self._film(axes)
            return
        if name == "similarity":
            self._similarity(axes)
        elif name == "budget":
            budgets = self.trace.budget.cpu().numpy(), self.trace.length_budget.cpu().numpy()
            compare_budgets(axes, self._bounds(self.trace), *budgets, self.trace.lengths.cpu().numpy())
        else:
            color = {"uniqueness": GREEN, "richness": PURPLE, "weight": GRAY}[name]
            steps(axes, self._bounds(self.trace), _VALUES[name](self.trace), color, from_zero=name != "richness")
        if self.pinned:
            self._draw_pinned(name, axes, infomerge_trace(self.pinned, "pinned"))
        for bound in self._bounds(self.trace)[1:-1]:
            axes.axvline(bound, color="#DDDDDD", linewidth=0.6, zorder=0)

    def _bounds(self, trace: InfoMergeTrace) -> Float[np.ndarray, "segment_edges"]:
        return segment_edges(trace.bounds, self.edges)

    def _forced(self) -> np.ndarray:
        """For each cut, whether it is there for the number of segments alone."""
        found = self.trace.segments[1:, 0].cpu().numpy()
        return np.asarray(self.trace.transition.cpu().numpy()[found - 1] >= self.config.segment_threshold)

    def _film(self, strip: Axes) -> None:
        film_strip(strip, self.frames, self.edges, self.trace.segment_of_frame.tolist())
        if len(self.true_cuts):
            cuts = self.edges[np.asarray(self.true_cuts) + 1]
            look = {"marker": "v", "linestyle": "", "color": VERMILLION, "markersize": 4.5, "clip_on": False}
            strip.plot(cuts, np.full(len(cuts), 1.04), **look)

    def _similarity(self, axes: Axes) -> None:
        transition = self.trace.transition.cpu().numpy()
        axes.plot(self.edges[1:-1], transition, color=INK, marker=".", markersize=3, linewidth=0.8)
        found, forced = self.trace.segments[1:, 0].cpu().numpy(), self._forced()
        # Marks at the ends of the scale are whole, too.
        look = {"markersize": 4.5, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": "", "clip_on": False}
        axes.plot(self.edges[found[~forced]], transition[found[~forced] - 1], marker="o", **look)
        axes.axhline(self.config.segment_threshold, color=GRAY, linestyle="--", linewidth=0.8)
        axes.plot(self.edges[found[forced]], transition[found[forced] - 1], marker="s", **look)

    def _draw_pinned(self, name: str, axes: Axes, trace: InfoMergeTrace) -> None:
        if name == "similarity":
            cuts = trace.segments[1:, 0].cpu().numpy()
            crosses = {"marker": "x", "markersize": 4, "color": VERMILLION, "linestyle": "", "clip_on": False}
            axes.plot(self.edges[cuts], trace.transition.cpu().numpy()[cuts - 1], **crosses)
            return
        values = _VALUES[name](trace)
        axes.stairs(values, self._bounds(trace), color=VERMILLION, linestyle="-.", linewidth=1.2, baseline=None)
        low, top = axes.get_ylim()
        axes.set_ylim(min(low, values.min() - 0.1 * (top - low)) if low else 0, max(top, 1.2 * values.max()))


_VALUES: Mapping[str, Callable[[InfoMergeTrace], Float[np.ndarray, "segments"]]] = {
    "uniqueness": lambda trace: trace.uniqueness.cpu().numpy(),
    "richness": lambda trace: trace.richness.cpu().numpy(),
    "weight": lambda trace: trace.weight.cpu().numpy() / trace.lengths.cpu().numpy(),
    "budget": lambda trace: trace.budget.cpu().numpy() / trace.lengths.cpu().numpy(),
}


def _weight_words(config: InfoMergeConfig) -> str:
    """What the weights come from."""
    if config.allocation == "length":
        return "the same for every frame: budgets follow length alone"
    if config.temperature == 0:
        return r"the same for every frame: at temperature $\tau=0$ budgets follow length"
    names = ("uniqueness", config.uniqueness_weight), ("richness", config.richness_weight)
    counted = [name for name, weight in names if weight]
    if not counted:
        return "the same for every frame: neither of them counts"
    source = "both of them, standardised, mixed" if len(counted) == 2 else f"{counted[0]} alone, standardised"
    return f"{source} and squashed: what a frame may claim"


def _budget_words(config: InfoMergeConfig) -> str:
    """What the lines of the budgets' panel are."""
    if not config.by_content:
        return "by length (line; number: $B_k$)"
    return "by content (line; number: $B_k$) against by length (dashes); filled: gained, hatched: given up"


def compare_budgets(
    axes: Axes,
    bounds: Float[np.ndarray, "edges"],
    by_content: Int[np.ndarray, "segments"],
    by_length: Int[np.ndarray, "segments"],
    lengths: Int[np.ndarray, "segments"],
    numbers: bool = True,
    top: float = 1.0,
) -> None:
    """Draw context tokens per frame by content over those by length, the difference filled or hatched.

    The axis goes from 0 to a fifth above the highest of them and `top`.
    """
    ours, theirs = by_content / lengths, by_length / lengths
    axes.stairs(np.maximum(ours, theirs), bounds, baseline=theirs, fill=True, color=CONTEXT, alpha=0.3, linewidth=0)
    axes.stairs(
        np.minimum(ours, theirs), bounds, baseline=theirs, fill=True,
        facecolor="none", edgecolor=GRAY, hatch="////", alpha=0.7, linewidth=0,
    )  # fmt: skip
    axes.stairs(theirs, bounds, color=INK, linestyle="--", linewidth=1, baseline=None)
    axes.stairs(ours, bounds, color=CONTEXT, linewidth=1.6, baseline=None)
    top = 1.2 * max(float(ours.max()), float(theirs.max()), top)
    axes.set_ylim(0, top)
    if numbers:
        number_steps(axes, bounds, np.maximum(ours, theirs), [str(tokens) for tokens in by_content.tolist()])


def steps(
    axes: Axes,
    bounds: Float[np.ndarray, "edges"],
    values: Float[np.ndarray, "segments"],
    color: str,
    *,
    from_zero: bool = True,
) -> None:
    """Draw one value a segment, filled from below; not from zero where the differences are what counts."""
    spread = float(np.ptp(values))
    low = 0.0 if from_zero or not spread else max(0.0, float(values.min()) - 0.6 * spread)
    axes.stairs(values, bounds, fill=True, baseline=low, color=color, alpha=0.25)
    axes.stairs(values, bounds, color=color, linewidth=1.2, baseline=None)
    axes.set_ylim(low, low + 1.25 * max(float(values.max()) - low, 1e-3))
