"""`infomerge notebooks`: the course, written out."""

from pathlib import Path

import click

from infomerge.cli.errors import bad_file, bad_input


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace notebooks that are there.")
def command(folder: Path, force: bool) -> None:
    """Write the notebooks of the course to the folder DIR."""
    from infomerge.paper.notebooks import write_notebooks

    with bad_file("DIR", folder), bad_input(FileExistsError):
        written = write_notebooks(folder, force=force)
    click.echo(f"Wrote {len(written)} files to {folder}; open them with: jupyter lab {folder}")
