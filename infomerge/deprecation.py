"""Old names that keep working for one release, with a warning that says what to write instead."""

import importlib
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Say that a name will go, and what to write instead."""
    warnings.warn(
        f"{old} is deprecated and goes with the next release; use {new}", DeprecationWarning, stacklevel=stacklevel
    )


def deprecated_names(module: str, names: Mapping[str, tuple[str, str]]) -> Callable[[str], Any]:
    """A module's `__getattr__` that finds old names in their new places.

    Args:
        module: the module's name, `__name__`.
        names: old name -> (module, name) of what stands for it now; which may be dotted; an empty name for the module.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, new = names[name]
        warn_renamed(f"{module}.{name}", f"{place}.{new}".rstrip("."))
        found = importlib.import_module(place)
        return operator.attrgetter(new)(found) if new else found

    return find
