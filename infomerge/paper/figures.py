"""The project's figures: each drawn, shown in a notebook, or written by `infomerge figures`."""

import io
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import PIL.Image
from matplotlib.figure import Figure

from infomerge import plots
from infomerge.extras import needs
from infomerge.files import replaced

# Importing a module of recipes registers its figures; this is their order in the gallery.
from infomerge.paper import figures_clip, figures_tables, figures_methods, figures_answers  # isort: skip
from infomerge.paper.recipes import FIGURES, Drawn, FigureRecipe, Request
from infomerge.plots.style import picture

__all__ = [
    "FIGURES",
    "Drawn",
    "FigureRecipe",
    "Request",
    "draw",
    "figures_answers",
    "figures_clip",
    "figures_methods",
    "figures_tables",
    "gallery",
    "show",
    "write_captions",
    "write_figures",
]


# Whoever imported one of these first, the gallery has the order above.
for _module in (figures_clip, figures_tables, figures_methods, figures_answers):
    for _name in [name for name, recipe in FIGURES.items() if recipe.recipe.__module__ == _module.__name__]:
        FIGURES[_name] = FIGURES.pop(_name)


def draw(name: str, request: Request | None = None) -> Figure:
    """One figure.

    Args:
        name: as in `FIGURES`.
        request: of which clip, how wide and with what title; without it, as in the gallery.

    Raises:
        ValueError: there is no figure of this name, or it cannot be drawn so.
    """
    (recipe,) = _recipes([name])
    return recipe.draw(request).figure


def write_figures(
    names: Iterable[str],
    folder: Path,
    request: Request | None = None,
    formats: Sequence[str] = ("pdf", "png"),
) -> list[tuple[FigureRecipe, float]]:
    """Draw figures and write them, with a page of their captions, README.md, where all of them are written.

    Args:
        names: of the figures, as in `FIGURES`.
        folder: where to; files of the same names are replaced.
        request: of which clips, how wide and with what title; without it, as in the gallery.
        formats: of `infomerge.plots.style.FORMATS`.

    Returns:
        Each figure's recipe with the seconds that it took.

    Raises:
        ValueError: there is no figure of some name, or it cannot be drawn so.
    """
    recipes = _recipes(names)
    written = []
    for recipe in recipes:
        start = time.perf_counter()
        drawn = recipe.draw(request)
        plots.save(drawn.figure, folder / recipe.name, formats)
        written.append((recipe, time.perf_counter() - start, drawn.findings))
    if request is None and {recipe.name for recipe in recipes} == set(FIGURES):
        with replaced(folder / "README.md") as temporary:
            temporary.write_text(gallery(written), encoding="utf-8")
    return [(recipe, seconds) for recipe, seconds, _ in written]


def show(*names: str) -> None:
    """Draw figures and show each in a notebook, over its caption and its findings.

    They are shown as PNG in 256 colours, at a third of the size: a notebook can hold all of them.

    Args:
        names: of the figures, as in `FIGURES`.

    Raises:
        ValueError: there is no figure of some name.
    """
    with needs("notebooks"):
        from IPython.display import Image, Markdown, display
    for recipe in _recipes(names):
        drawn = recipe.draw()
        shown = Image(_in_256_colors(picture(drawn.figure)), alt=recipe.caption)  # type: ignore[no-untyped-call]
        display(shown, Markdown(_described(recipe, drawn.findings)))  # type: ignore[no-untyped-call]


def write_captions(drawn: Iterable[tuple[FigureRecipe, str]], folder: Path) -> None:
    """Write captions.md: what figures of a reader's own clips show, and what follows from the numbers in them.

    Args:
        drawn: each figure's recipe and its findings; of several clips, each figure once.
        folder: where to; an earlier page is replaced.
    """
    pages = {recipe.name: _described(recipe, findings) for recipe, findings in drawn}
    lines = ["# Captions", ""]
    for name, text in pages.items():
        lines += [f"## {name.replace('_', ' ').capitalize()}", "", text, ""]
    with replaced(folder / "captions.md") as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _recipes(names: Iterable[str]) -> list[FigureRecipe]:
    names = list(names)
    for name in names:
        if name not in FIGURES:
            raise ValueError(f"figure: got {name!r}; expected {', '.join(FIGURES)}")
    return [FIGURES[name] for name in names]


def _described(recipe: FigureRecipe, findings: str) -> str:
    return f"{recipe.caption} {findings}".strip()


def _in_256_colors(png: bytes) -> bytes:
    """The same picture with its 256 colours chosen for it; undithered, so that surfaces stay even."""
    smaller = io.BytesIO()
    with PIL.Image.open(io.BytesIO(png)) as whole:
        few = whole.convert("RGB").quantize(256, PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE)
        few.save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def gallery(written: Iterable[tuple[FigureRecipe, float, str]]) -> str:
    """The gallery page: every figure with its caption, findings, command, function, inputs and seconds.

    Args:
        written: each figure's recipe, the seconds that it took and its findings.
    """
    lines = ["# Figures", "", "Written by `make figures`, from real runs; a second run gives the same pictures.", ""]
    for recipe, seconds, findings in written:
        lines += [
            f"## {recipe.name.replace('_', ' ').capitalize()}",
            "",
            f"![{recipe.caption}]({recipe.name}.png)",
            "",
            _described(recipe, findings),
            "",
            f"`infomerge figures --only {recipe.name}`, function `{recipe.function}`. Input: {recipe.inputs}. Drawn in "
            f"{math.ceil(seconds)} s.",
            "",
        ]
    return "\n".join(lines)
