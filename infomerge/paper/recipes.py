"""What a figure of the project is: a recipe with a caption and with its inputs, registered under its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from matplotlib.figure import Figure

from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoder
from infomerge.paper.clips import encoded
from infomerge.plots import Width
from infomerge.plots.style import UnknownPanelError

RATIO = 0.15
"""The retention ratio of figures of one clip."""


class Drawn(NamedTuple):
    """A figure, and what it allows to say."""

    figure: Figure
    findings: str = ""
    """Sentences computed from the numbers that are drawn; empty where nothing is claimed."""


@dataclass(frozen=True, eq=False)
class Request:
    """What a figure is drawn from, and how; as it stands, the project's own figure of a sample clip."""

    clips: Sequence[EncodedClip] = ()
    """The reader's clips, in place of the samples."""
    encoder: Encoder | None = None
    """What encoded them, for figures that encode changed frames too."""
    ratio: float = RATIO
    """The retention ratio, where a figure shows one."""
    title: str | None = None
    """What stands above the figure, in place of the figure's own words."""
    width: Width | None = None
    """In place of the figure's own."""
    panels: Sequence[str] | None = None
    """Those that are drawn, where the figure has several."""

    def clip(self, sample: str = "tour") -> EncodedClip:
        """The reader's clip, or the sample of this name."""
        return self.clips[0] if self.clips else encoded(sample)

    def look(self, title: str = "", *, panels: bool = False) -> dict[str, Any]:
        """Keywords for a view of `infomerge.plots`.

        Args:
            title: the figure's own words.
            panels: whether the figure has panels to choose from.

        Raises:
            UnknownPanelError: panels are asked for of a figure that has none.
        """
        look: dict[str, Any] = {"title": title if self.title is None else self.title}
        if self.width is not None:
            look["width"] = self.width
        if panels:
            look["panels"] = self.panels
        elif self.panels is not None:
            raise UnknownPanelError(f"panels: got {', '.join(self.panels)}; this figure has no panels to choose from")
        return look

    @property
    def percent(self) -> str:
        """The ratio, as titles give it."""
        return f"{100 * self.ratio:g} %"


class NotInClipError(ValueError):
    """The reader's clip has not what the figure shows."""


Draw = Callable[[Request], Drawn]


@dataclass(frozen=True)
class FigureRecipe:
    """One figure: what it shows, and how it is made."""

    name: str
    caption: str
    """What is drawn; what follows from it is `Drawn.findings`."""
    inputs: str
    recipe: Draw
    takes: Literal["clip", "clips", "tables"]
    """Whether it is drawn from one clip, which may be the reader's, from several in one figure, or from the measured
    tables."""

    def draw(self, request: Request | None = None) -> Drawn:
        """Draw it: as the project has it, or as the reader asks for."""
        return self.recipe(Request() if request is None else request)

    @property
    def function(self) -> str:
        """Where the recipe stands, such as "infomerge.paper.figures_clip.clip_sheet"."""
        return f"{self.recipe.__module__}.{self.recipe.__name__}"


FIGURES: dict[str, FigureRecipe] = {}
"""All figures by name, in the order of the gallery."""


def figure(
    name: str, caption: str, inputs: str, takes: Literal["clip", "clips", "tables"] = "tables"
) -> Callable[[Draw], Draw]:
    """Register a function as a figure.

    Args:
        name: of the figure and its files; the function's name is its own, since the view in `infomerge.plots` often
            has this one.
        caption: what is drawn.
        inputs: which clips or tables the gallery's is drawn from.
        takes: what it is drawn from.
    """

    def register(draw: Draw) -> Draw:
        FIGURES[name] = FigureRecipe(name, caption, inputs, draw, takes)
        return draw

    return register
