"""A unit's two notebooks, the student's and the one with solutions, from its one source.

A source is a Python file in cells, which editors run as it is. A line `# %%` begins a cell; what follows it says which:

- `# %% [markdown]`: text, in comments;
- `# %%`: code;
- `# %% predict`: a question to answer before the next cell is run, with a line to write on;
- `# %% explanation`: the answer, folded;
- `# %% exercise NAME`: one function, solved. The student gets its signature and docstring, and the solution folded;
- `# %% hint`: follows an exercise, folded.

What stands above the first cell is for whoever edits the source.
"""

import ast
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infomerge.files import replaced

Version = Literal["student", "solution"]

STUB = 'raise NotImplementedError("your code here")'
MARK = "# %%"
_KINDS = ("[markdown]", "", "predict", "explanation", "exercise", "hint")
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Cell:
    """A cell of a source."""

    kind: str
    name: str
    """Of an exercise; empty in other cells."""
    text: str
    """Code, or Markdown without its comment signs."""


def read_source(text: str) -> list[Cell]:
    """The cells of a source.

    Raises:
        ValueError: a cell of unknown kind, or text that is no comment.
    """
    cells = []
    for part in f"\n{text}".split(f"\n{MARK}")[1:]:
        head, _, body = part.partition("\n")
        kind, _, name = head.strip().partition(" ")
        if kind not in _KINDS:
            raise ValueError(
                f"cell: got {MARK} {head.strip()}; expected {', '.join(_KINDS[2:])}, [markdown] or nothing"
            )
        is_code = kind in ("", "exercise")
        cells.append(Cell(kind, name, body.strip("\n") if is_code else _uncommented(body)))
    return cells


def build(text: str, version: Version) -> dict[str, Any]:
    """One version of a unit as a notebook of format 4.5, without outputs.

    Args:
        text: the unit's source.
        version: "student" has stubs, "solution" the solved functions.

    Raises:
        ValueError: the source is not as this module says.
    """
    made: list[tuple[str, str]] = []
    cells = read_source(text)
    for place, cell in enumerate(cells):
        if cell.kind == "exercise":
            made.append(("code", stub(cell.text) if version == "student" else cell.text))
            hint = cells[place + 1] if place + 1 < len(cells) else cell
            if hint.kind != "hint":
                raise ValueError(f"exercise {cell.name}: got no hint after it; expected a cell {MARK} hint")
            help_ = folded("Hint", hint.text)
            if version == "student":
                help_ += "\n\n" + folded("Solution (try for five minutes first)", f"```python\n{cell.text}\n```")
            made.append(("markdown", help_))
        elif cell.kind == "predict":
            made.append(("markdown", f"**Predict:** {cell.text}\n\n*Your prediction (double-click to write):* ..."))
        elif cell.kind == "explanation":
            made.append(("markdown", folded("Explanation", cell.text)))
        elif cell.kind != "hint":
            made.append(("markdown" if cell.kind else "code", cell.text))
    if version == "solution":  # it lies one folder deeper
        made = [(kind, text.replace("](../", "](../../") if kind == "markdown" else text) for kind, text in made]
    return {
        "cells": [_notebook_cell(kind, source, number) for number, (kind, source) in enumerate(made)],
        "metadata": _METADATA,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def stub(code: str) -> str:
    """A function without its body: signature, docstring, and a line that says that nothing is written yet.

    Raises:
        ValueError: something else than one function with a docstring.
    """
    tree = ast.parse(code).body
    if len(tree) != 1 or not isinstance(tree[0], ast.FunctionDef) or ast.get_docstring(tree[0]) is None:
        raise ValueError("exercise: expected one function with a docstring, and nothing beside it")
    docstring_ends = tree[0].body[0].end_lineno
    return "\n".join([*code.splitlines()[:docstring_ends], f"    {STUB}"])


def folded(summary: str, text: str) -> str:
    """Markdown that is shown when it is clicked at."""
    return f"<details>\n<summary><b>{summary}</b></summary>\n\n{text}\n\n</details>"


def notebook_text(notebook: dict[str, Any]) -> str:
    """A notebook as it stands in its file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def unit_files(course: Path) -> dict[Path, str]:
    """Path and content of every notebook of the course whose folder is given, from the sources in it."""
    files = {}
    for source in sorted((course / "source").glob("unit_*.py")):
        text = source.read_text(encoding="utf-8")
        files[course / f"{source.stem}.ipynb"] = notebook_text(build(text, "student"))
        files[course / "solutions" / f"{source.stem}.ipynb"] = notebook_text(build(text, "solution"))
    return files


def write_units(course: str | os.PathLike[str]) -> list[Path]:
    """Write all notebooks of a course beside their sources, in place of earlier ones.

    Raises:
        FileNotFoundError: there are no sources.
        ValueError: a source is not as this module says.
    """
    files = unit_files(Path(course))
    if not files:
        raise FileNotFoundError(f"course: got no source/unit_*.py in {course}; expected the folder notebooks/course")
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        with replaced(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(files)


def _uncommented(body: str) -> str:
    lines = body.strip("\n").splitlines()
    if bad := [line for line in lines if line and not line.startswith("#")]:
        raise ValueError(f"text: got {bad[0]!r}; expected a comment")
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines).strip("\n")


def _notebook_cell(kind: str, source: str, number: int) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}}
    cell["source"] = source.splitlines(keepends=True)
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
