"""`python -m infomerge.course`: what is made of the course's sources."""

from pathlib import Path

import click

from infomerge.course.building import write_units
from infomerge.resources import folder


@click.group()
def main() -> None:
    """Make what the course consists of from its sources."""


@main.command()
@click.argument("course", required=False, type=click.Path(path_type=Path, file_okay=False))
def build(course: Path | None) -> None:
    """Write a course's notebooks, for students and with solutions, from its source/*.py.

    COURSE is its folder; without one, that of the checkout.
    """
    for path in write_units(course or folder("notebooks") / "course"):
        click.echo(f"Wrote {path.parent.name}/{path.name}")


@main.command()
@click.option("--source", type=click.Path(path_type=Path, dir_okay=False), help="Markdown; the course's without it.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default="build/slides.html", show_default=True)
def slides(source: Path | None, out: Path) -> None:
    """Write the deck as one HTML file that opens offline."""
    from infomerge.course.slides import write_deck

    number = write_deck(source or folder("notebooks") / "course" / "slides.md", out)
    click.echo(f"Wrote {number} slides to {out}")


if __name__ == "__main__":
    main()
