"""Sweeps that are interrupted or run again: nothing is lost, nothing is repeated, no other sweep's folder is used."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from infomerge.measure import resumable
from infomerge.measure import sweep as sweeping
from infomerge.measure.sweep import LostWorkersError, Summary, read_results, read_sweep, run_sweep
from tests.commands import refusal
from tests.sweeps import COMMAND, TINY_ITEMS, run_apart, sorted_table, write_config


def test_a_killed_run_goes_on_without_loss_or_repetition(tmp_path: Path) -> None:
    config = write_config(
        tmp_path, methods=["infomerge", "fastvid", "tome"], num_frames=32, clips=["tokens:0-29"], seeds=[0]
    )
    command = [COMMAND, "sweep", config, "--out"]
    table, total = tmp_path / "out" / "results.csv", 3 * 2 * 30
    # A group of its own, so that the workers die with it.
    run = subprocess.Popen(
        [*command, tmp_path / "out", "--jobs", "2"], start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and (not table.exists() or table.read_bytes().count(b"\n") < 12):
            time.sleep(0.01)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    left = table.read_bytes()
    whole = left[: left.rfind(b"\n") + 1]
    before = whole.count(b"\n") - 1
    assert 0 < before < total

    # As a kill within a write leaves it, in the middle of a number.
    table.write_bytes(whole + whole.splitlines()[-1][:-9])
    assert len(read_results(tmp_path / "out")) == before
    done = subprocess.run([*command, tmp_path / "out", "--jobs", "1"], capture_output=True, text=True, check=True)
    assert f"{total} items, {total - before} of them run now" in done.stdout
    assert table.read_bytes().startswith(whole)
    assert len({row["key"] for row in read_results(tmp_path / "out")}) == len(read_results(tmp_path / "out")) == total

    assert sorted_table(tmp_path / "out") == sorted_table(run_apart(config, tmp_path / "unbroken"))


def test_a_finished_run_does_nothing_when_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = read_sweep(write_config(tmp_path))
    run_sweep(sweep, tmp_path / "out", jobs=1)
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "out").glob("*.*")}
    monkeypatch.setattr(sweeping, "run_group", lambda *_: pytest.fail("was run again"))
    assert run_sweep(sweep, tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, 0, 0)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == files


def test_a_sweep_that_only_adds_items_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    small = read_sweep(write_config(tmp_path))
    run_sweep(small, tmp_path / "out", jobs=1)
    large = read_sweep(write_config(tmp_path, clips=["tokens:7", "tokens:0-3"], ratios=[0.5, 0.1, 0.25]))
    assert run_sweep(large, tmp_path / "out", jobs=1) == Summary(120, 120 - TINY_ITEMS, 0)
    hashes = [row["config"] for row in read_results(tmp_path / "out")]
    assert set(hashes[:TINY_ITEMS]) == {small.hash}
    assert set(hashes[TINY_ITEMS:]) == {large.hash} != {small.hash}
    with pytest.raises(ValueError, match=r"56 of whose items this one has not \(it differs in ratios, clips\)"):
        run_sweep(small, tmp_path / "out", jobs=1)


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "a ratio less": ({"ratios": [0.1]}, "ratios"),
    "another length": ({"num_frames": 7}, "num_frames"),
    "another measure": ({"measures": ["kept"]}, "measures"),
    "other options": ({"methods": ["infomerge", "random"]}, "methods"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_folder_of_another_sweep_is_refused(case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run_sweep(read_sweep(write_config(tmp_path)), out, jobs=1)
    before = {path: path.read_bytes() for path in out.glob("*.*")}
    changes, named = OTHERS[case]
    line = refusal(capfd, "sweep", write_config(tmp_path, **changes), "--out", out)
    assert f"it differs in {named})" in line
    assert "choose another folder, or only add methods" in line
    assert {path: path.read_bytes() for path in out.glob("*.*")} == before


def test_a_folder_without_the_sweep_s_own_files_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config, out = write_config(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "results.csv").write_text("mine\n")
    assert "without config.json" in refusal(capfd, "sweep", config, "--out", out)
    (out / "config.json").write_text('{"schema": 0}')
    assert "it is of schema 0" in refusal(capfd, "sweep", config, "--out", out)
    assert (out / "results.csv").read_text() == "mine\n"
    shutil.rmtree(out)
    run_sweep(read_sweep(config), out, jobs=1)
    damaged = (out / "results.csv").read_bytes().replace(b",ok,", b",ok", 1)
    (out / "results.csv").write_bytes(damaged)
    assert "cells in line 2" in refusal(capfd, "sweep", config, "--out", out)
    assert (out / "results.csv").read_bytes() == damaged


def test_two_runs_in_one_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = read_sweep(write_config(tmp_path, clips=["tokens:0"]))
    run_group = sweeping.run_group

    def intrude(*arguments: Any) -> Any:
        with pytest.raises(ValueError, match="another sweep is at work"):
            run_sweep(sweep, tmp_path / "out", jobs=1)
        return run_group(*arguments)

    monkeypatch.setattr(sweeping, "run_group", intrude)
    assert run_sweep(sweep, tmp_path / "out", jobs=1).failed == 0


def test_a_worker_that_dies_ends_the_run_in_one_error_and_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(resumable, "_measured", _die)
        with pytest.raises(LostWorkersError, match="a worker process died"):
            run_sweep(read_sweep(config), tmp_path / "out", jobs=2)
    assert run_sweep(read_sweep(config), tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, TINY_ITEMS, 0)


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
