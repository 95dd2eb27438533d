"""The panels over time: what each is called, its axis, its share of the height, and the traces that are drawn in it."""

from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from infomerge.palette import BLUE, GRAY, GREEN, HIGHLIGHT, INK, ORANGE, PURPLE, SEGMENT_COLORS

BAR_TEXT = 10.5
"""Pixels; a number that does not fit into its bar at this size is left out."""
BAND, STRIP = (0.0, 0.24), (0.27, 1.0)
"""From where to where the numbered segments and the film strip reach, on the strip's axis."""
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 11.5, "color": INK}
LOOK = {
    "template": "none",
    "font": FONT,
    "dragmode": False,
    "hovermode": "closest",
    "hoverlabel": {"bgcolor": "white", "bordercolor": GRAY, "font": FONT, "align": "left"},
    "paper_bgcolor": "white",
    "plot_bgcolor": "white",
    "bargap": 0,
    "autosize": True,
}
"""What all figures of the explorer have in common."""

GRID = "#E6E6E6"
GAP = 0.055
"""Share of the height between two panels, which holds the heading of the lower one."""
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Panel:
    """One picture over time: bars, lines and points on an axis of its own, under a heading."""

    name: str
    axis: str
    """As plotly's traces name it: "y2"."""
    share: float
    """Of the height, beside the other panels'."""
    title: str = ""
    """Short enough for a window of 480 pixels."""
    look: dict[str, Any] = field(default_factory=dict)
    """What the axis has besides what all have."""
    traces: dict[str, Any] = field(default_factory=dict)
    """By name, from back to front; of a pinned configuration under the panel's name and "pinned"."""

    @property
    def layout_axis(self) -> str:
        """The axis as plotly's layout names it: "yaxis2"."""
        return self.axis.replace("y", "yaxis")

    @property
    def heading(self) -> str:
        """The name of the annotation that holds the title."""
        return f"{self.name} heading"

    @property
    def pinned(self) -> str:
        """The name of the trace of the pinned configuration."""
        return f"{self.name} pinned"

    def draw(self, name: str, trace: Any, *, legend: str = "", **attributes: Any) -> None:
        """Have a trace drawn in this panel, in front of those before it, and named in the legend where `legend` is."""
        named = {"name": legend, "showlegend": True} if legend else {"showlegend": False}
        self.traces[name] = trace(yaxis=self.axis, **named, **attributes)

    def bars(self, name: str, color: str, **more: Any) -> None:
        """One bar a segment."""
        soft = {"color": color, "opacity": 0.35, "line": {"color": color, "width": 1}}
        self.draw(name, go.Bar, **{"hoverinfo": "text", "marker": soft, **more})

    def steps(self, name: str, color: str, dash: str, width: float = 1.6, **more: Any) -> None:
        """A line that holds a segment's value until the next begins."""
        line = {"color": color, "dash": dash, "width": width, "shape": "hv"}
        self.draw(name, go.Scatter, **{"mode": "lines", "hoverinfo": "skip", "line": line, **more})

    def points(self, name: str, **more: Any) -> None:
        """Marks at single times."""
        self.draw(name, go.Scatter, **{"mode": "markers", "hoverinfo": "skip", **more})


def strip_panel() -> Panel:
    """The film strip over the numbered segments, with the true cuts."""
    panel = Panel("strip", "y", 1.25, look={"range": (0, 1.06), "visible": False})
    panel.draw(
        "band", go.Bar, hoverinfo="text", cliponaxis=True, textfont={"color": "white", "size": BAR_TEXT},
        marker={"color": SEGMENT_COLORS * 100, "line": {"color": "white", "width": 1}},
        textposition="inside", insidetextanchor="middle", textangle=0,
    )  # fmt: skip
    wedge = {"symbol": "triangle-down", "color": HIGHLIGHT, "size": 8}
    panel.points(
        "true cuts", marker=wedge, cliponaxis=False, legend="true cut",
        hoverinfo="text", hovertext="a true cut of this clip",
    )  # fmt: skip
    return panel


def similarity_title(pinned: bool) -> str:
    """The heading of the similarity, which says what the marks are."""
    return "<b>similarity</b> <i>t</i> to the next frame  (○ cut" + ("; x: A's cut)" if pinned else ")")


def similarity_panel() -> Panel:
    """How alike consecutive frames are, where that cuts them apart, and the threshold."""
    panel = Panel("similarity", "y2", 1.0, similarity_title(pinned=False))
    panel.draw(
        "similarity", go.Scatter, mode="lines+markers", line={"color": INK, "width": 1}, marker={"size": 3.5},
        hovertemplate="t = %{y:.3f}<extra></extra>",
    )  # fmt: skip
    panel.points("cuts", marker={"symbol": "circle-open", "color": BLUE, "size": 9, "line_width": 1.5})
    cross = {"symbol": "x-thin", "size": 8, "line": {"color": HIGHLIGHT, "width": 1.5}}
    panel.points(panel.pinned, marker=cross, visible=False)
    panel.draw(
        "threshold", go.Scatter, mode="lines+text", textposition="middle right", textfont={"color": GRAY},
        cliponaxis=False, line={"color": GRAY, "dash": "dash", "width": 1}, hoverinfo="skip",
    )  # fmt: skip
    return panel


def measure_panel(name: str, axis: str, color: str, title: str, **look: Any) -> Panel:
    """One number a segment, as bars."""
    panel = Panel(name, axis, 0.8, title, look=look)
    panel.bars(name, color)
    panel.steps(panel.pinned, HIGHLIGHT, "dashdot", visible=False)
    return panel


def budget_panel() -> Panel:
    """Context tokens by content against by length: what is gained, and what is given up."""
    title = "<b>context tokens per frame</b>  (number: <i>B<sub>k</sub></i>)"
    panel = Panel("budget", "y6", 1.9, title)
    hatch = {"shape": "/", "fgcolor": BLUE, "bgcolor": "white", "size": 6, "solidity": 0.25}
    unseen = {"marker": {"color": CLEAR, "line": {"width": 0}}}
    panel.bars("gained", ORANGE, legend="gained", hoverinfo="skip")
    panel.bars(
        "given up", BLUE, legend="given up", hoverinfo="skip",
        marker={"color": "white", "pattern": hatch, "line": {"width": 0}},
    )  # fmt: skip
    panel.bars("touch", CLEAR, **unseen)
    panel.steps("by length", INK, "dash", 1.2, legend="by length")
    panel.steps("by content", ORANGE, "solid", 2.2, legend="now")
    # Bars, because plotly hides a bar's text where the bar is too narrow for it.
    panel.bars(
        "numbers", CLEAR, hoverinfo="skip", textposition="inside", insidetextanchor="start", textangle=0,
        textfont={"color": INK, "size": BAR_TEXT}, **unseen,
    )  # fmt: skip
    panel.steps(panel.pinned, HIGHLIGHT, "dashdot", 2, visible=False, legend="A, pinned")
    return panel


def panels_over_time() -> dict[str, Panel]:
    """All panels by name, from top to bottom."""
    wide = {"range": (0, 1.05), "tickvals": (0, 0.5, 1)}
    claim = "<b>weight</b> <i>w<sub>k</sub></i> / |<i>V<sub>k</sub></i>|  what a frame may claim"
    panels = (
        strip_panel(),
        similarity_panel(),
        measure_panel(
            "uniqueness", "y3", GREEN, "<b>uniqueness</b> <i>u<sub>k</sub></i>  cosine distance to the clip's mean"
        ),
        measure_panel("richness", "y4", PURPLE, "<b>richness</b> <i>e<sub>k</sub></i>  spectral entropy of its tokens"),
        measure_panel("weight", "y5", BLUE, claim, **wide),
        budget_panel(),
    )
    return {panel.name: panel for panel in panels}


def stacked(panels: dict[str, Panel]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The layout's axes of panels from top to bottom, and the annotations that head them."""
    usable = 1 - GAP * (len(panels) - 1)
    total = sum(panel.share for panel in panels.values())
    axes, headings, top = {}, {}, 1.0
    for panel in panels.values():
        bottom = max(0.0, top - usable * panel.share / total)
        common = {"domain": (bottom, top), "gridcolor": GRID, "zeroline": False, "nticks": 4, "fixedrange": True}
        axes[panel.layout_axis] = common | panel.look
        headings[panel.heading] = {
            "text": panel.title, "x": 0, "xref": "paper", "xanchor": "left", "align": "left",
            "y": top, "yref": "paper", "yanchor": "bottom", "showarrow": False,
        }  # fmt: skip
        top = bottom - GAP
    return axes, headings
