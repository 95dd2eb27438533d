"""The pictures of BudgetExplorer: plotly figures whose traces are changed in place, never built anew."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import plotly.graph_objects as go
import traitlets
from jaxtyping import Float, Int
from plotly.basedatatypes import Undefined

from infomerge.plots.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SEGMENT_COLOURS, VERMILLION
from infomerge.widgets.material import Material, strip_images
from infomerge.widgets.stages import Plan

PINNED = VERMILLION
_BAR_TEXT = 10.5
"""Pixels; a number that does not fit into its bar at this size is left out."""
_FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 11.5, "color": INK}
_GRID = "#E6E6E6"

# Headings are short enough for a window of 480 pixels.
_SIMILARITY = "<b>similarity</b> <i>t</i> to the next frame  (○ cut{})"

# Panels from top to bottom: name, share of the height, heading.
_PANELS = (
    ("strip", 1.25, ""),
    ("similarity", 1.0, _SIMILARITY.format("")),
    ("uniqueness", 0.8, "<b>uniqueness</b> <i>u<sub>k</sub></i>  cosine distance to the clip's mean"),
    ("richness", 0.8, "<b>richness</b> <i>e<sub>k</sub></i>  spectral entropy of its tokens"),
    ("weight", 0.8, "<b>weight</b> <i>w<sub>k</sub></i> / |<i>V<sub>k</sub></i>|  what a frame may claim"),
    ("budget", 1.9, "<b>context tokens a frame</b>  (number: segment's <i>B<sub>k</sub></i>)"),
)
_HEIGHT, _LEGEND = 712, 68
"""Pixels: of the figure, and of its foot that the legend has for itself."""
_GAP = 0.055
_AXIS = {name: "y" + (str(n) if n > 1 else "") for n, (name, _, _) in enumerate(_PANELS, 1)}
_BAND, _STRIP = (0.0, 0.24), (0.27, 1.0)
STRIP_FRAMES = 9
_NOISE = 0.01
"""Uniqueness and richness that fill their panel at the least: below is rounding noise, as of a clip of one frame."""
_HEADROOM = 1 / 6
"""Share of the budgets' panel that is free above the highest one, for its number."""
_PER_SEGMENT = ("band", "uniqueness", "richness", "weight", "touch")
"""Traces with one bar a segment: hovering tells about the segment, a click chooses it."""


class PlotlyFigure(go.FigureWidget):  # type: ignore[misc]
    """A FigureWidget whose start a slow browser cannot miss (`plotly_figure.js` says how); empty until `load`."""

    _esm = Path(__file__).with_name("plotly_figure.js")
    _plotly = traitlets.Unicode().tag(sync=True)

    def load(self) -> None:
        """Send plotly's code. All widgets of the view must have been made before: none can begin while it is read."""
        self._plotly = str(go.FigureWidget._esm)


class Fit(anywidget.AnyWidget):
    """Invisible: tells plotly's figures when the room that they have changes, which they only look up at first."""

    _esm = """
    function render({ el }) {
      const tell = () => window.dispatchEvent(new Event("resize"));
      let width = 0;
      const observer = new ResizeObserver(([entry]) => {
        if (entry.contentRect.width === width) return;
        width = entry.contentRect.width;
        requestAnimationFrame(tell);
      });
      observer.observe(el);
      document.addEventListener("plotlywidget-after-render", tell);
      return () => {
        observer.disconnect();
        document.removeEventListener("plotlywidget-after-render", tell);
      };
    }
    export default { render };
    """


class Keys(anywidget.AnyWidget):
    """Invisible: keeps the keys that controls use from being taken for the notebook's shortcuts.

    Notebook 7 looks for shortcuts before the focused element sees the key, so that an arrow would leave a slider for
    the next cell. Lumino, which does so, passes over elements with the attribute that is set here. Keys that no control
    uses, such as Shift+Enter, still reach the notebook.
    """

    _esm = """
    const USED = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown",
      "Enter", " "]);
    function render({ el }) {
      const claim = (event) => {
        const { target } = event;
        if (!el.closest(".infomerge-explorer")?.contains(target)) return;
        const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
        // On the focused element itself: looking for a shortcut begins there, and may end there.
        target.toggleAttribute("data-lm-suppress-shortcuts", !modified && USED.has(event.key));
      };
      window.addEventListener("keydown", claim, { capture: true });
      return () => window.removeEventListener("keydown", claim, { capture: true });
    }
    export default { render };
    """


class _Figure:
    """A plotly figure of which only what changes is sent.

    Redrawing takes longer than all else together, so nothing is redrawn that stays as it is. Values are plain lists:
    plotly fails to take in the browser's answer where they are arrays.
    """

    def __init__(self, traces: dict[str, Any], layout: dict[str, Any]) -> None:
        self.widget = PlotlyFigure(data=list(traces.values()), layout={**_LAYOUT, **layout})
        # Without `responsive`, plotly keeps the width that it found before the page was laid out.
        self.widget._config = {**self.widget._config, "responsive": True, "displayModeBar": False}
        self._names = list(traces)
        self._values: dict[str, dict[str, Any]] = {name: trace.to_plotly_json() for name, trace in traces.items()}
        self._layout: dict[str, Any] = {}
        self._changed: set[tuple[str, str]] = set()
        self._changed_layout: dict[str, Any] = {}

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Send all changes made inside the block to the browser at once."""
        yield
        names = [name for name in self._names if any(name == changed for changed, _ in self._changed)]
        attributes = sorted({attribute for _, attribute in self._changed})
        restyle = {attribute: [self._value(name, attribute) for name in names] for attribute in attributes}
        self.widget.plotly_update(restyle, self._changed_layout, [self._names.index(name) for name in names])
        self._changed, self._changed_layout = set(), {}

    def trace(self, name: str) -> Any:
        """The trace of this name."""
        return self.widget.data[self._names.index(name)]

    def _put(self, name: str, **values: Any) -> None:
        """Give a trace these attributes at the end of `changing`."""
        for attribute, value in values.items():
            plain = value.tolist() if isinstance(value, np.ndarray) else value
            if attribute not in self._values[name] or self._values[name][attribute] != plain:
                self._values[name][attribute] = plain
                self._changed.add((name, attribute))

    def _lay_out(self, values: dict[str, Any]) -> None:
        """Give the layout these attributes, by plotly's path to each, at the end of `changing`."""
        for path, value in values.items():
            if path not in self._layout or self._layout[path] != value:
                self._layout[path] = self._changed_layout[path] = value

    def _value(self, name: str, attribute: str) -> Any:
        """What a trace has, even if it stays as it is: told nothing, plotly's JavaScript stores "_undefined_"."""
        values = self._values[name]
        return values[attribute] if attribute in values else None if attribute in self.trace(name) else Undefined


class TimeFigure(_Figure):
    """Panel under panel over the clip's time: from similarity to budget. The pinned configuration is dash-dotted."""

    def __init__(self) -> None:
        super().__init__(_time_traces(), _time_layout())
        self._edges = np.zeros(2)
        self._unit = "s"

    def on_segment_clicked(self, act: Callable[[int], None]) -> None:
        """Call `act` with the number of a segment that was clicked, in whichever panel."""
        for name in _PER_SEGMENT:
            self.trace(name).on_click(lambda trace, points, state: act(points.point_inds[0]))

    def show_material(self, material: Material) -> None:
        """Another clip: its film strip, its true cuts and its span of time."""
        self._edges, self._unit = material.edges, material.unit
        first, last = self._edges[0].item(), self._edges[-1].item()
        pictures = strip_images(material, STRIP_FRAMES)
        slot = (last - first) / STRIP_FRAMES
        for n in range(STRIP_FRAMES):
            place = {"source": pictures[n] if pictures else "", "x": first + (n + 0.5) * slot, "sizex": 0.97 * slot}
            self._lay_out({f"images[{n}].{name}": value for name, value in place.items()})
        self._lay_out(
            {
                "xaxis.range": [first, last],
                "xaxis.title.text": "time (s)" if material.unit == "s" else "frame",
                f"annotations[{len(_PANELS)}].visible": not pictures,
            }
        )
        self._put("true cuts", x=list(material.cut_times), y=[1.0] * len(material.cut_times))

    def show_plans(self, plan: Plan, pinned: Plan | None, chosen: int) -> None:
        """The present configuration, the pinned one if there is one, and which segment is chosen."""
        top = self._scale(plan, pinned)
        self._show_present(plan, top)
        self._show_pinned(pinned)
        left, right = self._bounds(plan)[[chosen, chosen + 1]].tolist()
        self._lay_out({"shapes[0].x0": left, "shapes[0].x1": right})

    def _show_present(self, plan: Plan, top: float) -> None:
        bounds, lengths = self._bounds(plan), plan.lengths.cpu().numpy()
        middles, widths = (bounds[:-1] + bounds[1:]) / 2, np.diff(bounds)
        weight, ours, theirs = _a_frame(plan.weight, lengths), _a_frame(plan.budget, lengths), _by_length(plan)
        bars = {"x": middles, "width": widths, "hovertext": self._hover(plan)}
        count = len(lengths)
        self._put("band", y=np.full(count, _BAND[1]), text=[str(k + 1) for k in range(count)], **bars)
        self._put("uniqueness", y=plan.uniqueness.cpu().numpy(), **bars)
        self._put("richness", y=plan.richness.cpu().numpy(), **bars)
        self._put("weight", y=weight, **bars)
        self._put("by content", **_steps(bounds, ours))
        self._put("by length", **_steps(bounds, theirs))
        self._put("gained", x=middles, width=widths, base=theirs, y=np.maximum(ours - theirs, 0))
        self._put("given up", x=middles, width=widths, base=theirs, y=np.minimum(ours - theirs, 0))
        higher, numbers = np.maximum(ours, theirs), [str(b) for b in plan.budget.tolist()]
        self._put("numbers", x=middles, width=widths, base=higher, y=np.full(count, _HEADROOM * top), text=numbers)
        self._put("touch", y=np.full(count, top), **bars)
        self._show_similarity(plan)

    def _show_pinned(self, plan: Plan | None) -> None:
        names = ("similarity", "uniqueness", "richness", "weight", "budget")
        for name in names:
            self._put(f"{name} pinned", visible=plan is not None)
        self._lay_out({"annotations[1].text": _SIMILARITY.format("; x: A's cut" if plan else "")})
        if plan is not None:
            bounds, lengths = self._bounds(plan), plan.lengths.cpu().numpy()
            cuts = plan.segments[1:, 0].cpu().numpy()
            self._put("similarity pinned", x=self._edges[cuts], y=plan.transition.cpu().numpy()[cuts - 1])
            self._put("uniqueness pinned", **_steps(bounds, plan.uniqueness.cpu().numpy()))
            self._put("richness pinned", **_steps(bounds, plan.richness.cpu().numpy()))
            self._put("weight pinned", **_steps(bounds, _a_frame(plan.weight, lengths)))
            self._put("budget pinned", **_steps(bounds, _a_frame(plan.budget, lengths)))

    def _show_similarity(self, plan: Plan) -> None:
        edges, transition = self._edges, plan.transition.cpu().numpy()
        cuts, threshold = plan.segments[1:, 0].cpu().numpy(), plan.config.segment_threshold
        self._put("similarity", x=edges[1:-1], y=transition)
        self._put("cuts", x=edges[cuts], y=transition[cuts - 1])
        self._put("threshold", x=edges[[0, -1]], y=[threshold, threshold], text=["", f"τ<sub>seg</sub> {threshold:g}"])

    def _scale(self, plan: Plan, pinned: Plan | None) -> float:
        """Axes that hold both configurations, in round steps so that they rest while a slider is dragged."""
        plans = [plan, pinned or plan]
        lows = [min(float(p.transition.min()) if len(p.transition) else 1, p.config.segment_threshold) for p in plans]
        budgets = [max(_a_frame(p.budget, p.lengths.cpu().numpy()).max(), _by_length(p).max()) for p in plans]
        top = _round_up(max(budgets) / (1 - _HEADROOM))
        self._lay_out(
            {
                "yaxis2.range": [math.floor(10 * min(lows) - 0.5) / 10, 1.04],
                "yaxis3.range": [0, _round_up(max(_NOISE, *(1.1 * float(p.uniqueness.max()) for p in plans)))],
                "yaxis4.range": [0, min(1.05, _round_up(max(_NOISE, *(1.1 * float(p.richness.max()) for p in plans))))],
                "yaxis6.range": [0, top],
            }
        )
        return top

    def _bounds(self, plan: Plan) -> Float[np.ndarray, "edges"]:
        return self._edges[np.append(plan.segments[:, 0].cpu().numpy(), len(self._edges) - 1)]

    def _hover(self, plan: Plan) -> list[str]:
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


class MapFigure(_Figure):
    """The static prior of one segment over the grid; the pinned configuration's beside it."""

    def __init__(self) -> None:
        super().__init__(_map_traces(), _map_layout())

    def show_maps(self, material: Material, chosen: tuple[Plan, int], pinned: tuple[Plan, int] | None) -> None:
        """The chosen segment under the present configuration, and the pinned one's segment of the same time."""
        top = max(_scale_top(plan) for plan, _ in (chosen, pinned or chosen))
        self._show_map("", material.grid, *chosen, "B: " if pinned else "", top)
        both = pinned is not None
        rows, columns = material.grid
        for axis in ("", "2"):
            self._lay_out({f"xaxis{axis}.range": [-0.5, columns - 0.5], f"yaxis{axis}.range": [rows - 0.5, -0.5]})
        self._lay_out({"xaxis.domain": [0, 0.48] if both else [0, 1], "annotations[2].visible": both})
        self._lay_out({f"annotations[{n}].x": 0.24 if both else 0.5 for n in (0, 1)})
        for name in ("map pinned", "static pinned"):
            self._put(name, visible=both)
        if pinned is not None:
            self._show_map(" pinned", material.grid, *pinned, "A: ", top)
        else:
            self._lay_out({"annotations[3].visible": False})

    def _show_map(self, which: str, grid: tuple[int, int], plan: Plan, segment: int, prefix: str, top: float) -> None:
        scores = plan.scores[segment].cpu().numpy().reshape(grid)
        rows, columns = np.nonzero(plan.static[segment].cpu().numpy().reshape(grid))
        undefined = bool(np.isnan(scores).all())
        # JSON has no NaN.
        values = [[None] * grid[1]] * grid[0] if undefined else scores
        self._put("map" + which, z=values, zmin=0, zmax=top or 1.0)
        self._put("static" + which, x=columns, y=rows)
        name = "adjacent difference" if plan.config.static_prior == "adjacent" else "TFD"
        note = "no static prior" if plan.config.static_prior == "none" else f"□ {len(rows)} static candidates"
        title, message = (2, 3) if which else (0, 1)
        self._lay_out(
            {
                f"annotations[{title}].text": f"<b>{prefix}{name}</b> of segment {segment + 1}<br>{note}",
                f"annotations[{message}].text": f"{name} is undefined:<br>one frame has nothing<br>to be compared with",
                f"annotations[{message}].visible": undefined,
            }
        )


def _scale_top(plan: Plan) -> float:
    """Where the map's colours end, the same for all segments, so that they can be compared."""
    defined = plan.scores[~plan.scores.isnan()].cpu().numpy()
    return float(np.percentile(defined, 99)) if len(defined) else 0.0


def totals_html(plan: Plan, pinned: Plan | None) -> str:
    """How many tokens were asked for, and how many are kept of each kind, as bars of one scale.

    HTML, because it is shown at once: drawing a figure would take as long as all panels over time.
    """
    kept = {"kept": plan} if pinned is None else {"A kept": pinned, "B kept": plan}
    longest = max(plan.requested, *(shown.kept for shown in kept.values()))
    rows = [_bar_row(f"requested {plan.requested:,}", {"": plan.requested}, longest)]
    for name, shown in kept.items():
        drift = shown.kept - shown.requested
        label = f"{name} {shown.kept:,}" + (f" ({drift:+,})" if drift else "")
        rows.append(_bar_row(label, {"salient": shown.salient, "context": shown.context}, longest))
    return f'<div class="totals">{"".join(rows)}</div>'


def _bar_row(label: str, parts: dict[str, int], longest: int) -> str:
    bars = "".join(
        f'<span class="part {kind or "all"}" style="width: {100 * count / longest:.2f}%"'
        f' title="{count:,} {kind or "requested"}">{f"{count:,} {kind}" if kind else ""}</span>'
        for kind, count in parts.items()
        if count
    )
    return f'<span>{label}</span><span class="bar">{bars}</span>'


def _a_frame(values: Any, lengths: Int[np.ndarray, "segments"]) -> Float[np.ndarray, "segments"]:
    return values.cpu().numpy() / lengths


def _by_length(plan: Plan) -> Float[np.ndarray, "segments"]:
    return _a_frame(plan.length_budget, plan.lengths.cpu().numpy())


def _steps(bounds: Float[np.ndarray, "edges"], values: Float[np.ndarray, "segments"]) -> dict[str, Any]:
    """A line that holds each value until the next bound."""
    return {"x": bounds, "y": np.append(values, values[-1])}


def _round_up(value: float) -> float:
    """The next number of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


_LAYOUT = {
    "template": "none",
    "font": _FONT,
    "dragmode": False,
    "hovermode": "closest",
    "hoverlabel": {"bgcolor": "white", "bordercolor": GREY, "font": _FONT, "align": "left"},
    "paper_bgcolor": "white",
    "plot_bgcolor": "white",
    "bargap": 0,
    "autosize": True,
}


def _bars(panel: str, colour: str, **more: Any) -> go.Bar:
    """One bar a segment."""
    soft = {"color": colour, "opacity": 0.35, "line": {"color": colour, "width": 1}}
    return go.Bar(**{"yaxis": _AXIS[panel], "hoverinfo": "text", "marker": soft, "showlegend": False, **more})


def _line(panel: str, colour: str, dash: str, width: float = 1.6, **more: Any) -> go.Scatter:
    """A line of steps, one a segment."""
    line = {"color": colour, "dash": dash, "width": width, "shape": "hv"}
    common = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
    return go.Scatter(**{**common, "yaxis": _AXIS[panel], "line": line, **more})


def _points(panel: str, **more: Any) -> go.Scatter:
    return go.Scatter(**{"mode": "markers", "yaxis": _AXIS[panel], "showlegend": False, "hoverinfo": "skip", **more})


def _time_traces() -> dict[str, Any]:
    band_text = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
    hatch = {"shape": "/", "fgcolor": BLUE, "bgcolor": "white", "size": 6, "solidity": 0.25}
    steps = {
        f"{name} pinned": _line(name, PINNED, "dashdot", visible=False)
        for name in ("uniqueness", "richness", "weight", "budget")
    }
    steps["budget pinned"].update(name="A, pinned", showlegend=True, line_width=2)
    wedge = {"symbol": "triangle-down", "color": VERMILLION, "size": 8}
    return {
        "band": go.Bar(
            yaxis="y", hoverinfo="text", showlegend=False, cliponaxis=True,
            textfont={"color": "white", "size": _BAR_TEXT},
            marker={"color": SEGMENT_COLOURS * 100, "line": {"color": "white", "width": 1}}, **band_text,
        ),
        "true cuts": _points(
            "strip", marker=wedge, cliponaxis=False, name="true cut", showlegend=True,
            hoverinfo="text", hovertext="a true cut of this clip",
        ),
        "similarity": go.Scatter(
            yaxis=_AXIS["similarity"], mode="lines+markers", showlegend=False, line={"color": INK, "width": 1},
            marker={"size": 3.5}, hovertemplate="t = %{y:.3f}<extra></extra>",
        ),
        "cuts": _points("similarity", marker={"symbol": "circle-open", "color": BLUE, "size": 9, "line_width": 1.5}),
        "similarity pinned": _points(
            "similarity", marker={"symbol": "x-thin", "size": 8, "line": {"color": PINNED, "width": 1.5}}, visible=False
        ),
        "threshold": go.Scatter(
            yaxis=_AXIS["similarity"], mode="lines+text", textposition="middle right", textfont={"color": GREY},
            cliponaxis=False, line={"color": GREY, "dash": "dash", "width": 1}, hoverinfo="skip", showlegend=False,
        ),
        "uniqueness": _bars("uniqueness", GREEN),
        "richness": _bars("richness", PURPLE),
        "weight": _bars("weight", BLUE),
        "gained": _bars("budget", ORANGE, name="gained", hoverinfo="skip", showlegend=True),
        "given up": _bars(
            "budget", BLUE, name="given up", hoverinfo="skip", showlegend=True,
            marker={"color": "white", "pattern": hatch, "line": {"width": 0}},
        ),
        "touch": _bars("budget", "rgba(0,0,0,0)", marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}}),
        "by length": _line("budget", INK, "dash", 1.2, name="by length", showlegend=True),
        "by content": _line("budget", ORANGE, "solid", 2.2, name="now", showlegend=True),
        # Bars, because plotly hides a bar's text where the bar is too narrow for it.
        "numbers": _bars(
            "budget", "rgba(0,0,0,0)", marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}}, hoverinfo="skip",
            textposition="inside", insidetextanchor="start", textangle=0, textfont={"color": INK, "size": _BAR_TEXT},
        ),
        **steps,
    }  # fmt: skip


def _time_layout() -> dict[str, Any]:
    usable = 1 - _GAP * (len(_PANELS) - 1)
    total = sum(share for _, share, _ in _PANELS)
    layout: dict[str, Any] = {"height": _HEIGHT, "margin": {"l": 34, "r": 54, "t": 12, "b": 110}, "barmode": "overlay"}
    layout["uniformtext"] = {"mode": "hide", "minsize": _BAR_TEXT}
    layout["hovermode"] = "x"  # anywhere in a panel, not only on a low bar
    headings, top = [], 1.0
    for number, (_, share, text) in enumerate(_PANELS, 1):
        bottom = max(0.0, top - usable * share / total)
        axis = {"domain": (bottom, top), "gridcolor": _GRID, "zeroline": False, "nticks": 4, "fixedrange": True}
        layout[f"yaxis{number if number > 1 else ''}"] = axis
        paper = {"xref": "paper", "yref": "paper", "showarrow": False, "x": 0}
        headings.append({"text": text, "xanchor": "left", "y": top, "yanchor": "bottom", "align": "left", **paper})
        top = bottom - _GAP
    layout["yaxis"] |= {"range": (0, 1.06), "visible": False}
    layout["yaxis5"] |= {"range": (0, 1.05), "tickvals": (0, 0.5, 1)}
    layout["xaxis"] = {
        "anchor": _AXIS["budget"], "showgrid": False, "zeroline": False, "ticks": "outside", "fixedrange": True,
        "title": {"text": "time (s)", "standoff": 6}, "showline": True, "linecolor": GREY,
    }  # fmt: skip
    missing = "no frames were given: there is no film strip"
    blank = {"text": missing, "xref": "paper", "yref": "y", "x": 0.5, "y": 0.6, "showarrow": False, "visible": False}
    layout["annotations"] = [*headings, {**blank, "font": {"color": GREY}}]
    # "fill" crops a picture to its slot, which a narrow window makes narrow.
    image = {
        "xref": "x", "yref": "y", "x": 0, "y": sum(_STRIP) / 2, "sizex": 1, "sizey": _STRIP[1] - _STRIP[0],
        "xanchor": "center", "yanchor": "middle", "sizing": "fill", "layer": "below", "source": "",
    }  # fmt: skip
    layout["images"] = [image] * STRIP_FRAMES
    layout["shapes"] = [
        {
            "type": "rect", "xref": "x", "yref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "layer": "below",
            "fillcolor": INK, "opacity": 0.06, "line": {"width": 0},
        }
    ]  # fmt: skip
    layout["legend"] = {
        # Of the figure's own height, with room for the three rows of a narrow window. In the panels' height it would
        # move with the margin that plotly makes for its rows, and not move back.
        "orientation": "h", "x": 0, "yref": "container", "y": _LEGEND / _HEIGHT, "yanchor": "top",
        "itemclick": False, "itemdoubleclick": False, "traceorder": "normal",
    }  # fmt: skip
    return layout


def _map_traces() -> dict[str, Any]:
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


def _map_layout() -> dict[str, Any]:
    cells = {"visible": False, "fixedrange": True, "constrain": "domain"}
    tall: Sequence[float] = (0.2, 0.88)
    title = {
        "xref": "paper",
        "yref": "paper",
        "y": 0.91,
        "yanchor": "bottom",
        "showarrow": False,
        "x": 0.5,
        "xanchor": "center",
        "text": "",
    }
    message = {**title, "y": sum(tall) / 2, "yanchor": "middle", "visible": False, "font": {"color": GREY}}
    return {
        "height": 310,
        "plot_bgcolor": "rgba(0,0,0,0)",  # each subplot's ground would hide those before it
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": {"domain": (0, 1), "anchor": "y", **cells},
        "yaxis": {"domain": tall, "anchor": "x", "scaleanchor": "x", **cells},
        "xaxis2": {"domain": (0.53, 1), "anchor": "y2", **cells},
        "yaxis2": {"domain": tall, "anchor": "x2", "scaleanchor": "x2", **cells},
        "yaxis3": {
            "domain": (0, 0.19),
            "anchor": "x3",
            "automargin": True,
            "autorange": "reversed",
            "fixedrange": True,
        },
        "annotations": [title, message, {**title, "x": 0.765, "visible": False}, {**message, "x": 0.765}],
    }
