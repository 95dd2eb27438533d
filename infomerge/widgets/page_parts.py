"""Invisible parts of a view in a page: what keeps its figures fitting and its keys its own."""

from pathlib import Path

import anywidget


class Fit(anywidget.AnyWidget):
    """Tells plotly's figures when the room that they have changes, which they only look up at first."""

    _esm = Path(__file__).with_name("fit.js")


class Keys(anywidget.AnyWidget):
    """Keeps the keys that controls use from being taken for the notebook's shortcuts.

    Notebook 7 looks for shortcuts before the focused element sees the key, so that an arrow would leave a slider for
    the next cell. Lumino, which does so, passes over elements with the attribute that is set here. Keys that no control
    uses, such as Shift+Enter, still reach the notebook.
    """

    _esm = Path(__file__).with_name("explorer_keys.js")
