"""Every notebook runs from top to bottom, and is committed as its readers should find it."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from infomerge.paper.figures import FIGURES
from infomerge.widgets import TokenLens
from infomerge.widgets.pages import LENS_MIME
from tests.notebooks import NOTEBOOKS, execute
from tests.token_lens.squares import COLUMNS, ROWS, compressed, drawn_frames


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    return [
        output["text"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    ]


DECIMAL = re.compile(r"[+-]?\d+\.\d+")


def assert_prints_alike(found: str, expected: str) -> None:
    """The same text, where the last digit of a decimal number may be one off.

    The tokens are those of a network, whose last bits depend on the processor: a number between two roundings is
    printed either way.
    """
    stale = "outputs are out of date: make notebooks"
    assert DECIMAL.sub("#", found) == DECIMAL.sub("#", expected), stale
    for one, other in zip(DECIMAL.findall(found), DECIMAL.findall(expected), strict=True):
        last_digit = 10.0 ** -len(other.partition(".")[2])
        assert abs(float(one) - float(other)) < 1.5 * last_digit, f"{stale}: {one} in place of {other}"


def test_prints_are_alike_up_to_the_last_digit_of_a_decimal_number() -> None:
    assert_prints_alike("kept 941 of 6272: 0.624 and -1.50", "kept 941 of 6272: 0.623 and -1.51")
    for found in ("kept 940 of 6272: 0.623", "kept 941 of 6272: 0.625", "kept 941: 0.623", "kept 941 of 6272: 0.62"):
        with pytest.raises(AssertionError, match="out of date"):
            assert_prints_alike(found, "kept 941 of 6272: 0.623")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names(NOTEBOOKS))
def test_runs_and_prints_what_is_committed(path: Path) -> None:
    committed = nbformat.read(path, as_version=4)
    for found, expected in zip(printed(execute(path)), printed(committed), strict=True):
        assert_prints_alike(found, expected)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names(NOTEBOOKS))
def test_is_committed_executed_small_and_without_a_machine_in_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "not run top to bottom in one go"
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert path.stat().st_size < 1.5e6
    assert "widgets" not in notebook.metadata
    text = json.dumps([[cell.source, [output.get("text", "") for output in cell.get("outputs", [])]] for cell in code])
    assert str(Path.home()) not in text
    assert "site-packages" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names(NOTEBOOKS))
def test_opens_with_goals_and_time_asks_for_predictions_and_ends_with_a_summary(path: Path) -> None:
    text = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert text[0].startswith("# ")
    for part in ("**You will see**", "**Time**", "**Before**"):
        assert part in text[0]
    assert any("**Predict" in cell for cell in text)
    assert "## Summary" in text[-1]
    assert "**References:**" in text[-1]


def test_a_committed_lens_is_its_state_and_a_picture_and_none_of_its_source() -> None:
    with_lens = Counter()
    today = TokenLens(compressed(), drawn_frames(), (ROWS, COLUMNS)).data
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if LENS_MIME in data:
                    with_lens[path.stem[:2]] += 1
                    # In the form that is read today: an exported page draws it with today's module.
                    assert data[LENS_MIME]["data"].keys() == today.keys(), f"{path.name}: make notebooks"
                    # The picture is what JupyterLab, GitHub and nbconvert show of a lens that does not live.
                    assert data.keys() == {LENS_MIME, "image/jpeg", "text/plain"}
                assert "<script" not in data.get("text/html", "")
    assert with_lens == {"05": 1, "09": 2, "10": 1}


def test_11_shows_every_figure_of_the_project_once() -> None:
    (path,) = (path for path in NOTEBOOKS if path.stem == "11_paper_figures")
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    calls = [node for cell in code for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    assert [ast.literal_eval(name) for call in calls for name in call.args] == list(FIGURES)
    shown = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(shown) == len(FIGURES)


def test_links_between_notebooks_lead_somewhere() -> None:
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                for target in cell.source.split("](")[1:]:
                    name = target.split(")")[0]
                    assert name.startswith("https://arxiv.org/") or (path.parent / name).exists(), (
                        f"{path.name}: {name}"
                    )
