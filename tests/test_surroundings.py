"""The command works in odd surroundings, or says in one line why not: other locales, no home, no PATH, python -OO."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.media import X264_CLOSED, write_video

CALL = "import sys; sys.argv[0] = 'infomerge'; from infomerge.cli import main; main()"
ROOT = Path(__file__).parent.parent
# Bytes that are no UTF-8, in a name that a terminal of ASCII is to print.
NAME = b"a folder \xc3\xa9 \xff"


def infomerge(
    *arguments: str | bytes | Path, flags: tuple[str, ...] = (), without: tuple[str, ...] = (), **changes: str
) -> "subprocess.CompletedProcess[bytes]":
    environment = {name: value for name, value in os.environ.items() if name not in without}
    environment |= {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"} | changes
    command = [sys.executable, *flags, "-c", CALL, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A clip and tokens of it, so that no network is loaded."""
    folder = tmp_path_factory.mktemp("a clip é")
    tokens = np.random.default_rng(0).standard_normal((4, 16, 8), dtype=np.float32)
    np.save(folder / "tokens.npy", tokens)
    return write_video(folder / "clip ü.mp4", 12, options=X264_CLOSED), folder / "tokens.npy"


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SURROUNDINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]] = {
    "no home, no PATH, an unknown backend, warnings as errors": (
        ("-W", "error"),
        ("HOME",),
        {"PATH": "", "MPLBACKEND": "nonsense", "TERM": "dumb"},
    ),
    "an ASCII terminal of 20 columns, no docstrings": (("-OO",), (), ASCII | {"COLUMNS": "20", "HOME": "/nowhere/x"}),
}


@pytest.mark.parametrize("case", SURROUNDINGS)
def test_a_run_in_odd_surroundings(case: str, clip: tuple[Path, Path], tmp_path: Path) -> None:
    flags, without, changes = SURROUNDINGS[case]
    out = os.fsencode(tmp_path) + b"/" + NAME
    command = ["run", clip[0], "--encoder", clip[1], "-n", "4", "--out", out]
    done = infomerge(*command, flags=flags, without=without, **changes)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert {b"compression.json", b"contact_sheet.png"} <= {
        os.fsencode(path.name) for path in Path(os.fsdecode(out)).iterdir()
    }


def test_models_are_refused_without_docstrings(clip: tuple[Path, Path], tmp_path: Path) -> None:
    done = infomerge("ask", clip[0], "what?", "-m", tmp_path, flags=("-OO",))
    assert done.returncode == 2
    assert done.stderr.startswith(b"infomerge: python: got -OO")
    assert done.stderr.count(b"\n") == 1


def test_a_closed_output_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", CALL, "methods"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, timeout=300, check=False)
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
