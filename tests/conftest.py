"""Settings shared by all tests, and how they are shared out when several processes run them."""

import functools
import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from xdist import is_xdist_worker
from xdist.scheduler import LoadScopeScheduling

# Derandomised: a test suite that is green today is green tomorrow. Deadlines would be timed tests.
settings.register_profile("infomerge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("infomerge")

os.environ.setdefault("MPLBACKEND", "Agg")
# Bars appear after a second of work: on a slow machine they would stand in what the tests read of stderr.
os.environ["TQDM_DISABLE"] = "1"
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

LONGEST = ("browser", "test_packaging.py", "test_notebooks.py")
"""What takes minutes, and is begun first, so that no process ends up alone with it: a marker, then names of files."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--damages", type=int, default=12, help="damages of each kind of file that are tried")


class FileScheduling(LoadScopeScheduling):
    """By file, since a file's tests share what they made; notebooks one by one, and all tests in a browser together."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        if path.endswith("test_notebooks.py"):
            return nodeid
        # Two JupyterLabs at once would answer each other's clicks too late.
        return "browser" if _in_browser(self.config.rootpath / path) else path


@functools.cache
def _in_browser(path: Path) -> bool:
    """Whether a file's tests are marked so; told by its text, as this process collects no tests."""
    return "pytestmark = pytest.mark.browser\n" in path.read_text(encoding="utf-8")


def pytest_xdist_setupnodes() -> None:
    """Each process computes on one core, and so do the programs that its tests start."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling | None:
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # keep the order below, not that of the number of tests
    return FileScheduling(config, log)


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Begin with what takes longest when several processes share the tests."""

    def place(item: pytest.Item) -> int:
        name = "browser" if item.get_closest_marker("browser") else item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    if is_xdist_worker(session):
        items.sort(key=place)
