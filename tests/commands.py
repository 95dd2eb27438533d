"""The `infomerge` command, called from tests."""

from pathlib import Path

import pytest

from infomerge.cli import main


def exit_code(*arguments: str | Path) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def refusal(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that the command refuses these arguments with."""
    capfd.readouterr()
    assert exit_code(*arguments) == 2
    printed, complaint = capfd.readouterr()
    assert printed == ""
    (line,) = complaint.splitlines()
    assert line.startswith("infomerge: ")
    return line.removeprefix("infomerge: ")
