"""`infomerge notebooks`: the notebooks and the course, written out."""

from pathlib import Path

import click

from infomerge.cli.errors import InputError, bad_file


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace notebooks that are there.")
def command(folder: Path, force: bool) -> None:
    """Write the notebooks to DIR, and the course to DIR/course."""
    from infomerge.paper.notebooks import write_notebooks

    with bad_file("DIR", folder):
        try:
            written = write_notebooks(folder, force=force)
        except FileExistsError as error:
            if error.filename is not None:  # a file in the place of a folder
                raise
            problem = f"{folder} already has notebooks of the same names"
            raise InputError("DIR", problem, "choose another folder or pass --force") from error
    number = sum(path.suffix == ".ipynb" for path in written)
    click.echo(f"Wrote {number} notebooks to {folder}; open them with: jupyter lab {folder}")
