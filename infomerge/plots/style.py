"""The look that all figures share, and how they are written to disk."""

import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from infomerge.files import replaced
from infomerge.palette import (
    BLUE,
    CONTEXT,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SALIENT,
    SEGMENT_COLORS,
    SKY,
    VERMILLION,
)
from infomerge.plots.tex import TeXError, escaped, write_pgf
from infomerge.segmentation import frame_edges, segment_edges

__all__ = [
    "BLUE",
    "CONTEXT",
    "DOUBLE_COLUMN",
    "FORMATS",
    "GRAY",
    "GREEN",
    "HEAD",
    "INK",
    "ORANGE",
    "PALE",
    "PURPLE",
    "SALIENT",
    "SEGMENT_COLORS",
    "SINGLE_COLUMN",
    "SKY",
    "SMALL",
    "VERMILLION",
    "FormatError",
    "PrintFigure",
    "UnknownPanelError",
    "Width",
    "choose_panels",
    "em",
    "font_settings",
    "frame_edges",
    "page_width",
    "picture",
    "save",
    "segment_edges",
    "single_axes",
    "styled",
]  # fmt: skip

SINGLE_COLUMN, DOUBLE_COLUMN = 3.4, 7.0
"""Widths of a figure in inches, in a two-column paper."""

Width = float | Literal["single", "double"]
"""How wide a figure is on paper: a column, two, or inches."""

NARROWEST, WIDEST = 2.5, 30.0

SMALL, HEAD = "small", "large"
"""Sizes of notes and of headlines, from `font.size`: 6.25 and 9 points at the 7.5 of the style. None is smaller."""

FORMATS = ("pdf", "png", "svg", "pgf")
"""What figures can be written as."""

Arguments = ParamSpec("Arguments")
Drawing = TypeVar("Drawing", bound=Figure)

_READERS = re.compile(
    r"font\.|mathtext\.|text\.(usetex|latex|parse_math|hinting)|pgf\.|pdf\.|ps\.|svg\.|savefig\.dpi|image\.cmap"
    r"|axes\.(labelsize|labelweight|titlesize|titleweight|linewidth|unicode_minus|formatter\.)"
    r"|[xy]tick\.(labelsize|(major|minor)\.(size|width|pad))|legend\.(fontsize|title_fontsize|frameon)"
    r"|lines\.(linewidth|markersize)|hatch\.linewidth"
)
"""Settings of matplotlib's in which the reader's own win. Colours and sizes of the paper are the figure's own: the
first mean something, the second are promised."""


def _readers_settings() -> dict[str, Any]:
    """What the reader has set otherwise than matplotlib does by itself, in a file, a style or an `rc_context`.

    Matplotlib's own values, such as a font size of 10, cannot be told from those that nobody has set.
    """
    names = [name for name in mpl.rcParams if _READERS.match(name)]
    return {name: mpl.rcParams[name] for name in names if mpl.rcParams[name] != mpl.rcParamsDefault[name]}


class UnknownPanelError(ValueError):
    """Panels are asked for that the figure has not."""


class FormatError(ValueError):
    """A figure cannot be written in this format here."""


@contextmanager
def _style() -> Iterator[None]:
    """The shared style under the reader's own fonts and sizes; their settings are back when the block ends."""
    own = _readers_settings()
    with as_file(files("infomerge.plots") / "infomerge.mplstyle") as sheet, mpl.style.context(["default", sheet]):
        mpl.rcParams.update(own)
        if "font.family" in own and not any(name.startswith("mathtext.") for name in own):
            # Symbols in the reader's font too; it is what the names of quantities stand beside.
            family = mpl.rcParams["font.family"][0]
            faces = {"rm": family, "it": f"{family}:italic", "bf": f"{family}:bold", "sf": family}
            mpl.rcParams.update({"mathtext.fontset": "custom"} | {f"mathtext.{face}": faces[face] for face in faces})
        with _letters():
            yield


@contextmanager
def _settings_of(figure: Figure) -> Iterator[None]:
    """The settings that a figure was drawn under, which its fonts are looked up by until it is written."""
    if not isinstance(figure, PrintFigure) or figure.settings is None:
        with _style():
            yield
        return
    with mpl.rc_context():
        # Those of the backend are not the figure's.
        settings: dict[Any, Any] = {name: value for name, value in figure.settings.items() if "backend" not in name}
        mpl.rcParams.update(settings)
        with _letters():
            yield


def _letters() -> AbstractContextManager[None]:
    return escaped() if mpl.rcParams["text.usetex"] else nullcontext()


class PrintFigure(Figure):
    """A matplotlib figure that shows itself in any notebook, without pyplot and its global state."""

    settings: Mapping[str, Any] | None = None
    """matplotlib's, as they were when it was drawn."""
    alt: str = ""
    """What is seen, in words, for those who do not see it."""

    def _repr_png_(self) -> bytes:
        return picture(self)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture with its words beside it: where notebooks and nbconvert look for them."""
        return {"image/png": self._repr_png_(), "text/plain": repr(self)}, {"image/png": {"alt": self.alt}}


def picture(figure: Figure, dpi: int = 110) -> bytes:
    """A figure as PNG, for a screen."""
    written = io.BytesIO()
    with _settings_of(figure):
        figure.savefig(written, format="png", dpi=dpi, metadata={"Software": None})
    return written.getvalue()


def styled(draw: Callable[Arguments, Drawing]) -> Callable[Arguments, Drawing]:
    """Draw a figure in the shared style, without touching the reader's own matplotlib settings.

    Their fonts, font sizes and line widths win where they set any, as by `rc_context({"font.family": "serif"})`. The
    figure's words for those who do not see it are the title and the first line of the function's docstring.
    """

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawing:
        with _style():
            figure = draw(*args, **kwargs)
            if isinstance(figure, PrintFigure):  # Not one of the reader's own, by `ax`, which has a canvas.
                figure.settings = {name: mpl.rcParams[name] for name in mpl.rcParams if "backend" not in name}
                title = kwargs.get("title") or ""
                figure.alt = f"{title}{': ' if title else ''}{(draw.__doc__ or '').partition(chr(10))[0]}"
                # Laid out here, while the style's font sizes hold.
                FigureCanvasAgg(figure).draw()
            return figure

    return drawn


def font_settings(name: str) -> dict[Any, Any]:
    """Settings of matplotlib for a font, for `rc_context`.

    Args:
        name: "sans" (DejaVu Sans, as everywhere here), "serif" (STIX, which looks like Times), "latex" (Computer
            Modern, without LaTeX), or the name of an installed font. The first three come with matplotlib.

    Raises:
        ValueError: there is no such font.
    """
    if name == "serif":
        return {"font.family": ["STIXGeneral"], "mathtext.fontset": "stix"}
    if name == "latex":
        return {"font.family": ["cmr10", "DejaVu Serif"], "mathtext.fontset": "cm", "axes.formatter.use_mathtext": True}
    if name == "sans":
        return {"font.family": ["sans-serif"], "mathtext.fontset": "dejavusans"}
    if name not in font_manager.get_font_names():
        close = difflib.get_close_matches(name, font_manager.get_font_names(), n=3, cutoff=0.5)
        hint = f" (such as {', '.join(close)})" if close else ""
        raise ValueError(f"font: got {name!r}; expected sans, serif, latex, or an installed font{hint}")
    return {"font.family": [name]}


def em() -> float:
    """The font's size in inches, which margins for text are measured by."""
    return float(mpl.rcParams["font.size"]) / 72


def page_width(width: Width) -> float:
    """A width in inches.

    Raises:
        ValueError: it is neither a name nor a number of inches that a figure can have.
    """
    named = {"single": SINGLE_COLUMN, "double": DOUBLE_COLUMN}
    if isinstance(width, str) and width in named:
        return named[width]
    if isinstance(width, int | float) and NARROWEST <= width <= WIDEST:
        return float(width)
    raise ValueError(f"width: got {width!r}; expected single, double, or inches from {NARROWEST:g} to {WIDEST:g}")


def choose_panels(known: Sequence[str], panels: Sequence[str] | None, ax: Axes | None = None) -> list[str]:
    """The panels to draw, in the order in which they are asked for; all of them where none are.

    Args:
        known: the panels that the figure has.
        panels: those that are asked for.
        ax: the reader's own axes, which hold one.

    Raises:
        ValueError: a panel is unknown, asked for twice or not one alone for the reader's axes.
    """
    chosen = list(known) if panels is None else list(panels)
    if unknown := [name for name in chosen if name not in known]:
        raise UnknownPanelError(f"panels: got {unknown[0]!r}; expected of {', '.join(known)}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise UnknownPanelError(f"panels: got {', '.join(chosen) or 'none'}; expected each once, at least one")
    if ax is not None and len(chosen) != 1:
        raise ValueError(f"ax: got axes for {len(chosen)} panels; expected one panel alone, as panels=[{chosen[-1]!r}]")
    return chosen


def single_axes(width: Width, height: float, ax: Axes | None) -> tuple[Figure, Axes]:
    """Axes of one's own on a figure of this width and height, or the reader's own, and the figure that they are on."""
    if ax is not None:
        return ax.figure.figure, ax
    figure = PrintFigure(figsize=(page_width(width), height), layout="constrained")
    return figure, figure.subplots()


def save(figure: Figure, path: Path | str, formats: Sequence[str] = ("pdf", "png")) -> list[Path]:
    """Write a figure as vector PDF and as PNG beside it, each whole or not at all; same figure, same bytes.

    Args:
        figure: what a function of `infomerge.plots` returned.
        path: where to, with or without an ending, which is the format's own.
        formats: of `FORMATS`.

    Raises:
        FormatError: (a ValueError) a format is unknown, or it is pgf and there is no TeX, which it measures letters by.
    """
    for name in formats:
        if name not in FORMATS:
            raise FormatError(f"formats: got {name!r}; expected of {', '.join(FORMATS)}")
    stem = Path(path)
    stem = stem.with_suffix("") if stem.suffix.lstrip(".") in FORMATS else stem
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = []
    # Without the date of its making, a file changes only when the figure does.
    dates = {"pdf": {"CreationDate": None}, "png": {"Software": None}, "svg": {"Date": None}}
    for name in formats:
        target = stem.with_name(f"{stem.name}.{name}")
        with _settings_of(figure):
            if name == "pgf":
                try:
                    write_pgf(figure, target)
                except TeXError as error:
                    raise FormatError(f"formats: {error}") from error
            else:
                # Identifiers in SVG are drawn at random without a salt.
                mpl.rcParams["svg.hashsalt"] = mpl.rcParams["svg.hashsalt"] or "infomerge"
                with replaced(target) as temporary:
                    figure.savefig(temporary, format=name, metadata=dates[name])
        written.append(target)
    return written
