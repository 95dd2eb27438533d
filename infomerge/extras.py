"""The optional parts of the package, and the one error that says which of them to install.

`pip install infomerge` brings what `infomerge.compress` needs. All else comes with an extra: "plots" draws, "video"
reads and encodes clips, "models" compresses inside Video-LLMs, "sweep" measures, "cluster" does so on many machines,
"tables" gives data frames, "notebooks" opens the whole suite, and "docs" builds the site and the slides.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

Extra = Literal["plots", "video", "models", "sweep", "cluster", "tables", "notebooks", "docs"]


class MissingExtraError(ModuleNotFoundError):
    """A package of an optional part is not installed; the message says what to install."""


@contextmanager
def needs(extra: Extra, *modules: str) -> Iterator[None]:
    """Imports inside the block that find a package missing say which extra brings it.

        with needs("video"):
            import av

    Args:
        extra: the extra of pyproject.toml that lists the packages.
        modules: names of packages that are looked for and not imported, where that would take long.

    Raises:
        MissingExtraError: a package is not installed.
    """
    try:
        for module in modules:
            if find_spec(module) is None:
                raise ModuleNotFoundError(name=module)
        yield
    except MissingExtraError:
        raise
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "infomerge"):
            raise
        message = f'{package} is not installed; it comes with: pip install "infomerge[{extra}]"'
        raise MissingExtraError(message, name=error.name) from None


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__` that imports a name's module when the name is first asked for.

    Args:
        package: its name, `__name__`.
        modules: name -> module of the package that defines it.
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return find
