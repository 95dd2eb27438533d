"""Plotly figures in a notebook of which only what changes is sent, by the names of their parts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import traitlets
from plotly.basedatatypes import Undefined

LISTED = ("annotations", "shapes", "images")
"""Parts of a layout that plotly only knows by their place in a list."""


class PlotlyFigure(go.FigureWidget):  # type: ignore[misc]
    """A FigureWidget whose start a slow browser cannot miss (`plotly_figure.js` says how); empty until `load`."""

    _esm = Path(__file__).with_name("plotly_figure.js")
    _plotly = traitlets.Unicode().tag(sync=True)

    def __init__(self, data: list[Any], layout: dict[str, Any]) -> None:
        super().__init__(data=data, layout=layout)
        # Without `responsive`, plotly keeps the width that it found before the page was laid out.
        self._config = {"responsive": True, "displayModeBar": False}

    def load(self) -> None:
        """Send plotly's code. All widgets of the view must have been made before: none can begin while it is read."""
        self._plotly = str(go.FigureWidget._esm)

    @property
    def is_drawing(self) -> bool:
        """Whether the browser has not yet answered the last change of a trace.

        Plotly's `on_edits_completed` is never told that an edit of the layout is done; this is of the traces alone.
        """
        return bool(self._trace_edit_in_process)


class PatchedFigure:
    """A plotly figure whose traces and layout are changed by name, and sent only where they differ.

    Redrawing takes longer than all else together, so nothing is redrawn that stays as it is. Values are plain lists:
    plotly fails to take in the browser's answer where they are arrays.

    Args:
        traces: the traces by name, in the order in which they are drawn.
        layout: plotly's layout without the lists below.
        annotations, shapes, images: parts of the layout by name; names are unique among the three.
    """

    def __init__(
        self,
        traces: Mapping[str, Any],
        layout: Mapping[str, Any],
        *,
        annotations: Mapping[str, Mapping[str, Any]] | None = None,
        shapes: Mapping[str, Mapping[str, Any]] | None = None,
        images: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        listed = dict(zip(LISTED, (annotations or {}, shapes or {}, images or {}), strict=True))
        lists = {kind: list(parts.values()) for kind, parts in listed.items() if parts}
        self.widget = PlotlyFigure(data=list(traces.values()), layout={**layout, **lists})
        self._numbers = {name: number for number, name in enumerate(traces)}
        self._parts = {name: (kind, n) for kind, parts in listed.items() for n, name in enumerate(parts)}
        self._values: dict[str, dict[str, Any]] = {name: trace.to_plotly_json() for name, trace in traces.items()}
        self._layout: dict[str, Any] = {}
        self._changed: set[tuple[str, str]] = set()
        self._changed_layout: dict[str, Any] = {}

    @property
    def trace_names(self) -> tuple[str, ...]:
        """The names of the traces, in the order in which they are drawn."""
        return tuple(self._numbers)

    def trace(self, name: str) -> Any:
        """The trace of this name."""
        return self.widget.data[self._numbers[name]]

    def part(self, name: str) -> Any:
        """The annotation, shape or image of this name, or what plotly's layout calls so, as "xaxis"."""
        if name not in self._parts:
            return self.widget.layout[name]
        kind, number = self._parts[name]
        return self.widget.layout[kind][number]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Send all changes made inside the block to the browser at once."""
        yield
        names = [name for name in self._numbers if any(name == changed for changed, _ in self._changed)]
        attributes = sorted({attribute for _, attribute in self._changed})
        restyle = {attribute: [self._value(name, attribute) for name in names] for attribute in attributes}
        self.widget.plotly_update(restyle, self._changed_layout, [self._numbers[name] for name in names])
        self._changed, self._changed_layout = set(), {}

    def put(self, name: str, **values: Any) -> None:
        """Give a trace these attributes at the end of `changing`."""
        for attribute, value in values.items():
            plain = value.tolist() if isinstance(value, np.ndarray) else value
            if attribute not in self._values[name] or self._values[name][attribute] != plain:
                self._values[name][attribute] = plain
                self._changed.add((name, attribute))

    def lay_out(self, name: str, **values: Any) -> None:
        """Give a part of the layout, named as in `part`, these attributes at the end of `changing`.

        An underscore leads to an attribute's own: `title_text`.
        """
        kind, number = self._parts.get(name, (name, None))
        place = kind if number is None else f"{kind}[{number}]"
        for attribute, value in values.items():
            path = f"{place}.{attribute.replace('_', '.')}"
            if path not in self._layout or self._layout[path] != value:
                self._layout[path] = self._changed_layout[path] = value

    def _value(self, name: str, attribute: str) -> Any:
        """What a trace has, even if it stays as it is: told nothing, plotly's JavaScript stores "_undefined_"."""
        values = self._values[name]
        return values[attribute] if attribute in values else None if attribute in self.trace(name) else Undefined
