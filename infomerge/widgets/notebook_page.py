"""A notebook as an HTML page in which its lenses live: `jupyter nbconvert --to infomerge NOTEBOOK`."""

import json
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from infomerge.widgets.lens_page import LENS_MIME, framed, page


class LivingLenses(Preprocessor):
    """Puts the page of a lens, with the view's module as it is now, in the place of each stored state of one.

    For nbconvert's own HTML too: `jupyter nbconvert --to html
    --HTMLExporter.preprocessors=infomerge.widgets.notebook_page.LivingLenses NOTEBOOK`.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """The cell, each of whose outputs with a lens has become the lens's page."""
        for output in cell.get("outputs", []):
            state = output.get("data", {}).get(LENS_MIME)
            if state is not None:
                output["data"] = {"text/html": framed(page(state["data"]["title"], json.dumps(state)))}
        return cell, resources


class LivingHTMLExporter(HTMLExporter):
    """nbconvert's HTML, with living lenses."""

    export_from_notebook = "HTML with living lenses"

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        self.register_preprocessor(LivingLenses, enabled=True)  # type: ignore[no-untyped-call]
