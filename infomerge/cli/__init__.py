"""The `infomerge` command. Each file of `infomerge/cli/commands` is one command, by its own name.

A new command is a new file there, which calls what it makes `command`. These files are all read before any command
runs, for the list that `infomerge --help` prints, so that they import what is slow to import (torch, numpy, plots,
models) inside the function that needs it.
"""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from pkgutil import iter_modules

import click

from infomerge.cli import commands
from infomerge.cli.errors import Notes, one_line
from infomerge.extras import MissingExtraError

group = click.Group(
    help="See, measure and teach how video tokens are compressed before a language model reads them.",
    commands={
        file.name: import_module(f"{commands.__name__}.{file.name}").command for file in iter_modules(commands.__path__)
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
group = click.version_option(package_name="infomerge")(group)


def end_in_order() -> None:
    """Have SIGTERM end the program as an exception does, so that temporary files are taken away; exit code 143."""

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    # In another thread, or where someone else has asked for the signal, it is not ours.
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)


@contextmanager
def drawing_to_files() -> Iterator[None]:
    """Have matplotlib, which is imported later, open no window, whatever MPLBACKEND names; only files are drawn."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    finally:
        os.environ.pop("MPLBACKEND")
        if before is not None:
            os.environ["MPLBACKEND"] = before


def print_any_name() -> None:
    """Have names of files that the terminal's encoding has no letters for printed with question marks."""
    # A program that starts others may have closed it.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def main(arguments: list[str] | None = None) -> None:
    """Run the command. What its user got wrong ends it with exit code 2 and one line on standard error."""
    end_in_order()
    print_any_name()
    notes = Notes()
    with warnings.catch_warnings(), drawing_to_files():
        warnings.showwarning = notes.add
        # Old spellings that a user has typed; Python shows these warnings to programmers only.
        warnings.filterwarnings("default", ".* is deprecated and goes with the next release", DeprecationWarning)
        try:
            group.main(arguments, prog_name="infomerge", standalone_mode=False, obj=notes)
        except click.Abort:
            sys.exit(130)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(2)
        except (click.ClickException, MissingExtraError) as error:
            notes.drop()
            click.echo(f"infomerge: {one_line(error)}", err=True)
            sys.exit(2)
        finally:
            notes.tell()
