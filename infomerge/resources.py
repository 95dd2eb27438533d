"""Where tables, notebooks and checkpoints are: inside the installed package, or at the top of a checkout."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

_PACKAGE = Path(str(files("infomerge")))
_SHIPPED = _PACKAGE / "shipped"
"""The build copies `data` and `notebooks` in here (setup.py)."""
_CHECKOUT = _PACKAGE.parent


def folder(name: Literal["data", "notebooks"]) -> Path:
    """One of the project's folders of files that are not code, to be read only.

    Raises:
        FileNotFoundError: neither the installed package nor a checkout has it.
    """
    for parent in (_SHIPPED, _CHECKOUT):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"{name}: got neither in {_SHIPPED} nor in {_CHECKOUT}; install infomerge anew")


def data_file(name: str) -> Path:
    """A file of `data`, such as "paper_tables.json" or "results/ablation.yaml"."""
    return folder("data") / name
