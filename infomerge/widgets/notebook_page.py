"""A notebook as an HTML page in which its lenses and explorers live: `jupyter nbconvert --to infomerge NOTEBOOK`."""

from typing import Any, Literal

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import default

from infomerge.extras import MissingExtraError
from infomerge.formulas import mathml
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


_TEMPLATE = """\
{%- extends "lab/index.html.j2" -%}
{%- block output_group -%}
{%- if cell.metadata.get("jupyter", {}).get("outputs_hidden") -%}
<details><summary>Output</summary>{{ super() }}</details>
{%- else -%}
{{ super() }}
{%- endif -%}
{%- endblock output_group -%}
{%- block data_png scoped -%}
{{ super() | replace("<img ", alt(output, "image/png"), 1) }}
{%- endblock data_png -%}
{%- block data_jpg scoped -%}
{{ super() | replace("<img ", alt(output, "image/jpeg"), 1) }}
{%- endblock data_jpg -%}
{%- macro alt(output, mime) -%}
{%- set words = output | get_metadata("alt", mime) -%}
<img {% if words %}alt="{{ words | escape_html }}" {% endif %}
{%- endmacro -%}
"""
"""What nbconvert's own template does not do: fold outputs as JupyterLab does, and give pictures their words."""


class _Formulas(IPythonRenderer):
    """nbconvert's HTML of Markdown, with equations that need no network; else they wait for MathJax, as before."""

    def block_math(self, body: str) -> str:
        return _formula(body, "block") or super().block_math(body)

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline") or super().inline_math(body)


def _formula(latex: str, display: Literal["inline", "block"]) -> str | None:
    try:
        return mathml(latex, display)
    except (MissingExtraError, ValueError):
        return None


class LivingHTMLExporter(HTMLExporter):
    """nbconvert's HTML, to be read offline: living views, folds, drawn equations, and words for pictures.

    Equations are drawn where latex2mathml is installed, which the extra "docs" brings.
    """

    export_from_notebook = "HTML with living lenses and explorers"

    @default("raw_template")
    def _raw_template_default(self) -> str:
        return _TEMPLATE

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        self.register_preprocessor(LivingLenses, enabled=True)  # type: ignore[no-untyped-call]

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """A cell's Markdown as HTML, with its equations as MathML."""
        renderer = _Formulas(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return MarkdownWithMath(renderer=renderer).render(source)
