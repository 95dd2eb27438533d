"""The words around the code say what is there: the README, the architecture, the guides and the changelog."""

import ast
import importlib
import operator
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from infomerge.cli import group
from infomerge.methods import METHODS
from infomerge.models import SUPPORTED
from tests.rooms import DRAWING, HEADING, PAGE, ROOMS, drawing, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/lmms_eval.md")),
    *(ROOT / folder / "README.md" for folder in ("notebooks", "figures", "data")),
    *sorted((ROOT / "docs").glob("*.md")),
]
EQUATION = re.compile(r"[eE]q\. (\d+)(?: (to|and) (\d+))?")
EQUATIONS = {*range(1, 13), *range(21, 24), *range(29, 35)}
"""Those of the paper that the method is made of; the others are its baseline's and its tables'."""


def equations(text: str) -> set[int]:
    """Numbers of the equations that a text names, such as "eq. 31 to 33"."""
    found = set()
    for first, word, last in EQUATION.findall(text):
        found |= set(range(int(first), int(last) + 1)) if word == "to" else {int(first), int(last or first)}
    return found


def rows_of_equations() -> list[tuple[str, str]]:
    row = r"^\| (eq\. [^|]+) \|[^|]+\| \[`([\w.]+)`\]\(\.\./infomerge/\w+\.py\) \|$"
    return re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("equation", "name"), rows_of_equations())
def test_each_equation_is_computed_by_the_function_that_the_table_names(equation: str, name: str) -> None:
    room, function = name.split(".", 1)
    assert room in ROOMS
    docstring = operator.attrgetter(function)(importlib.import_module(f"infomerge.{room}")).__doc__
    assert equations(equation) <= equations(docstring), f"{name} does not say that it computes {equation}"


def test_every_equation_of_the_method_has_its_function() -> None:
    assert set().union(*(equations(equation) for equation, _ in rows_of_equations())) == EQUATIONS


def test_the_drawing_and_the_table_of_rooms_are_those_of_the_package() -> None:
    there = {
        path.stem for path in (ROOT / "infomerge").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {*ROOMS} == there - {"__init__"}
    assert len(ROOMS) == len({*ROOMS})
    assert DRAWING.read_text(encoding="utf-8") == drawing(), "python -m tests.rooms"
    assert PAGE.read_text(encoding="utf-8").partition(HEADING)[2].strip() == table().strip(), "python -m tests.rooms"


def test_the_readme_is_short_and_begins_with_what_it_is_how_to_start_and_one_line_of_use() -> None:
    assert len(README.split()) <= 900
    first_screen = README[: README.index("\n## ")]
    for part in ("contact_sheet.png", "make lab", "make test", "with compressing(model, retention_ratio=0.1)"):
        assert part in first_screen
    assert README.count("| Result |") == 1
    measured = README.partition("| What | Result |\n|---|---|\n")[2].partition("\n\n")[0]
    assert len(measured.splitlines()) <= 5
    results = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "results.md").read_text(), re.MULTILINE))
    for row in measured.splitlines():
        what, result = (cell.strip() for cell in row.strip("|").split("|"))
        for part in result.split("; "):
            assert part in results[what]


def test_the_readme_names_the_models_that_are_supported() -> None:
    (sentence,) = re.findall(r"^(`Llava.*)`\.\.\.ForConditionalGeneration`", README, re.M)
    named = {f"{name}ForConditionalGeneration" for name in re.findall(r"`(\w+)`", sentence)}
    assert named == {*SUPPORTED}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    links = [a or b for a, b in re.findall(r'\]\(([^)#\s]+)[^)]*\)|(?:src|href)="([^"#]+)"', text)]
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_code_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    attached, library = blocks
    names: dict[str, object] = {}
    exec(library, names)
    out = names["out"]
    assert (out.tokens.shape, out.assignment.shape) == ((941, 320), (6272,))  # as its comments say
    compile(attached, "README.md", "exec")
    assert hasattr(importlib.import_module("infomerge"), "compressing")


def test_the_commands_of_the_readme_exist_with_their_options() -> None:
    lines = re.findall(r"^infomerge (.+)$", README, re.MULTILINE)
    assert len(lines) == 5
    for name, *words in map(shlex.split, lines):
        known = {option for parameter in group.commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_every_method_has_one_row_in_the_table_of_methods_with_its_source() -> None:
    assert "[The methods](docs/methods.md) share this signature" in README
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", page, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(METHODS)
    for name, row in rows:
        bets, loses, needs, source, _ = (cell.strip() for cell in row.split("|"))
        assert all((bets, loses, needs)), name
        number = re.search(r"arXiv \d{4}\.\d{5}", METHODS[name].source)
        if METHODS[name].group not in ("infomerge", "proposed"):
            assert (number[0] if number else METHODS[name].source.split(",")[0]) in source, name


def test_the_extras_are_those_of_the_package() -> None:
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "installing.md").read_text(encoding="utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*told} == {*project["optional-dependencies"]}


def deprecated_names() -> Iterator[tuple[str, str]]:
    """File and name of every name that gives a DeprecationWarning, as far as the code spells it out."""
    for path in sorted((ROOT / "infomerge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "deprecated_names" and isinstance(node.args[1], ast.Dict):
                names = [key.value for key in node.args[1].keys if isinstance(key, ast.Constant)]
            elif node.func.id == "warn_renamed" and isinstance(node.args[0], ast.Constant):
                names = [node.args[0].value]
            else:
                continue
            for name in names:
                yield str(path.relative_to(ROOT)), name


def test_every_deprecated_name_is_in_the_changelog() -> None:
    names = dict.fromkeys(deprecated_names())
    assert len(names) > 5
    section = CHANGELOG.partition("### Deprecated")[2].partition("\n## ")[0]
    for file, name in names:
        spelled = re.escape(name.split()[0].rstrip("="))
        assert re.search(rf"\b{spelled}\b", section), f"{file}: {name}"


def test_the_changelog_knows_this_version() -> None:
    import infomerge

    assert f"\n## {infomerge.__version__}" in CHANGELOG
    assert CHANGELOG.index("## Unreleased") < CHANGELOG.index(f"## {infomerge.__version__}")


def test_lessons_that_rooms_name_are_there() -> None:
    for room in ("segmentation", "redundancy", "budget", "selection", "merging", "pipeline"):
        docstring = importlib.import_module(f"infomerge.{room}").__doc__ or ""
        (number,) = re.findall(r"Taught in notebook (\d\d)", docstring)
        assert list((ROOT / "notebooks").glob(f"{number}_*.ipynb")), room
