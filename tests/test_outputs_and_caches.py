"""Where things are written: odd names, folders of nobody, damaged tables and caches, programs that are ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infomerge.measure.sweep_table import RefusedSweepError, Table
from infomerge.video import samples
from infomerge.widgets import asks
from infomerge.widgets.asks import plain_name
from infomerge.widgets.exports import export
from tests.commands import refusal
from tests.explorer import explorer

COLUMNS = ("key", "status", "config", "value")


def test_a_name_too_long_for_the_file_system_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = refusal(capfd, "run", "tour", "-n", "2", "--out", tmp_path / ("x" * 300))
    assert line.startswith("--out: ")
    assert "too long" in line


def test_an_empty_folder_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["figures"], ["run", "tour"]):
        assert "--out: " in refusal(capfd, *command, "--out", "")
    assert not list(tmp_path.iterdir())


def test_a_home_that_nobody_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"folder: got '~nobody-of-this-name/x'.*; expected"):
        export("~nobody-of-this-name/x", explorer(), "config")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a,ok,c,1\n", "twice"),
        ("b,finished,c,1\n", "status 'finished'"),
        (",ok,c,1\n", "no key"),
    ],
)
def test_a_damaged_table_is_noticed(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(",".join(COLUMNS) + "\na,ok,c,1\n" + line)
    with pytest.raises(RefusedSweepError, match=problem):
        Table(path, COLUMNS)


def test_a_damaged_sample_in_the_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOMERGE_CACHE", str(tmp_path))
    whole = samples.sample_clip("tour", 2).frames
    (path,) = tmp_path.glob("tour-*.mp4")
    path.write_bytes(b"garbage")
    with pytest.warns(UserWarning, match="made again"):
        assert (samples.sample_clip("tour", 2).frames == whole).all()
    assert path.stat().st_mode & 0o044 == 0o044


def test_a_program_that_is_ended_leaves_no_temporary_file(tmp_path: Path) -> None:
    program = (
        "import sys, time; from infomerge.cli import end_in_order; from infomerge.files import replaced\n"
        "end_in_order()\n"
        "with replaced(sys.argv[1]) as path:\n  print('there', flush=True)\n  time.sleep(60)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a.txt")], stdout=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stdout.readline() == b"there\n"
    run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("..", "upload"),
        ("", "upload"),
        ("../etc/a.mp4", "a.mp4"),
        ("c:\\\\films\\\\a.mp4", "a.mp4"),
        ("a.mp4", "a.mp4"),
    ],
)
def test_an_uploaded_name_stands_for_a_file(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_long_uploaded_name_keeps_its_ending() -> None:
    assert plain_name("\u00fc" * 300 + ".mp4") == "\u00fc" * 40 + ".mp4"


def test_what_is_sent_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asks, "MOST_BYTES", 3)
    with pytest.raises(ValueError, match=r"Upload: got a\.mp4, of 0\.0 MB"):
        asks._upload(explorer(), {"name": "a.mp4"}, [memoryview(b"1234")])
