"""The distributions, built as they are published and used in a clean environment outside the checkout."""

import ast
import email
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from infomerge.paper.figures import FIGURES

ROOT = Path(__file__).parent.parent
MADE = ("build", "dist", "node_modules", "out", "site", "test-artifacts")
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", *MADE)
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
READ_DATA = [
    "00_start_here.ipynb",
    "01_from_video_to_tokens.ipynb",
    "04_budgets.ipynb",
    "07_tfd_against_adjacent.ipynb",
    "08_what_each_part_adds.ipynb",
    "09_methods_side_by_side.ipynb",
    "10_a_real_video_llm.ipynb",
    "11_paper_figures.ipynb",
    "12_does_it_still_answer.ipynb",
    "13_a_better_method.ipynb",
    "14_what_it_costs.ipynb",
]
# test_notebooks.py executes all of them in the checkout. Here are run those that suffice for every call by which the
# others, too, read data: `infomerge figures`, which is run as well, makes the rest of these calls.
EXECUTED = ["04_budgets.ipynb", "08_what_each_part_adds.ipynb", "13_a_better_method.ipynb", "14_what_it_costs.ipynb"]
# These read no file.
NO_DATA = ("infomerge.paper.labels", "infomerge.paper.figures_methods")
# This reads by first_tokens, which notebook 14 calls.
SAME_DATA = {("infomerge.paper.costs", "first_token_table")}
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
path = sys.argv[1]
resources = {"metadata": {"path": "."}}
NotebookClient(nbformat.read(path, 4), timeout=600, kernel_name="python3", resources=resources).execute()
"""


def imported(code: str) -> set[tuple[str | None, str]]:
    """What the code imports from infomerge.paper: modules and names."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    return {
        (node.module, name.name)
        for node in nodes
        if node.module and node.module.startswith("infomerge.paper") and node.module not in NO_DATA
        for name in node.names
    }


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("packaging")
    shutil.copytree(ROOT, folder / "source", ignore=LEFT_BEHIND)
    # The tools that check the views' JavaScript lie beside it once they are installed, and shall not be packed.
    tool = folder / "source" / "infomerge" / "widgets" / "node_modules" / "tool"
    tool.mkdir(parents=True)
    for name in ("package.json", "tool.js"):
        (tool / name).write_text("{}")
    # Without isolation it is built with what is installed, and nothing is fetched.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder / "source")]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (source,), (wheel,) = (list((folder / "dist").glob(pattern)) for pattern in ("*.tar.gz", "*.whl"))
    return source, wheel


class Installed:
    """The wheel in an environment that has the dependencies of this one and not its infomerge."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder / "environment", symlinks=True)
        self.python = folder / "environment" / "bin" / "python"
        self.home = folder / "home"
        self.home.mkdir()
        site = next((folder / "environment" / "lib").glob("python*/site-packages"))
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--no-deps", "--no-index", "--quiet", str(wheel)], check=True)
        # Only now, so that pip sees no other infomerge. A folder on the path: the editable install in it works by .pth
        # files, which are not read from there.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.site = site

    def run(self, *command: str | Path) -> str:
        """What a command prints that is run outside the checkout, in an environment without its variables."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1"}
        done = subprocess.run(
            [str(part) for part in command], cwd=self.home, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"
        return done.stdout

    def infomerge(self, *arguments: str | Path) -> str:
        return self.run(self.python.parent / "infomerge", *arguments)


@pytest.fixture(scope="module")
def installed(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), distributions[1])


def test_the_wheel_is_what_is_imported(installed: Installed) -> None:
    found = installed.run(installed.python, "-c", "import infomerge; print(infomerge.__file__)").strip()
    assert Path(found) == installed.site / "infomerge" / "__init__.py"


def test_every_command_works(installed: Installed) -> None:
    installed.infomerge("run", "tour", "--num-frames", "8", "--out", "run")
    assert (installed.home / "run" / "contact_sheet.png").stat().st_size > 10_000

    random = "from infomerge.models import save_tiny_random_model; save_tiny_random_model('model')"
    installed.run(installed.python, "-c", random)
    asked = ("What happens?", "--model", "model", "--num-frames", "4", "--max-new-tokens", "2")
    installed.infomerge("ask", "tour", *asked, "--json", "answer.json")
    assert json.loads((installed.home / "answer.json").read_text())["question"] == "What happens?"

    (installed.home / "sweep.yaml").write_text(
        "methods: [infomerge]\nratios: [0.25]\nclips: ['tokens:2']\nmeasures: [kept]\nnum_frames: 4\n"
    )
    installed.infomerge("sweep", "sweep.yaml", "--out", "sweep", "--jobs", "1")
    assert len((installed.home / "sweep" / "results.csv").read_text().splitlines()) == 2


def test_figures_are_drawn_from_every_table_and_of_a_clip(installed: Installed) -> None:
    names = [*(name for name, recipe in FIGURES.items() if recipe.takes == "tables"), "contact_sheet"]
    installed.infomerge("figures", "--out", "figures", *(f"--only={name}" for name in names))
    assert {path.stem for path in (installed.home / "figures").glob("*.pdf")} == set(names)
    assert all((installed.home / "figures" / f"{name}.png").stat().st_size > 10_000 for name in names)


def test_the_notebooks_are_written_and_those_that_read_data_run(installed: Installed) -> None:
    write = "from infomerge.paper.notebooks import write_notebooks; print(*write_notebooks('notebooks'))"
    files = installed.run(installed.python, "-c", write).split()
    assert [name for name in files if "course" not in name] == [f"notebooks/{name}" for name in NOTEBOOKS]
    # The frames that infomerge.paper.clips chooses come from a sample clip, no file of the project's.
    reads = re.compile(r"infomerge\.paper(?!\.clips)|\.\./|\.csv|\.json\b|\.yaml")
    written = {name: json.loads((installed.home / "notebooks" / name).read_text()) for name in NOTEBOOKS}
    code = {
        name: "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
        for name, notebook in written.items()
    }
    assert [name for name in NOTEBOOKS if reads.search(code[name])] == READ_DATA
    drawn = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infomerge" / "paper").glob("figures*.py"))
    # One draws the figures alone.
    read = {name: imported(code[name]) for name in READ_DATA if not name.startswith("11")}
    assert set().union(*read.values()) - SAME_DATA <= set().union(imported(drawn), *(read[name] for name in EXECUTED))
    for name in EXECUTED:
        installed.run(installed.python, "-c", EXECUTE, f"notebooks/{name}")


def test_the_course_is_written_built_and_graded_without_the_checkout(installed: Installed) -> None:
    installed.infomerge("notebooks", "mine")
    course = installed.home / "mine" / "course"
    for path in (ROOT / "notebooks" / "course").rglob("*.*"):
        if "__pycache__" not in path.parts:
            assert (course / path.relative_to(ROOT / "notebooks" / "course")).read_bytes() == path.read_bytes()
    source = course / "source" / "unit_1_redundancy.py"
    source.write_text(source.read_text(encoding="utf-8").replace("Unit 1: Why", "Our unit 1: why"), encoding="utf-8")
    installed.run(installed.python, "-m", "infomerge.course", "build", course)
    assert "Our unit 1: why" in (course / "unit_1_redundancy.ipynb").read_text(encoding="utf-8")
    # Some are there already, drawn by the installed package.
    shutil.copytree(ROOT / "figures", installed.home / "figures", dirs_exist_ok=True)
    deck = ("slides", "--source", course / "slides.md", "--out", "slides.html")
    assert "Wrote 20 slides" in installed.run(installed.python, "-m", "infomerge.course", *deck)
    installed.run(installed.python, "-c", EXECUTE, "mine/course/solutions/unit_2_fingerprints.ipynb")


def test_the_cell_that_sets_up_a_hosted_notebook_names_this_wheel(distributions: tuple[Path, Path]) -> None:
    text = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    from_git, from_wheel = (Requirement(line) for line in re.findall(r'^%pip install -q "(.+)"$', text, re.MULTILINE))
    for requirement in (from_git, from_wheel):
        assert (requirement.name, requirement.extras) == ("infomerge", {"notebooks"})
    assert str(from_git.url).startswith("git+https://ADDRESS/")
    assert Path(str(from_wheel.url)).name == distributions[1].name


def test_the_wheel_carries_every_file_of_the_package_and_all_results(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("infomerge/")}
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "infomerge").rglob("*")
        if path.is_file() and not {"__pycache__", "node_modules"} & {*path.parts}
    }
    course = [path for path in (ROOT / "notebooks" / "course").rglob("*") if not {"__pycache__"} & {*path.parts}]
    for path in (*(ROOT / "data").rglob("*"), *(ROOT / "notebooks").glob("*.ipynb"), *course):
        if path.is_file():
            expected.add(str(Path("infomerge/shipped", path.relative_to(ROOT))))
    assert names == expected


def test_the_page_of_a_package_index_shows_no_picture_and_leads_nowhere_that_is_not_there(
    distributions: tuple[Path, Path],
) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        content = wheel.read(name)
    metadata = Metadata.from_email(content, validate=True)
    assert metadata.description_content_type == "text/markdown"
    text = metadata.description
    assert text
    assert "![" not in text
    assert "<img" not in text
    assert all(target.startswith(("https://", "#")) for target in re.findall(r"\]\(([^)]*)\)", text))
    # Nothing else is left out: what remains of each paragraph of the README stands in it.
    plain = " ".join(text.split())
    for paragraph in (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n"):
        if not re.search(r"\]\(|<img|^\*", paragraph):
            assert " ".join(paragraph.split()) in plain
    assert email.message_from_bytes(content)["License-Expression"] == "MIT"


def test_the_source_distribution_holds_what_its_tests_need_and_they_pass(
    distributions: tuple[Path, Path], tmp_path: Path
) -> None:
    with tarfile.open(distributions[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    for folder in ("benchmarks", "data", "figures", "infomerge", "notebooks", "tests"):
        sources = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        left_out = (".", "__pycache__", "node_modules")
        hidden = {path for path in sources if any(part.startswith(left_out) for part in path.parts)}
        missing = [path for path in sources - hidden if not (unpacked / path).exists()]
        assert not missing
    # Those that look for the most files; in the unpacked folder and with its code.
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_setup.py"]
    command += [
        "tests/test_against_reference.py",
        "tests/test_figures.py",
        "-k",
        "not written_the_same_twice and not runs_off",
    ]
    done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
