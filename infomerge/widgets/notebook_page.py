"""A notebook as an HTML page in which its lenses and explorers live: `jupyter nbconvert --to infomerge NOTEBOOK`."""

from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from infomerge.widgets.pages import KINDS, page_of_stored
from infomerge.widgets.view import STANDIN


class LivingLenses(Preprocessor):
    """Puts the page of a view, with its module as it is now, in the place of each stored state of one.

    For nbconvert's own HTML too: `jupyter nbconvert --to html
    --HTMLExporter.preprocessors=infomerge.widgets.notebook_page.LivingLenses NOTEBOOK`.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """The cell, each of whose outputs with a view has become the view's page."""
        outputs = cell.get("outputs", [])
        # The line in the place of a view that does not live says nothing where it does.
        if outputs:
            cell["outputs"] = [
                output for output in outputs if STANDIN not in output.get("data", {}).get("text/html", "")
            ]
        for output in cell.get("outputs", []):
            for mime in KINDS.keys() & output.get("data", {}).keys():
                output["data"] = {"text/html": page_of_stored(mime, output["data"][mime])}
        return cell, resources


class LivingHTMLExporter(HTMLExporter):
    """nbconvert's HTML, with living views."""

    export_from_notebook = "HTML with living lenses and explorers"

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        self.register_preprocessor(LivingLenses, enabled=True)  # type: ignore[no-untyped-call]
