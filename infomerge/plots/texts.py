"""Words that a reader gives: drawn as they are, in letters that a font has, and never wider than there is room."""

import textwrap
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from infomerge.plots.style import HEAD, INK, SMALL, PrintFigure, Width, page_width

MISSING = "\N{WHITE SQUARE}"
"""Stands for a letter that no font has."""

LINE = 1.35
"""Height of a line of text, of the font's size."""


def letters_of(text: str) -> str:
    """A text in letters that can be drawn: control characters as spaces, and what no installed font has as a square.

    Where an installed font has what the figure's fonts lack, it is added to them, so that names in any script are
    drawn. One note says what had to be left out.
    """
    text = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    wanted = {letter for letter in text if not letter.isspace() and letter != "\n"}
    missing = {letter for letter in wanted if not any(ord(letter) in _letters(path) for path in _paths())}
    for name, path in _others() if missing else ():
        if found := {letter for letter in missing if ord(letter) in _letters(path)}:
            mpl.rcParams["font.family"] = [*mpl.rcParams["font.family"], name]
            missing -= found
        if not missing:
            break
    if missing:
        listed = " ".join(sorted(missing)[:8])
        warnings.warn(f"no installed font has {listed}: drawn as {MISSING}", stacklevel=2)
    return "".join(MISSING if letter in missing else letter for letter in text)


def _paths() -> Sequence[str]:
    """The files of the fonts that are set."""
    return font_manager.fontManager._find_fonts_by_props(font_manager.FontProperties())


@lru_cache(maxsize=64)
def _letters(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())


def _others() -> list[tuple[str, str]]:
    """Installed fonts by name, upright ones of normal weight; those for many scripts first."""
    fonts = {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if font.style == "normal"
        and font.weight in (400, "normal", "regular")
        and font.fname.endswith((".ttf", ".otf", ".ttc"))
    }
    return sorted(fonts.items(), key=lambda font: ("CJK" not in font[0], "Noto" not in font[0], font))


def wrapped(text: Text, width: float) -> Text:
    """Break a text's lines until none is wider than `width` pixels; words that are too long are broken too."""
    lines = text.get_text().split("\n")
    letters = max(map(len, lines))
    original = lines
    while text.get_window_extent().width > width and letters > 1:
        letters = min(letters - 1, max(1, int(letters * width / text.get_window_extent().width) + 1))
        lines = [line for part in original for line in textwrap.wrap(part, letters, break_on_hyphens=False) or [""]]
        text.set_text("\n".join(lines))
    return text


def headline(figure: Figure, title: str, *, left: float = 0.05, top: float = 0.06, room: float | None = None) -> float:
    """Write what the figure shows above it, in as many lines as it needs; no letter of it is read as a formula.

    Args:
        figure: with its size.
        title: what it shows; empty for none.
        left: inches from the paper's edge.
        top: inches above it.
        room: inches that it may be wide; as wide as the paper without a number.

    Returns:
        Inches that it takes, with `top`; 0 where there is no title.
    """
    if not title:
        return 0.0
    width, height = figure.get_size_inches()
    text = figure.text(
        left / width,
        1 - top / height,
        letters_of(title),
        fontsize=HEAD,
        weight="bold",
        va="top",
        parse_math=False,
    )
    wrapped(text, (width - 2 * left if room is None else room) * figure.dpi)
    text.set_gid("headline")
    return top + lines_height(text)


def lines_height(text: Text) -> float:
    """Inches that a text takes with the room below it."""
    return float(text.get_fontsize()) / 72 * LINE * (1 + text.get_text().count("\n"))


def fitted_legend(
    figure: Figure, handles: Sequence[Any], labels: Sequence[str], *, side: float = 0.04, **look: Any
) -> float:
    """A legend along the lower edge of the paper, in as few rows as its width allows.

    Args:
        figure: with its size.
        handles: what is explained.
        labels: by which words.
        side: inches to its left and right.
        look: as `Figure.legend` takes it.

    Returns:
        Inches that it takes from the lower edge.
    """
    width = figure.get_size_inches()[0]
    near = {"borderaxespad": 0.3, "handletextpad": 0.3, "columnspacing": 1.0, "loc": "lower left"} | look
    for columns in range(len(labels), 0, -1):
        legend = figure.legend(list(handles), list(labels), ncols=columns, **near)
        box = legend.get_window_extent()
        if columns == 1 or box.width <= (width - 2 * side) * figure.dpi:
            return float(box.height) / figure.dpi + 0.06
        legend.remove()
    return 0.0


def words_below(words: str, figure: Figure, *, low: float = 0.05) -> float:
    """Small words along the lower edge of the paper, in as many lines as they need; inches that they take.

    Args:
        words: what the marks mean.
        figure: with its size.
        low: inches below them.
    """
    if not words:
        return 0.0
    width, height = figure.get_size_inches()
    text = figure.text(0.5, low / height, words, ha="center", va="bottom", fontsize=SMALL, color=INK)
    wrapped(text, (width - 0.1) * figure.dpi)
    return low + lines_height(text) + 0.06


def framed(
    width: Width, height: float, *, title: str = "", words: str = "", foot: Callable[[Figure], float] = lambda _: 0.0
) -> PrintFigure:
    """A figure whose panels fill what a headline above and words below them leave.

    Args:
        width: of the paper.
        height: of the panels, in inches.
        title: what is shown.
        words: what the marks mean.
        foot: draws what stands along the lower edge instead of the words, and says how many inches it takes.
    """
    wide = page_width(width)

    def around(figure: Figure) -> tuple[float, float]:
        return headline(figure, title), words_below(words, figure) + foot(figure)

    above, below = around(PrintFigure(figsize=(wide, 1)))
    figure = PrintFigure(figsize=(wide, height + above + below), layout="constrained")
    around(figure)
    paper = height + above + below
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, below / paper, 1, height / paper), h_pad=0.06)  # type: ignore[call-arg]
    return figure
