"""Notebooks as pages of the site: their text with the site's own headings, search and colors, their views alive.

A notebook becomes Markdown with its outputs as they are committed. What is not Markdown (text that was printed, lenses
and explorers) goes past the converter: the page holds a mark in its place until it is HTML.
"""

import base64
import html
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from infomerge.widgets.notebook_page import LivingLenses  # noqa: E402

PATTERNS = ("notebooks/*.ipynb", "notebooks/course/*.ipynb", "notebooks/course/solutions/*.ipynb")
_FOLD = re.compile(r"<details>(\s*)<summary>")
_MARK = re.compile(r'<div data-output="(\d+)"></div>')
_HEAD = "*This is a page of the notebook [{name}]({name}){{: download }}, which runs in JupyterLab: {how}.*"
_RUN = "`make lab`, or `infomerge notebooks DIR`"


@dataclass
class NotebookPage:
    """What the site holds of one notebook."""

    text: str = ""
    """Markdown, with marks in the places of `outputs`."""
    outputs: list[str] = field(default_factory=list)
    """HTML."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """By name, beside the page."""

    def filled(self, page: str) -> str:
        """The page's HTML with outputs in the places of their marks."""
        return _MARK.sub(lambda found: self.outputs[int(found[1])], page)


def notebook_paths() -> list[Path]:
    """All notebooks that have a page, in their order."""
    return [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]


def notebook_page(path: Path) -> NotebookPage:
    """The page of a notebook."""
    notebook = nbformat.read(path, 4)
    made = NotebookPage()
    parts = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            parts.append(_FOLD.sub(r'<details markdown="1">\1<summary>', cell.source))
        elif cell.cell_type == "code" and cell.source.strip():
            parts.append(f"```python\n{cell.source}\n```")
            cell, _ = LivingLenses().preprocess_cell(cell, {}, number)
            shown = [_shown(output, made, path.stem) for output in cell.outputs]
            if shown and cell.metadata.get("jupyter", {}).get("outputs_hidden"):
                shown = ['<details markdown="1">\n<summary>Output</summary>', *shown, "</details>"]
            parts += shown
    head = _HEAD.format(name=path.name, how=_RUN)
    title, _, first = parts[0].partition("\n")
    made.text = "\n\n".join([title, head, first, *parts[1:]])
    return made


def _shown(output: NotebookNode, made: NotebookPage, stem: str) -> str:
    """An output in Markdown, or a mark in its place."""
    if output.output_type == "stream":
        return _marked(f'<pre class="output" tabindex="0">{html.escape(output.text)}</pre>', made)
    data: dict[str, Any] = output.get("data", {})
    for mime, ending in (("image/png", "png"), ("image/jpeg", "jpg")):
        if mime in data and "text/html" not in data:
            name = f"{stem}_{len(made.pictures) + 1}.{ending}"
            made.pictures[name] = base64.b64decode(data[mime])
            words = output.metadata.get(mime, {}).get("alt", "")
            return f'<p><img src="{name}" alt="{html.escape(" ".join(words.split()))}"></p>'
    if "text/markdown" in data:
        return data["text/markdown"]
    if "text/html" in data:
        return _marked(data["text/html"], made)
    return _marked(f'<pre class="output" tabindex="0">{html.escape(data.get("text/plain", ""))}</pre>', made)


def _marked(output: str, made: NotebookPage) -> str:
    made.outputs.append(output)
    return f'<div data-output="{len(made.outputs) - 1}"></div>'
