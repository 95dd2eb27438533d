"""`infomerge figures`: the project's own figures."""

from pathlib import Path

import click

from infomerge.cli.errors import InputError, bad_file
from infomerge.cli.output import make_folder


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), default=Path("figures"), show_default=True
)
@click.option("--list", "show_list", is_flag=True, help="List the figures and draw none.")
def command(names: tuple[str, ...], out: Path, show_list: bool) -> None:
    """Write the project's figures as PDF and PNG.

    All of them, or those NAMEd. Files of the same names are replaced.
    """
    from infomerge.paper.figures import FIGURES, write_figures

    if show_list:
        for recipe in FIGURES.values():
            click.echo(f"{recipe.name}: {recipe.caption}")
        return
    for name in names:
        if name not in FIGURES:
            raise InputError("NAME", f"no figure {name!r}", f"choose from {', '.join(FIGURES)}")
    make_folder("--out", out)
    with bad_file("--out", out):
        timed = write_figures(names or FIGURES, out)
    for recipe, seconds in timed:
        click.echo(f"{recipe.name}: {seconds:.1f} s")
