"""What the views have in common: all that they show is in their traits, and they end when their cell is run again."""

import json
import os
import sys
from dataclasses import dataclass, field
from string import Template
from typing import Any, ClassVar
from uuid import uuid4
from weakref import WeakSet

import anywidget
import traitlets
from IPython import get_ipython
from IPython.display import HTML, display

from infomerge.files import replaced
from infomerge.widgets.pages import KINDS, framed, page, state_json

STANDIN = "infomerge-standin"
"""The class of the line that a page shows in the place of a view that has ended, or whose kernel has."""

_LINE = Template(
    '<div class="$standin standin-$key">$name lives as long as its kernel does and its cell is not run again. '
    "If nothing is drawn above, run this cell.</div>"
)


class View(anywidget.AnyWidget):
    """A view of its own, whose traits hold all that it shows, so that whoever draws it anew draws the same.

    ipywidgets keeps every widget until it is closed. A view that was made in a cell is therefore closed when that cell
    is run again and makes others; `close` lets go of all that it holds, though a name or `Out` may still hold it.

    JupyterLab has no words of its own for a view whose kernel was restarted before the page was loaded again. So a line
    follows each view that says what to run; the view's own style hides it as long as the view stands in the page.
    """

    mime: ClassVar[str]
    """The type under which a notebook stores the view."""
    held: ClassVar[tuple[str, ...]]
    """The traits of which a page without a kernel draws it."""

    standin = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(standin=f"standin-{uuid4().hex[:12]}", **traits)
        _end_earlier(self)

    def close(self) -> None:
        """End the view in every page, and free what it holds. It cannot be shown again."""
        # ipywidgets closes what is left when Python ends, and then nothing can be imported any more.
        if self.closed or sys.is_finalizing():
            return
        layout, model = self.layout, self.model_id
        super().close()
        if layout is not None:
            layout.close()
        _forget_output(model)
        self._forget()

    def _ipython_display_(self, **kwargs: Any) -> None:
        bundle = None if self.closed else self._repr_mimebundle_()
        if bundle is None:
            print(repr(self))
            return
        data, metadata = bundle
        display(data, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]
        name = type(self).__name__
        line = _LINE.substitute(standin=STANDIN, key=self.standin.removeprefix("standin-"), name=name)
        words = f"{name}: run this cell again if nothing is drawn above"
        display({"text/html": line, "text/plain": words}, raw=True)  # type: ignore[no-untyped-call]

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The view as one self-contained page, which needs no server, no kernel and no network.

        Args:
            path: where to write it, too; an existing file there is replaced once the new one is complete.

        Returns:
            The page, beginning with what is shown now. What a kernel would compute cannot be turned in it.
        """
        whole = page(self.mime, self._title(), self._state())
        if path is not None:
            with replaced(path) as temporary:
                temporary.write_text(whole, encoding="utf-8")
        return whole

    def as_html(self) -> HTML:
        """The view as an output of its own, alive in JupyterLab, in nbconvert's HTML and from `file://`.

        Where pages may hold no frames, its picture is seen instead.
        """
        name = KINDS[self.mime].name
        return HTML(framed(self.to_html(), name, self._still(), self._alt()))  # type: ignore[no-untyped-call]

    def _title(self) -> str:
        """What the page is called."""
        trait, name = KINDS[self.mime].title
        return str(getattr(self, trait)[name])

    def _still(self) -> str:
        """A picture for where no view lives: a JPEG in base64."""
        raise NotImplementedError

    def _alt(self) -> str:
        """What that picture shows, for those who do not see it."""
        raise NotImplementedError

    def _complete(self) -> None:
        """Bring what is drawn later than the rest up to date."""

    def _state(self) -> str:
        self._complete()
        return state_json({name: getattr(self, name) for name in self.held})

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        pictured = {**data, self.mime: json.loads(self._state()), "image/jpeg": self._still()}
        return pictured, {**metadata, "image/jpeg": {"alt": self._alt()}}

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or the cell that made it was run again."""
        return self.comm is None

    def _forget(self) -> None:
        """Let go of clips, tensors and pictures."""


def _forget_output(model: str | None) -> None:
    """Let IPython forget what it showed of a view: it keeps every output, in case a notebook is to be written."""
    history = getattr(get_ipython(), "history_manager", None)
    for outputs in getattr(history, "outputs", {}).values():
        for output in outputs:
            shown = output.bundle.get("application/vnd.jupyter.widget-view+json")
            if model is not None and isinstance(shown, dict) and shown.get("model_id") == model:
                output.bundle = {"text/plain": output.bundle.get("text/plain", "")}


@dataclass
class _Made:
    execution: str
    views: "WeakSet[View]" = field(default_factory=WeakSet)


_MADE: dict[str, _Made] = {}
"""What the last run of each cell made; closed views leave it."""


def _end_earlier(view: View) -> None:
    """Close the views of the same class that earlier runs of the running cell made."""
    cell = running_cell()
    if cell is None:
        return
    name, execution = cell
    key = f"{type(view).__name__} in {name}"
    made = _MADE.get(key)
    if made is None or made.execution != execution:
        for earlier in list(made.views) if made else ():
            earlier.close()
        made = _MADE[key] = _Made(execution)
    made.views.add(view)


def running_cell() -> tuple[str, str] | None:
    """The notebook's name for the cell that is being run, and that of this run of it; None outside of a notebook."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None
    request = kernel.get_parent("shell") or {}
    cell = request.get("metadata", {}).get("cellId")
    return (str(cell), str(request["header"]["msg_id"])) if cell else None
