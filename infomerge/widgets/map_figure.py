"""The static prior of one segment over the token grid, beside that of a pinned configuration."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from infomerge.palette import GRAY
from infomerge.pipeline import BudgetPlan
from infomerge.widgets.panels import LOOK
from infomerge.widgets.plotly_patch import PatchedFigure

TALL = (0.2, 0.88)
"""From where to where the maps reach; below are the colors, above the titles."""


class MapFigure(PatchedFigure):
    """The static prior of one segment over the grid; the pinned configuration's beside it."""

    def __init__(self) -> None:
        title = {"xref": "paper", "yref": "paper", "y": 0.91, "yanchor": "bottom", "showarrow": False, "text": ""}
        title |= {"x": 0.5, "xanchor": "center"}
        message = {**title, "y": sum(TALL) / 2, "yanchor": "middle", "visible": False, "font": {"color": GRAY}}
        annotations = {
            "title": title,
            "message": message,
            "title pinned": {**title, "x": 0.765, "visible": False},
            "message pinned": {**message, "x": 0.765},
        }
        super().__init__(_traces(), {**LOOK, **_layout()}, annotations=annotations)

    def show_maps(
        self, grid: tuple[int, int], chosen: tuple[BudgetPlan, int], pinned: tuple[BudgetPlan, int] | None
    ) -> None:
        """The chosen segment under the present configuration, and the pinned one's segment of the same time."""
        top = max(_scale_top(plan) for plan, _ in (chosen, pinned or chosen))
        both = pinned is not None
        self._show_map("", grid, *chosen, "B: " if pinned else "", top)
        rows, columns = grid
        for axis in ("", "2"):
            self.lay_out(f"xaxis{axis}", range=[-0.5, columns - 0.5])
            self.lay_out(f"yaxis{axis}", range=[rows - 0.5, -0.5])
        self.lay_out("xaxis", domain=[0, 0.48] if both else [0, 1])
        self.lay_out("title pinned", visible=both)
        for name in ("title", "message"):
            self.lay_out(name, x=0.24 if both else 0.5)
        for name in ("map pinned", "static pinned"):
            self.put(name, visible=both)
        if pinned is not None:
            self._show_map(" pinned", grid, *pinned, "A: ", top)
        else:
            self.lay_out("message pinned", visible=False)

    def _show_map(
        self, which: str, grid: tuple[int, int], plan: BudgetPlan, segment: int, prefix: str, top: float
    ) -> None:
        scores = plan.scores[segment].cpu().numpy().reshape(grid)
        rows, columns = np.nonzero(plan.static[segment].cpu().numpy().reshape(grid))
        undefined = bool(np.isnan(scores).all())
        # JSON has no NaN.
        values = [[None] * grid[1]] * grid[0] if undefined else scores
        self.put("map" + which, z=values, zmin=0, zmax=top or 1.0)
        self.put("static" + which, x=columns, y=rows)
        name = {"adjacent": "adjacent difference", "aligned": "aligned TFD"}.get(plan.config.static_prior, "TFD")
        note = "no static prior" if plan.config.static_prior == "none" else f"□ {len(rows)} static candidates"
        self.lay_out("title" + which, text=f"<b>{prefix}{name}</b> of segment {segment + 1}<br>{note}")
        why = f"{name} is undefined:<br>one frame has nothing<br>to be compared with"
        self.lay_out("message" + which, text=why, visible=undefined)


def _scale_top(plan: BudgetPlan) -> float:
    """Where the map's colors end, the same for all segments, so that they can be compared."""
    defined = plan.scores[~plan.scores.isnan()].cpu().numpy()
    return float(np.percentile(defined, 99)) if len(defined) else 0.0


def _traces() -> dict[str, Any]:
    bar = {
        "orientation": "h", "thickness": 8, "len": 0.9, "y": 0.16, "yanchor": "top", "nticks": 4, "outlinewidth": 0,
        "ticklabelposition": "outside", "x": 0.5,
    }  # fmt: skip
    hover = "row %{y}, column %{x}: %{z:.4f}<extra></extra>"
    squares = {"symbol": "square-open", "color": "white", "size": 8, "line": {"width": 1.5}}
    heat = {"colorscale": "Cividis", "hovertemplate": hover, "xgap": 0.5, "ygap": 0.5}
    marks = {"mode": "markers", "marker": squares, "hoverinfo": "skip", "showlegend": False}
    return {
        "map": go.Heatmap(colorbar=bar, **heat),
        "static": go.Scatter(**marks),
        "map pinned": go.Heatmap(xaxis="x2", yaxis="y2", showscale=False, visible=False, **heat),
        "static pinned": go.Scatter(xaxis="x2", yaxis="y2", visible=False, **marks),
    }


def _layout() -> dict[str, Any]:
    cells = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return {
        "height": 310,
        "plot_bgcolor": "rgba(0,0,0,0)",  # each subplot's ground would hide those before it
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": {"domain": (0, 1), "anchor": "y", **cells},
        "yaxis": {"domain": TALL, "anchor": "x", "scaleanchor": "x", **cells},
        "xaxis2": {"domain": (0.53, 1), "anchor": "y2", **cells},
        "yaxis2": {"domain": TALL, "anchor": "x2", "scaleanchor": "x2", **cells},
        "yaxis3": {
            "domain": (0, 0.19),
            "anchor": "x3",
            "automargin": True,
            "autorange": "reversed",
            "fixedrange": True,
        },
    }
