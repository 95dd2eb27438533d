"""Sweeps on a real cluster of worker processes, which lose one half-way."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from infomerge.measure.sweep import Summary, read_results, read_sweep, run_sweep
from tests.commands import exit_code, refusal
from tests.sweeps import TINY, run_apart, sorted_table, write_config


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


def kill_a_busy_worker(cluster: LocalCluster, table: Path, killed: list[int], connected: threading.Event) -> None:
    """Once some rows are written, end a worker process that is at work, the hard way."""
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        connected.set()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.002)
            if not table.exists() or table.read_bytes().count(b"\n") < 12:
                continue
            busy = [address for address, tasks in client.processing().items() if tasks]
            for nanny in cluster.workers.values():
                if nanny.worker_address in busy and nanny.pid is not None:
                    killed.append(nanny.pid)
                    os.kill(nanny.pid, signal.SIGKILL)
                    killed.append(table.read_bytes().count(b"\n"))
                    return


def test_a_cluster_that_loses_a_worker_loses_no_item_and_repeats_none(
    cluster: LocalCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = write_config(
        tmp_path, methods=["infomerge", "fastvid", "tome"], num_frames=64, clips=["tokens:0-39"], seeds=[0]
    )
    total = 3 * 2 * 40
    killed: list[int] = []
    connected = threading.Event()
    watched = (cluster, tmp_path / "out" / "results.csv", killed, connected)
    killer = threading.Thread(target=kill_a_busy_worker, args=watched)
    killer.start()
    assert connected.wait(60)
    address = ("--backend", "dask", "--scheduler", cluster.scheduler_address)
    assert exit_code("sweep", config, "--out", tmp_path / "out", *address) == 0
    killer.join()
    pid, lines = killed
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert lines - 1 < total
    assert f"{total:,} items, {total:,} of them run now" in capfd.readouterr().out
    rows = read_results(tmp_path / "out")
    assert len({row["key"] for row in rows}) == len(rows) == total
    assert sorted_table(tmp_path / "out") == sorted_table(run_apart(config, tmp_path / "here"))


def test_a_sweep_may_go_on_on_a_cluster_and_failures_come_back(cluster: LocalCluster, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("this is no film\n" * 50)
    run_sweep(read_sweep(write_config(tmp_path, measures=["kept"])), tmp_path / "out", jobs=1)
    both = read_sweep(write_config(tmp_path, measures=["kept"], clips=[*TINY["clips"], "notes.mp4"]))
    there = cluster.scheduler_address
    assert run_sweep(both, tmp_path / "out", backend="dask", scheduler=there) == Summary(80, 16, 16)
    failed = [row for row in read_results(tmp_path / "out") if row["status"] == "failed"]
    assert {row["clip"] for row in failed} == {"notes.mp4"}
    assert all(row["error"].startswith("UnreadableClipError: ") for row in failed)


def test_no_cluster_and_no_package_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("sweep", write_config(tmp_path), "--out", tmp_path / "out", "--backend", "dask", "--scheduler")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "distributed", None)
        assert 'pip install "infomerge[cluster]"' in refusal(capfd, *arguments, "tcp://127.0.0.1:9")
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert "127.0.0.1:9" in refusal(capfd, *arguments, "tcp://127.0.0.1:9")
