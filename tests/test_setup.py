"""pyproject.toml, constraints.txt and environment.yml say the same, and so does what is installed."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infomerge.extras import Extra
from tests.rooms import ROOMS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def of_extra(name: str) -> set[str]:
    """The requirements of an extra, with those of the extras that it includes."""
    found = set()
    for text in EXTRAS[name]:
        requirement = Requirement(text)
        if requirement.name == "infomerge":
            found |= set().union(*map(of_extra, requirement.extras))
        else:
            found.add(text)
    return found


REQUIREMENTS = [Requirement(text) for text in sorted({*PROJECT["dependencies"], *of_extra("dev")})]
PINS = {
    canonicalize_name(name): pin
    for name, equals, pin in (line.partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    if equals
}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_every_requirement_is_pinned_within_its_range_and_installed_so(requirement: Requirement) -> None:
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin)
    if requirement.marker is None or requirement.marker.evaluate(default_environment()):
        assert version(requirement.name).split("+")[0] == pin


def test_no_pin_brings_a_cuda_package() -> None:
    assert not [name for name in PINS if re.match(r"nvidia|cuda|triton|torchvision", name)]


def test_conda_installs_the_project_with_the_same_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert packages == {"pip": ["--constraint constraints.txt", "--editable .[dev]"]}


def test_decord_is_left_out_where_it_has_no_wheels() -> None:
    (decord,) = [requirement for requirement in REQUIREMENTS if requirement.name == "decord"]
    assert decord.marker is not None
    for machine, system, wanted in (("x86_64", "linux", True), ("aarch64", "linux", False), ("arm64", "darwin", False)):
        assert decord.marker.evaluate({"platform_machine": machine, "sys_platform": system}) is wanted


def test_extras_are_those_that_errors_name_and_each_brings_what_it_is_for() -> None:
    assert {*EXTRAS} - {"all", "dev"} == {*get_args(Extra)}
    names = {extra: {Requirement(text).name for text in of_extra(extra)} for extra in EXTRAS}
    used = {*get_args(Extra)} - {"docs"}  # which builds the site and the slides
    assert set().union(*(names[extra] for extra in used)) == names["all"] < names["dev"]
    # lmms-eval has an older PyAV than the video readers allow.
    assert not names["models"] & {"av", "decord", "jupyterlab", "matplotlib", "plotly"}
    core = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert core == {"torch", "numpy", "pydantic", "jaxtyping", "click", "rich"}
    assert not any(core & found for found in names.values())


def test_version_is_told_once() -> None:
    import infomerge

    assert infomerge.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "lab", "test", "lint", "docs", "figures", "notebooks", "bench", "dist", "clean"):
        assert f"make {target} " in listed


def test_a_second_make_does_not_reinstall() -> None:
    if not (ROOT / ".venv" / ".ready").exists():
        pytest.skip("this environment was not made by make")
    plan = subprocess.run(["make", "--dry-run", "setup"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pip install" not in plan


def test_a_venv_without_pip_is_given_one(tmp_path: Path) -> None:
    """As other tools make them, or an interrupted set-up leaves them."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    working = '#!/bin/sh\necho "$@" >> calls\n'
    makes = 'if [ "$2" = venv ]; then mkdir -p .venv/bin; cp whole .venv/bin/python; fi\n'
    for path, script in (
        ("python", working + makes),
        ("whole", working),
        (".venv/bin/python", "#!/bin/sh\necho No module named pip; exit 1\n"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(script)
        (tmp_path / path).chmod(0o755)
    command = ["make", "setup", "PYTHON=./python", "VENV=.venv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[1] == "-m venv .venv"
    assert calls[2].startswith("-m pip install")


def test_imports_run_one_way() -> None:
    files, folders = (ROOT / "infomerge").glob("*.py"), (ROOT / "infomerge").glob("*/__init__.py")
    rooms = {path.stem for path in files} | {path.parent.name for path in folders}
    assert sorted(ROOMS) == sorted(rooms - {"__init__"})
    for path in sorted((ROOT / "infomerge").rglob("*.py")):
        room = path.relative_to(ROOT / "infomerge").with_suffix("").parts[0]
        if room == "__init__":
            continue
        used = re.findall(r"^\s*(?:from|import) infomerge\.(\w+)", path.read_text(), flags=re.MULTILINE)
        used += [
            name
            for names in re.findall(r"^\s*from infomerge import (.+)", path.read_text(), flags=re.MULTILINE)
            for name in re.findall(r"\w+", names)
            if name in ROOMS
        ]
        for name in used:
            assert ROOMS.index(name) <= ROOMS.index(room), f"{path.name} imports {name}, which comes after it"


def test_no_source_file_has_more_than_400_lines() -> None:
    paths = [path for folder in ("benchmarks", "docs", "infomerge", "tests") for path in (ROOT / folder).rglob("*.*")]
    paths = [path for path in (*ROOT.glob("*.py"), *paths) if "node_modules" not in path.parts]
    written = {ending: [path for path in paths if path.suffix == ending] for ending in (".py", ".js", ".mjs", ".css")}
    assert all(written.values())
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for found in written.values() for path in found}
    assert [str(path.relative_to(ROOT)) for path, length in lengths.items() if length > 400] == []


def test_the_package_carries_its_data_files() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["infomerge"]
    shipped = {path for pattern in declared for path in (ROOT / "infomerge").glob(pattern)}
    development = {"package.json", "package-lock.json", "tsconfig.json"}
    found = (path for path in (ROOT / "infomerge").rglob("*") if "node_modules" not in path.parts)
    others = {path for path in found if path.is_file() and path.suffix not in {".py", ".pyc"}}
    others = {path for path in others if path.name not in development}
    assert others <= shipped
