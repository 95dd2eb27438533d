"""Deprecated: the project's figures are in `infomerge.paper.figures`."""

from functools import partial
from typing import Any

from infomerge.deprecation import deprecated_names, warn_renamed
from infomerge.paper import figures

_find = deprecated_names(
    __name__,
    {
        **{name: ("infomerge.paper.figures", name) for name in ("FIGURES", "FigureRecipe", "show", "write_figures")},
        # These were found here because figures used them.
        **{name: ("infomerge.paper.panels", name) for name in ("prior_panels", "part_panels", "method_panels")},
    },
)


def __getattr__(name: str) -> Any:
    # Each figure was a function of its own name.
    if name in figures.FIGURES:
        warn_renamed(f"{__name__}.{name}()", f'infomerge.paper.figures.draw("{name}")')
        return partial(figures.draw, name)
    return _find(name)
