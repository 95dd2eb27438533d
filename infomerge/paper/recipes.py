"""What a figure of the project is: a recipe with a caption and with its inputs, registered under its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from infomerge.plots.style import PrintFigure


class Drawn(NamedTuple):
    """A figure, and what it allows to say."""

    figure: PrintFigure
    findings: str = ""
    """Sentences computed from the numbers that are drawn; empty where nothing is claimed."""


@dataclass(frozen=True)
class FigureRecipe:
    """One figure: what it shows, and how it is made."""

    name: str
    caption: str
    """What is drawn; what follows from it is `Drawn.findings`."""
    inputs: str
    draw: Callable[[], Drawn]

    @property
    def function(self) -> str:
        """Where the recipe stands, such as "infomerge.paper.figures_clip.tour_sheet"."""
        return f"{self.draw.__module__}.{self.draw.__name__}"


FIGURES: dict[str, FigureRecipe] = {}
"""All figures by name, in the order of the gallery."""


def figure(name: str, caption: str, inputs: str) -> Callable[[Callable[[], Drawn]], Callable[[], Drawn]]:
    """Register a function as a figure.

    Args:
        name: of the figure and its files; the function's name is its own, since the view in `infomerge.plots` often
            has this one.
        caption: what is drawn.
        inputs: which clips or tables it is drawn from.
    """

    def register(draw: Callable[[], Drawn]) -> Callable[[], Drawn]:
        FIGURES[name] = FigureRecipe(name, caption, inputs, draw)
        return draw

    return register
