"""What becomes of errors and warnings: one line for what a user got wrong, a traceback for what we did.

Which of the two it is follows from the place, not from the class: a ValueError comes from a bad argument and from a
mistake in our code alike. So a block of `bad_input` or `bad_file` stands around each call that reads, checks or writes
what the user named, and takes only the errors that this call documents for it. Nothing else stands in these blocks:
not what computes, not what draws.
"""

import errno
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

# What runs a model.
_LIBRARIES = ("transformers", "torch.nn")


class Notes:
    """Warnings, as one line each, that wait until what the user gave has been read: an error there stands alone."""

    def __init__(self) -> None:
        self._waiting: list[str] | None = []

    def add(self, message: Warning | str, *_: object, **__: object) -> None:
        """Take the place of `warnings.showwarning`."""
        line = f"infomerge: note: {_single_spaced(str(message))}"
        if self._waiting is None:
            click.echo(line, err=True)
        else:
            self._waiting.append(line)

    def tell(self) -> None:
        """Print what waits; from now on, notes are printed as they come."""
        for line in self._waiting or ():
            click.echo(line, err=True)
        self._waiting = None

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting = []


pass_notes = click.make_pass_decorator(Notes)
"""Hands a command the notes, as its first argument: one that takes long calls `notes.tell()` when it has its input."""


class InputError(click.ClickException):
    """What the user got wrong, in one line.

    Args:
        argument: as the user knows it, such as `--out`.
        problem: what was found.
        remedy: what to do about it.
    """

    exit_code = 2

    def __init__(self, argument: str, problem: str, remedy: str = "") -> None:
        super().__init__(f"{argument}: {problem}{'; ' if remedy else ''}{remedy}")


def one_line(error: Exception) -> str:
    """An error as it is printed: the argument that it is about, what is wrong, and what to do."""
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if type(error) is click.BadParameter and error.param is not None:
        text = f"{max(error.param.opts, key=len)}: {error.message}"
    return _single_spaced(text)


@contextmanager
def bad_input(*errors: type[Exception], **arguments: str) -> Iterator[None]:
    """Errors of these classes are the user's, who reads them in one line.

    Args:
        errors: what the call in the block raises, as its documentation says, when it is given something wrong.
        arguments: what the call's own arguments are called on the command line, such as `name_or_path="--model"`.
    """
    try:
        yield
    except errors as error:
        argument, colon, rest = _message(error).partition(": ")
        raise click.ClickException(f"{arguments.get(argument, argument)}{colon}{rest}") from error


@contextmanager
def bad_model(option: str, name: str) -> Iterator[None]:
    """Whatever a model raises when it is run is its files' fault: they say which layers, ids and sizes there are.

    It loads, and fails only here: with an index that it has not, a size of 0, or features that are NaN.
    """
    try:
        yield
    except (click.ClickException, ImportError):
        raise
    except Exception as error:
        passed = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
        # What neither the model's own library nor the check of its features has raised is a mistake of ours.
        if passed[-1] != "infomerge.inputs" and not any(name.startswith(_LIBRARIES) for name in passed):
            raise
        raise InputError(
            option,
            f"got {name!r}, which loads but fails when it is run ({type(error).__name__}: {_message(error)[:300]})",
            "expected a model whose settings fit its weights",
        ) from error


@contextmanager
def bad_file(argument: str, path: Path) -> Iterator[None]:
    """Errors of the file system are the user's if they are about this file, or this folder and what is in it.

    Others, such as a file of the package that is missing, are ours.
    """
    try:
        yield
    except OSError as error:
        # Where a temporary file cannot take a file's place, the second name is the file's.
        place = error.filename2 or error.filename
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full and not (isinstance(place, str | os.PathLike) and _within(Path(place), path)):
            raise
        raise InputError(
            argument, f"{place or path} cannot be written ({error.strerror})", "choose another place or make room there"
        ) from error


def _within(path: Path, folder: Path) -> bool:
    """Whether a path is that of a folder, in it or above it."""
    path, folder = path.absolute(), folder.absolute()
    return path.is_relative_to(folder) or folder.is_relative_to(path)


def _message(error: Exception) -> str:
    if type(error).__module__.startswith("pydantic"):
        from pydantic import ValidationError

        from infomerge.config import explain

        if isinstance(error, ValidationError):
            return explain(error)
    return str(error)


def _single_spaced(text: str) -> str:
    return " ".join(text.split())
