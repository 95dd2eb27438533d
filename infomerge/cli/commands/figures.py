"""`infomerge figures`: the project's figures, of the reader's clips or of the samples."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infomerge.cli.errors import InputError, Notes, bad_file, bad_input, pass_notes
from infomerge.cli.options import clips_options, encode, open_clips
from infomerge.cli.output import FOLDER, make_folder, refuse_replacing

if TYPE_CHECKING:
    from infomerge.encoders import Encoder
    from infomerge.paper.recipes import FigureRecipe, Request
    from infomerge.plots import Width

FORMATS = ("pdf", "png", "svg", "pgf")
"""As `infomerge.plots.style.FORMATS`, which is slow to import."""


@click.command()
@clips_options(required=False)
@click.option("--out", "-o", type=FOLDER, default=Path("figures"), show_default=True)
@click.option("--only", metavar="NAME", multiple=True, help="One of the figures; repeatable.  [default: all]")
@click.option("--title", help="What stands above the figures, in place of their own words.")
@click.option("--width", metavar="single|double|INCHES", help="Of a column (3.4), of two (7), or inches.")
@click.option("--font", metavar="sans|serif|NAME|latex", help="latex: Computer Modern, which needs no LaTeX.")
@click.option("--panels", metavar="A,B,...", help="Of the one figure that --only names.")
@click.option(
    "--format", "formats", metavar="pdf,svg,png,pgf", default="pdf,png", show_default=True, help="pgf needs a LaTeX."
)
@click.option("--retention-ratio", "-r", type=float, default=0.15, show_default=True, help="Share of tokens to keep.")
@click.option("--force", is_flag=True, help="Replace figures that are there.")
@click.option("--list", "show_list", is_flag=True, help="List the figures and their panels, and draw none.")
@pass_notes
def command(
    notes: Notes,
    clips: tuple[str, ...],
    num_frames: int,
    encoder: "Callable[[str], Encoder]",
    out: Path,
    only: tuple[str, ...],
    title: str | None,
    width: str | None,
    font: str | None,
    panels: str | None,
    formats: str,
    retention_ratio: float,
    force: bool,
    show_list: bool,
) -> None:
    """Draw every figure that one clip can make, of your clips.

    With a page of captions. Of several clips each has a folder of its own. Without CLIP the project's own gallery is
    drawn, of the samples and of what was measured; its files are replaced.

    A figure's colours mean the same everywhere; fonts and sizes of letters are those of a matplotlibrc, too. No letter
    is smaller than 6 points at any width.
    """
    from infomerge.paper.figures import FIGURES, Request

    if show_list:
        for recipe in FIGURES.values():
            click.echo(f"{recipe.name}: {recipe.caption}")
        return
    clips, only = _old_spelling(clips, only)
    if not 0 < retention_ratio <= 1:
        raise InputError("--retention-ratio", f"{retention_ratio:g} is no share", "give a number above 0, up to 1")
    written = _formats(formats)
    names = _names(only, bool(clips))
    if panels is not None and len(names) != 1:
        raise InputError("--panels", "panels are of one figure", "name it by --only")
    import matplotlib as mpl

    from infomerge.plots.style import font_settings, page_width

    with bad_input(ValueError, width="--width", font="--font"):
        size = None if width is None else page_width(_width(width))
        settings = {} if font is None else font_settings(font)
    chosen = None if panels is None else [panel.strip() for panel in panels.split(",")]
    look = {"ratio": retention_ratio, "title": title, "width": size, "panels": chosen}
    request = Request(**look)  # type: ignore[arg-type]
    with mpl.rc_context(settings):
        if clips:
            _draw_clips(notes, clips, num_frames, encoder, out, names, request, written, force)
            return
        notes.tell()
        make_folder("--out", out)
        # As the gallery has them, where nothing else is asked for.
        own = (title, width, font, panels) == (None,) * 4 and retention_ratio == 0.15
        _write(names, out, None if own else request, written)


def _old_spelling(clips: tuple[str, ...], only: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Figures used to be named as arguments."""
    from infomerge.deprecation import warn_renamed
    from infomerge.paper.figures import FIGURES

    named = [name for name in clips if name in FIGURES and not Path(name).exists()]
    if named:
        flags = " ".join(f"--only {name}" for name in named)
        warn_renamed(f"figures {' '.join(named)}", f"figures {flags}")
    return tuple(name for name in clips if name not in named), (*only, *named)


def _names(only: Sequence[str], of_clips: bool) -> list[str]:
    """The figures to draw."""
    from infomerge.paper.figures import FIGURES

    drawable = [name for name, recipe in FIGURES.items() if not of_clips or recipe.takes != "tables"]
    for name in only:
        if name not in FIGURES:
            raise InputError("--only", f"no figure {name!r}", f"choose from {', '.join(drawable)}")
        if name not in drawable:
            raise InputError("--only", f"{name} is drawn from the project's own tables", "leave CLIP out")
    return list(dict.fromkeys(only)) or drawable


def _formats(text: str) -> list[str]:
    formats = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in formats:
        if name not in FORMATS:
            raise InputError("--format", f"{name!r} is none of the formats", f"choose from {', '.join(FORMATS)}")
    if not formats:
        raise InputError("--format", "no format is named", f"choose from {', '.join(FORMATS)}")
    return formats


def _width(text: str) -> "Width":
    if text in ("single", "double"):
        return text  # type: ignore[return-value]
    try:
        return float(text)
    except ValueError as error:
        raise InputError("--width", f"{text!r} is no width", "pass single, double or a number of inches") from error


def _write(names: Sequence[str], out: Path, request: "Request | None", formats: Sequence[str]) -> None:
    from infomerge.paper.figures import write_figures
    from infomerge.plots.style import FormatError, UnknownPanelError

    with bad_file("--out", out), bad_input(FormatError, UnknownPanelError, panels="--panels", formats="--format"):
        timed = write_figures(names, out, request, formats)
    for recipe, seconds in timed:
        click.echo(f"{recipe.name}: {seconds:.1f} s")


def _draw_clips(
    notes: Notes,
    clips: Sequence[str],
    num_frames: int,
    encoder: "Callable[[str], Encoder]",
    out: Path,
    names: Sequence[str],
    request: "Request",
    formats: Sequence[str],
    force: bool,
) -> None:
    """Draw the reader's clips: one after the other, and what shows them together at the end."""
    import dataclasses

    from infomerge.paper.figures import FIGURES, write_captions

    together = [name for name in names if FIGURES[name].takes == "clips"]
    single = [FIGURES[name] for name in names if FIGURES[name].takes == "clip"]
    encoded = []
    folders: list[Path] = []
    for clip in open_clips(clips, num_frames):
        name = clip.metadata.name
        folder = out if len(clips) == 1 else out / name
        if folder in folders:
            raise InputError("CLIP", f"two clips are called {name}", "draw them to different folders")
        for file in [f"{recipe.name}.{ending}" for recipe in single for ending in formats]:
            refuse_replacing("--out", folder / file, force, "another folder")
        folders.append(folder)
        encoded.append(encode(clip, encoder(name)))
    for file in [f"{name}.{ending}" for name in together for ending in formats]:
        refuse_replacing("--out", out / file, force, "another folder")
    notes.tell()
    drawn = []
    for own, folder in zip(encoded, folders, strict=True):
        from infomerge.encoders import TokenFile

        make_folder("--out", folder)
        network = encoder(own.name)
        asked = dataclasses.replace(request, clips=[own], encoder=None if isinstance(network, TokenFile) else network)
        for recipe in single:
            drawn += _draw_one(recipe, folder, asked, formats, alone=len(names) == 1)
    make_folder("--out", out)
    for name in together:
        asked = dataclasses.replace(request, clips=encoded)
        drawn += _draw_one(FIGURES[name], out, asked, formats, alone=len(names) == 1)
    with bad_file("--out", out):
        write_captions(drawn, out)
    figures = "1 figure" if len(drawn) == 1 else f"{len(drawn)} figures"
    click.echo(f"Wrote {figures} ({', '.join(formats).upper()}) and captions.md to {out}")


def _draw_one(
    recipe: "FigureRecipe", folder: Path, request: "Request", formats: Sequence[str], *, alone: bool
) -> "list[tuple[FigureRecipe, str]]":
    """Draw a figure and write it; where it is one of many, what this clip does not give is said and left out."""
    from infomerge.extras import MissingExtraError
    from infomerge.paper.recipes import NotInClipError
    from infomerge.plots import save
    from infomerge.plots.style import FormatError, UnknownPanelError

    try:
        with bad_input(UnknownPanelError, panels="--panels"):
            found = recipe.draw(request)
    except (NotInClipError, MissingExtraError) as error:
        if alone:
            with bad_input(NotInClipError):
                raise
        click.echo(f"infomerge: note: no {recipe.name} ({error})", err=True)
        return []
    with bad_file("--out", folder), bad_input(FormatError, formats="--format"):
        save(found.figure, folder / recipe.name, formats)
    return [(recipe, found.findings)]
