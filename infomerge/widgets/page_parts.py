"""Invisible parts of a view in a page: what keeps its figures fitting and its keys its own."""

from pathlib import Path

import anywidget

from infomerge.widgets.joining import joined


class Fit(anywidget.AnyWidget):
    """Tells plotly's figures when the room that they have changes, which they only look up at first."""

    _esm = Path(__file__).with_name("fit.js")


class Keys(anywidget.AnyWidget):
    """Keeps the keys that controls use from being taken for the notebook's shortcuts (`keys.js` says how)."""

    _esm = joined(Path(__file__).with_name("explorer_keys.js"))
