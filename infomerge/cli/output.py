"""What commands write: where to, what must not be replaced unasked, and how."""

import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from infomerge.cli.errors import InputError, bad_file

Command = Callable[..., None]


class _Folder(click.Path):
    """A folder with a name; an empty one would be the current folder, which nobody named."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty name and one that the file system cannot take."""
        if value == "":
            self.fail("the name is empty; give a folder, or . for this one", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except OSError as error:
            self.fail(f"{os.fspath(value)[:80]!r} cannot be a folder ({error.strerror})", param, ctx)


FOLDER = _Folder(path_type=Path, file_okay=False)
"""The kind of option that names a folder to write to."""


def output_folder(*files: str) -> Callable[[Command], Command]:
    """Add `--out` and `--force`, and hand the command `out`, a folder that is there and may be written to.

    Args:
        files: what the command writes there; one that is there already is refused without `--force`.
    """

    def add(command: Command) -> Command:
        @click.option(
            "--out",
            "-o",
            type=FOLDER,
            required=True,
            help="Folder to write to.",
        )
        @click.option("--force", is_flag=True, help="Replace files of an earlier run.")
        @functools.wraps(command)
        def checked(*args: Any, out: Path, force: bool, **others: Any) -> None:
            for file in files:
                refuse_replacing("--out", out / file, force, "another folder")
            command(*args, out=out, **others)

        return checked

    return add


def output_file(option: str, **settings: Any) -> Callable[[Command], Command]:
    """Add an option that names a file to write, and `--force`; hand the command its path, or None.

    Args:
        option: such as `--json`; the command's argument is `json_file`.
        settings: of the option, as click takes them.
    """
    name = f"{option.lstrip('-')}_file"

    def add(command: Command) -> Command:
        @click.option(option, name, type=click.Path(path_type=Path, dir_okay=False), **settings)
        @click.option("--force", is_flag=True, help=f"Replace the file of {option}.")
        @functools.wraps(command)
        def checked(*args: Any, force: bool, **others: Any) -> None:
            if others[name] is not None:
                refuse_replacing(option, others[name], force, "another file")
            command(*args, **others)

        return checked

    return add


def make_folder(option: str, folder: Path) -> None:
    """Make a folder that an option names, or that the file which it names lies in, where there is none."""
    with bad_file(option, folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, entry: Mapping[str, Any]) -> None:
    """Write plain numbers and text as JSON, whole or not at all; NaN and infinity, which JSON has not, are an error."""
    from infomerge.files import replaced

    with replaced(path) as temporary:
        temporary.write_text(json.dumps(entry, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def refuse_replacing(option: str, file: Path, force: bool, other: str) -> None:
    """Refuse to replace a file that is there, unless it was asked for."""
    with bad_file(option, file.parent):
        try:
            there = file.exists()
        except OSError as error:
            raise InputError(
                option, f"{file.parent} cannot be looked at ({error.strerror})", "choose another"
            ) from error
    if there and not force:
        raise InputError(option, f"{file} already exists", f"choose {other} or pass --force")
