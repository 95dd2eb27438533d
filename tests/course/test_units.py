"""The units: generated from their sources without drift, and run from top to bottom, with stubs and with solutions."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import IPython.display
import nbformat
import numpy as np
import pytest

from infomerge import EncodedClip
from infomerge.course.building import build, read_source, stub, unit_files, write_units
from infomerge.resources import data_file
from infomerge.testbed.checkpoint import SeenClip, Testbed
from infomerge.testbed.scores import AnswerTable, Setting
from infomerge.video.questions import KINDS

COURSE = Path(__file__).parents[2] / "notebooks" / "course"
SOURCES = sorted((COURSE / "source").glob("unit_*.py"))


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


@pytest.fixture(autouse=True)
def clips_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EncodedClip, "read", _read)
    monkeypatch.setattr(Testbed, "see", _see)


_read = cache(EncodedClip.read)
_seen: dict[bytes, SeenClip] = {}


def _see(testbed: Testbed, frames: np.ndarray, see: Callable[..., SeenClip] = Testbed.see) -> SeenClip:
    key = frames.tobytes()
    if key not in _seen:
        _seen[key] = see(testbed, frames)
    return _seen[key]


def run(notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the notebook displays, its code run from top to bottom in this process."""
    shown: list[object] = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), space)
    return shown


def test_committed_notebooks_are_those_that_the_sources_give() -> None:
    files = unit_files(COURSE)
    assert len(files) == 2 * len(SOURCES) > 0
    assert sorted(COURSE.rglob("*.ipynb")) == sorted(files)
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: make course"
        nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_solutions_run_and_pass_and_stubs_run_and_get_help(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = source.read_text(encoding="utf-8")
    exercises = [cell.name for cell in read_source(text) if cell.kind == "exercise"]
    pictures = run(build(text, "solution"), monkeypatch)
    said = capsys.readouterr().out
    assert "✗" not in said
    assert {*re.findall(r"^(\w+): ✓", said, re.MULTILINE)} == {*exercises}
    few = run(build(text, "student"), monkeypatch)
    said = capsys.readouterr().out
    assert "✓" not in said
    assert {*re.findall(r"^(\w+): ✗ not yet: nothing is written yet", said, re.MULTILINE)} == {*exercises}
    assert 0 < len(pictures) >= len(few)


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_a_unit_has_all_its_parts(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    cells = read_source(text)
    student = "\n".join("".join(cell["source"]) for cell in build(text, "student")["cells"])
    for part in ("**You will**", "**Time**", "**Difficulty**", "**Before**"):
        assert part in cells[0].text
    for part in ("## Wrap-up", "**Can you answer?**", "**Reading**"):
        assert part in cells[-1].text
    kinds = [cell.kind for cell in cells]
    assert kinds.count("predict") >= 2
    assert kinds.count("explanation") >= kinds.count("predict")
    assert student.count("<details>") == student.count("</details>")
    assert student.count("Your prediction") == kinds.count("predict")
    assert "$$" in student
    for target in re.findall(r"\]\(([^)\s]+)\)", student):
        assert target.startswith("https://arxiv.org/") or (COURSE / target).exists(), target
    solution = "\n".join("".join(cell["source"]) for cell in build(text, "solution")["cells"])
    for target in re.findall(r"\]\(([^)\s]+)\)", solution):
        assert target.startswith("https://arxiv.org/") or (COURSE / "solutions" / target).exists(), target


def test_students_get_no_solution_but_a_folded_one() -> None:
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        code = [cell for cell in build(text, "student")["cells"] if cell["cell_type"] == "code"]
        for cell in read_source(text):
            if cell.kind == "exercise":
                body = cell.text.splitlines()[-1].strip()
                assert not any(body in "".join(one["source"]) for one in code), cell.name
                assert stub(cell.text).startswith(cell.text[:20])


SOURCE = '''# for editors

# %% [markdown]
# # A
#
# b $x$

# %% predict
# more?

# %%
x = 1

# %% explanation
# yes

# %% exercise one
def one(a: int) -> int:
    """Give a.

    Twice.
    """
    return 2 * a

# %% hint
# double
'''


def test_a_source_becomes_both_notebooks() -> None:
    student, solution = (build(SOURCE, version)["cells"] for version in ("student", "solution"))
    assert [cell["cell_type"] for cell in student] == ["markdown", "markdown", "code", "markdown", "code", "markdown"]
    assert "".join(student[0]["source"]) == "# A\n\nb $x$"
    assert "".join(student[1]["source"]).startswith("**Predict:** more?\n\n*Your prediction")
    assert "".join(student[3]["source"]).startswith("<details>\n<summary><b>Explanation</b></summary>\n\nyes\n")
    assert "".join(student[4]["source"]).endswith('    """\n    raise NotImplementedError("your code here")')
    assert "return 2 * a" in "".join(student[5]["source"])
    assert "".join(solution[4]["source"]).endswith("return 2 * a")
    assert "return 2 * a" not in "".join(solution[5]["source"])
    assert student[:4] == solution[:4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("%% hint", "%% hints"), "cell: got # %% hints; expected predict, explanation"),
        (lambda text: text.replace("# double", "double"), "text: got 'double'; expected a comment"),
        (lambda text: text.replace("%% hint", "%% [markdown]"), "exercise one: got no hint after it"),
        (lambda text: text.replace("    return 2 * a", "    return 2 * a\n\ny = 2"), "expected one function"),
    ],
)
def test_a_source_that_cannot_be_read_is_told(change: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        build(change(SOURCE), "student")


def test_units_are_written_beside_their_sources(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="got no source/unit_"):
        write_units(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "unit_9_more.py").write_text(SOURCE, encoding="utf-8")
    written = write_units(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in written] == ["unit_9_more.ipynb", "solutions/unit_9_more.ipynb"]
    assert json.loads(written[0].read_text(encoding="utf-8")) == build(SOURCE, "student")


def test_units_and_the_lecturers_page_say_of_the_answers_what_the_table_says() -> None:
    table = AnswerTable.read(data_file("results/answers.csv"))
    found = {
        name: 100 * table.shares(Setting("subsets", "clean", name, ratio=0.1))
        for name in ("infomerge", "tome", "random", "infomerge-adjacent")
    }
    setting = Setting("subsets", "clean", "infomerge", ratio=0.05)
    kinds = {kind: 100 * np.nanmean(table.shares(setting, kind)) for kind in KINDS}
    asked = f"{table.questions(setting):,} questions"
    unit = " ".join((COURSE / "source" / "unit_4_measure.py").read_text(encoding="utf-8").replace("\n#", " ").split())
    page = (COURSE / "README.md").read_text(encoding="utf-8")

    def against(other: str) -> tuple[str, str]:
        difference = found["infomerge"] - found[other]
        return f"{abs(difference.mean()):.1f}", f"{2 * difference.std(ddof=1) / len(difference) ** 0.5:.1f}"

    assert f"{len({one.method for one in table.settings})} methods on {table.clips(setting)} clips and {asked}" in unit
    assert "{} points below ToMe, give or take {}".format(*against("tome")) in unit
    assert "{} above random, give or take {}".format(*against("random")) in unit
    assert f"answers the same, give or take {against('infomerge-adjacent')[1]}" in unit
    assert min(kinds, key=lambda kind: kinds[kind]) == "scenes"
    assert max(kinds, key=lambda kind: kinds[kind]) == "flash"
    assert f"in {kinds['scenes']:.0f} %, and the color of the flash best, in {kinds['flash']:.0f} %" in unit
    assert f"of the {asked.replace('questions', 'questions to the small model')}" in page
    assert (
        f"{found['tome'].mean():.0f} % rightly at a ratio of 10 %, InfoMerge {found['infomerge'].mean():.0f} %" in page
    )
    lost = [100 - 100 * table.shares(setting._replace(ratio=ratio)).mean() for ratio in (0.1, 0.05)]
    assert f"At 10 % it loses {lost[0]:.0f} points of 100, at 5 % {lost[1]:.0f}." in page
    for ratio in (0.01, 0.02):  # no better than tokens by lot
        means = [
            table.shares(Setting("subsets", "clean", name, ratio=ratio)).mean() for name in ("infomerge", "random")
        ]
        assert means[0] <= means[1]
