"""The explorer's panels over time, and its map, as plotly figures, for pages and reports of the reader's own."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots
from torch import Tensor

from infomerge.encoded_clip import EncodedClip
from infomerge.palette import CONTEXT, GRAY, GREEN, HIGHLIGHT, INK, PURPLE
from infomerge.pipeline import BudgetPlan
from infomerge.plots.style import frame_edges, segment_edges

FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": INK}
TITLES = ("Budget: context tokens per frame", "Similarity t", "Uniqueness u", "Richness e", "Weight w / |V|")


def panels(clip: EncodedClip, plan: BudgetPlan, pinned: BudgetPlan | None) -> go.Figure:
    """Budget, similarity, uniqueness, richness and weight over the clip's time; the pinned plan dash-dotted."""
    figure = make_subplots(
        len(TITLES), 1, shared_xaxes=True, subplot_titles=TITLES, row_heights=[2, 1, 1, 1, 1], vertical_spacing=0.05
    )
    edges = frame_edges(clip.times)
    texts = [
        f"segment {k + 1}: B = {budget}, by length {theirs}"
        for k, (budget, theirs) in enumerate(zip(plan.budget.tolist(), plan.length_budget.tolist(), strict=True))
    ]
    for row, name, color in (
        (1, "context tokens", CONTEXT),
        (3, "uniqueness", GREEN),
        (4, "richness", PURPLE),
        (5, "weight", GRAY),
    ):
        bounds, values = segment_edges(plan.bounds, edges), _measures(plan)[name]
        figure.add_trace(_bars(bounds, values, name, color, texts), row, 1)
        if pinned is not None:
            line = {"color": HIGHLIGHT, "dash": "dashdot"}
            figure.add_trace(
                _steps(segment_edges(pinned.bounds, edges), _measures(pinned)[name], f"{name}, A", line), row, 1
            )
    length = plan.length_budget.cpu().numpy() / plan.lengths.cpu().numpy()
    figure.add_trace(
        _steps(segment_edges(plan.bounds, edges), length, "by length", {"color": INK, "dash": "dash"}), 1, 1
    )
    figure.add_trace(
        go.Scatter(x=edges[1:-1], y=plan.transition.tolist(), name="similarity", line={"color": INK}), 2, 1
    )
    figure.add_hline(plan.config.segment_threshold, row=2, col=1, line={"color": GRAY, "dash": "dash", "width": 1})
    figure.update_layout(
        title=clip.facts,
        template="none",
        font=FONT,
        height=820,
        bargap=0,
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 70, "b": 50},
    )
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(title_text="time (s)" if clip.unit == "s" else "frame", row=len(TITLES), col=1)
    return figure


def prior_map(clip: EncodedClip, plan: BudgetPlan, segment: int) -> go.Figure:
    """One segment's static prior over the grid, its static candidates framed.

    Raises:
        ValueError: there is no such segment.
    """
    if not 0 <= segment < len(plan.bounds):
        raise ValueError(f"segment: got {segment}; expected 0 to {len(plan.bounds) - 1}")
    scores = plan.scores[segment].cpu().numpy().reshape(clip.grid)
    rows, columns = np.nonzero(plan.static[segment].cpu().numpy().reshape(clip.grid))
    name = "adjacent difference" if plan.config.static_prior == "adjacent" else "TFD"
    marks = {"symbol": "square-open", "color": "white", "size": 12, "line": {"width": 2}}
    # JSON has no NaN.
    values = [[None if np.isnan(value) else float(value) for value in row] for row in scores]
    figure = go.Figure(
        [
            go.Heatmap(z=values, colorscale="Cividis", colorbar={"title": name}),
            go.Scatter(x=columns.tolist(), y=rows.tolist(), mode="markers", marker=marks, name="static candidates"),
        ]
    )
    figure.update_layout(title=f"{name} of segment {segment + 1}", template="none", font=FONT, showlegend=False)
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    return figure


def _measures(plan: BudgetPlan) -> dict[str, Float[np.ndarray, "segments"]]:
    def per_frame(values: Tensor) -> Float[np.ndarray, "segments"]:
        shared: Float[np.ndarray, "segments"] = values.cpu().numpy() / plan.lengths.cpu().numpy()
        return shared

    return {
        "context tokens": per_frame(plan.budget),
        "uniqueness": plan.uniqueness.cpu().numpy(),
        "richness": plan.richness.cpu().numpy(),
        "weight": per_frame(plan.weight),
    }


def _bars(
    bounds: Float[np.ndarray, "edges"],
    values: Float[np.ndarray, "segments"],
    name: str,
    color: str,
    texts: Sequence[str],
) -> go.Bar:
    middles, widths = (bounds[:-1] + bounds[1:]) / 2, np.diff(bounds)
    look = {"color": color, "line": {"color": "white", "width": 1}, "opacity": 0.55}
    return go.Bar(
        x=middles.tolist(), width=widths.tolist(), y=values.tolist(), name=name, marker=look, hovertext=list(texts)
    )


def _steps(
    bounds: Float[np.ndarray, "edges"], values: Float[np.ndarray, "segments"], name: str, line: dict[str, str]
) -> go.Scatter:
    drawn = {"color": line["color"], "dash": line["dash"], "shape": "hv", "width": 1.5}
    return go.Scatter(x=bounds.tolist(), y=[*values.tolist(), float(values[-1])], name=name, line=drawn, mode="lines")
