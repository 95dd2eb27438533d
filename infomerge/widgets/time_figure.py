"""The panels over a clip's time as one plotly figure: from the similarity of its frames to the budgets."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from infomerge.encoded_clip import EncodedClip
from infomerge.palette import GRAY, INK
from infomerge.pipeline import BudgetPlan
from infomerge.plots.style import frame_edges, segment_edges
from infomerge.widgets.film_strip import strip_images
from infomerge.widgets.panels import BAND, BAR_TEXT, LOOK, STRIP, panels_over_time, similarity_title, stacked
from infomerge.widgets.plotly_patch import PatchedFigure

HEIGHT, LEGEND = 712, 68
"""Pixels: of the figure, and of its foot that the legend has for itself."""
STRIP_FRAMES = 9
NOISE = 0.01
"""Uniqueness and richness that fill their panel at the least: below is rounding noise, as of a clip of one frame."""
HEADROOM = 1 / 6
"""Share of the budgets' panel that is free above the highest one, for its number."""
PER_SEGMENT = ("band", "uniqueness", "richness", "weight", "touch")
"""Traces with one bar a segment: hovering tells about the segment, a click chooses it."""


class TimeFigure(PatchedFigure):
    """Panel under panel over the clip's time. The pinned configuration is dash-dotted."""

    def __init__(self) -> None:
        self._panels = panels_over_time()
        axes, headings = stacked(self._panels)
        traces = {name: trace for panel in self._panels.values() for name, trace in panel.traces.items()}
        annotations = {**headings, "no strip": _no_strip()}
        super().__init__(
            traces,
            {**LOOK, **_layout(self._panels["budget"].axis), **axes},
            annotations=annotations,
            shapes={"chosen": _chosen()},
            images={_picture(n): _slot() for n in range(STRIP_FRAMES)},
        )
        self._edges = np.zeros(2)
        self._unit = "s"

    def on_segment_clicked(self, act: Callable[[int], None]) -> None:
        """Call `act` with the number of a segment that was clicked, in whichever panel."""
        for name in PER_SEGMENT:
            self.trace(name).on_click(lambda trace, points, state: act(points.point_inds[0]))

    def show_clip(self, clip: EncodedClip) -> None:
        """Another clip: its film strip, its true cuts and its span of time."""
        self._edges, self._unit = frame_edges(clip.times), clip.unit
        first, last = self._edges[0].item(), self._edges[-1].item()
        pictures = [] if clip.frames is None else strip_images(clip.frames, self._edges, STRIP_FRAMES)
        slot = (last - first) / STRIP_FRAMES
        for n in range(STRIP_FRAMES):
            source = pictures[n] if pictures else ""
            self.lay_out(_picture(n), source=source, x=first + (n + 0.5) * slot, sizex=0.97 * slot)
        self.lay_out("xaxis", range=[first, last], title_text="time (s)" if clip.unit == "s" else "frame")
        self.lay_out("no strip", visible=not pictures)
        self.put("true cuts", x=list(clip.cut_times), y=[1.0] * len(clip.cut_times))

    def show_plans(self, plan: BudgetPlan, pinned: BudgetPlan | None, chosen: int) -> None:
        """The present configuration, the pinned one if there is one, and which segment is chosen."""
        top = self._scale(plan, pinned)
        self._show_present(plan, top)
        self._show_pinned(pinned)
        left, right = self._bounds(plan)[[chosen, chosen + 1]].tolist()
        self.lay_out("chosen", x0=left, x1=right)

    def _show_present(self, plan: BudgetPlan, top: float) -> None:
        bounds = self._bounds(plan)
        middles, widths = (bounds[:-1] + bounds[1:]) / 2, np.diff(bounds)
        ours, theirs = _per_frame(plan, plan.budget), _per_frame(plan, plan.length_budget)
        bars = {"x": middles, "width": widths, "hovertext": self._hover(plan)}
        count = len(middles)
        self.put("band", y=np.full(count, BAND[1]), text=[str(k + 1) for k in range(count)], **bars)
        for name, values in _measures(plan).items():
            self.put(name, y=values, **bars)
        self.put("by content", **_steps(bounds, ours))
        self.put("by length", **_steps(bounds, theirs))
        self.put("gained", x=middles, width=widths, base=theirs, y=np.maximum(ours - theirs, 0))
        self.put("given up", x=middles, width=widths, base=theirs, y=np.minimum(ours - theirs, 0))
        higher, numbers = np.maximum(ours, theirs), [str(b) for b in plan.budget.tolist()]
        self.put("numbers", x=middles, width=widths, base=higher, y=np.full(count, HEADROOM * top), text=numbers)
        self.put("touch", y=np.full(count, top), **bars)
        self._show_similarity(plan)

    def _show_similarity(self, plan: BudgetPlan) -> None:
        edges, transition = self._edges, plan.transition.cpu().numpy()
        cuts, threshold = plan.segments[1:, 0].cpu().numpy(), plan.config.segment_threshold
        self.put("similarity", x=edges[1:-1], y=transition)
        self.put("cuts", x=edges[cuts], y=transition[cuts - 1])
        self.put("threshold", x=edges[[0, -1]], y=[threshold, threshold], text=["", f"τ<sub>seg</sub> {threshold:g}"])

    def _show_pinned(self, plan: BudgetPlan | None) -> None:
        similarity = self._panels["similarity"]
        self.lay_out(similarity.heading, text=similarity_title(plan is not None))
        for panel in self._panels.values():
            if panel.pinned in panel.traces:
                self.put(panel.pinned, visible=plan is not None)
        if plan is not None:
            cuts = plan.segments[1:, 0].cpu().numpy()
            self.put(similarity.pinned, x=self._edges[cuts], y=plan.transition.cpu().numpy()[cuts - 1])
            for name, values in (_measures(plan) | {"budget": _per_frame(plan, plan.budget)}).items():
                self.put(self._panels[name].pinned, **_steps(self._bounds(plan), values))

    def _scale(self, plan: BudgetPlan, pinned: BudgetPlan | None) -> float:
        """Axes that hold both configurations, in round steps so that they rest while a slider is dragged."""
        plans = [plan, pinned or plan]
        lows = [min(float(p.transition.min()) if len(p.transition) else 1, p.config.segment_threshold) for p in plans]
        budgets = [_per_frame(p, budget).max() for p in plans for budget in (p.budget, p.length_budget)]
        top = _round_up(max(budgets) / (1 - HEADROOM))
        ranges = {
            "similarity": [math.floor(10 * min(lows) - 0.5) / 10, 1.04],
            "uniqueness": [0, _round_up(max(NOISE, *(1.1 * float(p.uniqueness.max()) for p in plans)))],
            "richness": [0, min(1.05, _round_up(max(NOISE, *(1.1 * float(p.richness.max()) for p in plans))))],
            "budget": [0, top],
        }
        for name, values in ranges.items():
            self.lay_out(self._panels[name].layout_axis, range=values)
        return top

    def _bounds(self, plan: BudgetPlan) -> Float[np.ndarray, "edges"]:
        return segment_edges(plan.bounds, self._edges)

    def _hover(self, plan: BudgetPlan) -> list[str]:
        texts = []
        values = (plan.lengths, plan.uniqueness, plan.richness, plan.weight, plan.budget, plan.length_budget)
        for k, (left, right) in enumerate(pairwise(self._bounds(plan).tolist())):
            length, unique, rich, weight, budget, by_length = (value[k].item() for value in values)
            span = f"{max(left, 0):.2f} to {right:.2f} s, " if self._unit == "s" else ""
            texts.append(
                f"<b>segment {k + 1}</b>  {span}{length} frame{'s' * (length != 1)}<br>"
                f"u = {unique:.3f}, e = {rich:.3f}, w / |V| = {weight / length:.3f}<br>"
                f"B = {budget} context tokens ({budget / length:.1f} a frame); by length {by_length}"
            )
        return texts


def _measures(plan: BudgetPlan) -> dict[str, Float[np.ndarray, "segments"]]:
    """What is known of each segment, by the name of its panel."""
    return {
        "uniqueness": plan.uniqueness.cpu().numpy(),
        "richness": plan.richness.cpu().numpy(),
        "weight": _per_frame(plan, plan.weight),
    }


def _per_frame(plan: BudgetPlan, values: Tensor) -> Float[np.ndarray, "segments"]:
    return values.cpu().numpy() / plan.lengths.cpu().numpy()


def _steps(bounds: Float[np.ndarray, "edges"], values: Float[np.ndarray, "segments"]) -> dict[str, Any]:
    """A line that holds each value until the next bound."""
    return {"x": bounds, "y": np.append(values, values[-1])}


def _round_up(value: float) -> float:
    """The next number of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def _picture(number: int) -> str:
    return f"picture {number}"


def _layout(lowest_axis: str) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 34, "r": 54, "t": 12, "b": 110},
        "barmode": "overlay",
        "uniformtext": {"mode": "hide", "minsize": BAR_TEXT},
        "hovermode": "x",  # anywhere in a panel, not only on a low bar
        "xaxis": {
            "anchor": lowest_axis, "showgrid": False, "zeroline": False, "ticks": "outside", "fixedrange": True,
            "title": {"text": "time (s)", "standoff": 6}, "showline": True, "linecolor": GRAY,
        },
        "legend": {
            # Of the figure's own height, with room for the three rows of a narrow window. In the panels' height it
            # would move with the margin that plotly makes for its rows, and not move back.
            "orientation": "h", "x": 0, "yref": "container", "y": LEGEND / HEIGHT, "yanchor": "top",
            "itemclick": False, "itemdoubleclick": False, "traceorder": "normal",
        },
    }  # fmt: skip


def _no_strip() -> dict[str, Any]:
    return {
        "text": "no frames were given: there is no film strip", "font": {"color": GRAY}, "showarrow": False,
        "xref": "paper", "yref": "y", "x": 0.5, "y": 0.6, "visible": False,
    }  # fmt: skip


def _slot() -> dict[str, Any]:
    return {
        "xref": "x", "yref": "y", "x": 0, "y": sum(STRIP) / 2, "sizex": 1, "sizey": STRIP[1] - STRIP[0],
        # "fill" crops a picture to its slot, which a narrow window makes narrow.
        "xanchor": "center", "yanchor": "middle", "sizing": "fill", "layer": "below", "source": "",
    }  # fmt: skip


def _chosen() -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "layer": "below",
        "fillcolor": INK, "opacity": 0.06, "line": {"width": 0},
    }  # fmt: skip
