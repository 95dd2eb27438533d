"""Settings shared by all tests, and how they are shared out when several processes run them."""

import os

import pytest
import torch
from hypothesis import settings
from xdist import is_xdist_worker
from xdist.scheduler import LoadGroupScheduling

# Derandomised: a test suite that is green today is green tomorrow. Deadlines would be timed tests.
settings.register_profile("infomerge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("infomerge")

os.environ.setdefault("MPLBACKEND", "Agg")
# Bars appear after a second of work: on a slow machine they would stand in what the tests read of stderr.
os.environ["TQDM_DISABLE"] = "1"
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

LONGEST = ("browser", "test_packaging.py", "test_notebooks.py")
"""What takes minutes, and is begun first, so that no process ends up alone with it: a marker, then names of files."""


class FileScheduling(LoadGroupScheduling):
    """A file's tests stay together, since they share what they made; those of a group stay together across files."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return nodeid.split("::", 1)[0] if scope == nodeid else scope


def pytest_xdist_setupnodes() -> None:
    """Each process computes on one core, and so do the programs that its tests start."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling | None:
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # keep the order below, not that of the number of tests
    return FileScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Begin with what takes longest when several processes share the tests; keep those in a browser in one process."""
    if not is_xdist_worker(session):
        return

    def place(item: pytest.Item) -> int:
        name = "browser" if item.get_closest_marker("browser") else item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("browser"):
            # Two browsers and two JupyterLabs at once would have each other's clicks come too late.
            item.add_marker(pytest.mark.xdist_group("browser"))
