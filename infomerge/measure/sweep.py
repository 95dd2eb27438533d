"""Every method on every disturbed clip, measured into one table that survives being interrupted.

    infomerge sweep sweep.yaml --out results

The folder then holds `results.csv`, one line for each item, `segments.csv`, one for each of its segments, and
`config.json`, what they were asked for with. A line is written whole and synced to the disk as soon as its group of
items is done. A run that was killed, by whatever means, loses only the groups it was at, and the same command goes on
from there.
"""

import dataclasses
import json
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import ValidationError

from infomerge.config import explain
from infomerge.extras import needs
from infomerge.files import replaced
from infomerge.measure.sweep_clips import clip_kind
from infomerge.measure.sweep_config import SCHEMA, Group, Sweep, SweepConfig, read_sweep
from infomerge.measure.sweep_items import MEASURES, Outcome, failed_rows, run_group
from infomerge.measure.sweep_table import (
    IDENTITY,
    OUTCOME,
    SEGMENT_COLUMNS,
    SEGMENTS,
    TABLE,
    TIMINGS,
    Lines,
    RefusedSweepError,
    Table,
    read_results,
    read_segments,
)
from infomerge.video import TruncatedClipWarning

with needs("sweep"):
    from filelock import FileLock, Timeout
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from tqdm import tqdm

__all__ = [
    "MEASURES",
    "SEGMENTS",
    "TABLE",
    "TIMINGS",
    "LostWorkersError",
    "RefusedSweepError",
    "Summary",
    "Sweep",
    "SweepConfig",
    "read_results",
    "read_segments",
    "read_sweep",
    "run_sweep",
]

Backend = Literal["joblib", "dask"]

CONFIG, LOCK = "config.json", ".lock"
WORKER_PATIENCE_SECONDS = 30


class LostWorkersError(OSError):
    """Workers died or the scheduler cannot be reached; the results that were written are safe."""


def _on_this_machine(groups: list[Group], sweep: Sweep, jobs: int) -> Iterator[Outcome]:
    """Groups in processes of their own, in the order in which they finish; with one job, in this process."""
    threads = torch.get_num_threads()
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
            yield from parallel(delayed(run_group)(group, sweep) for group in groups)
    except BrokenExecutor as error:
        raise LostWorkersError(
            "a worker process died, perhaps for want of memory; what was finished is safe, the same command goes on, "
            "and fewer --jobs need less memory"
        ) from error
    finally:
        torch.set_num_threads(threads)


def _on_cluster(groups: list[Group], sweep: Sweep, scheduler: str) -> Iterator[Outcome]:
    """Groups on a dask.distributed cluster, which runs those of a lost worker again on another."""
    with needs("cluster"):
        from distributed import Client, KilledWorker, as_completed
    try:
        connection = Client(scheduler, set_as_default=False)
    except (OSError, ValueError) as error:
        raise LostWorkersError(
            f"--scheduler: {scheduler} cannot be reached ({error}); give the address of a dask.distributed scheduler"
        ) from error
    with connection as client:
        try:
            client.wait_for_workers(1, timeout=WORKER_PATIENCE_SECONDS)
        except TimeoutError as error:
            raise LostWorkersError(f"--scheduler: {scheduler} has no worker; start one or more") from error
        futures = {client.submit(run_group, group, sweep, pure=False): group for group in groups}
        for future in as_completed(futures, loop=client.loop):
            group = futures.pop(future)
            try:
                outcome = future.result()
            except KilledWorker as error:
                outcome = Outcome(failed_rows(group, error))
            except CancelledError as error:
                raise LostWorkersError(
                    f"--scheduler: {scheduler} was lost; what was finished is safe, and the same command goes on"
                ) from error
            yield outcome


@dataclass(frozen=True)
class Summary:
    """How a sweep ended."""

    items: int
    run: int
    """Of these, run now; the others had been done before."""
    failed: int
    """Of all items, those whose row says so."""


def run_sweep(
    sweep: Sweep,
    out: Path | str,
    *,
    jobs: int | None = None,
    backend: Backend = "joblib",
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Summary:
    """Run those items of a sweep that are not in its folder yet, and write their rows as they are done.

    The numbers in the table depend neither on `jobs` nor on the backend; the order of its lines and the timings do.
    Items that fail have a row with the error, and are left alone in later runs unless `retry_failed`.

    Args:
        sweep: from `read_sweep`.
        out: the folder; that of an earlier run goes on if its items are all among those of this sweep.
        jobs: processes, each on one core, with the backend "joblib"; without a number, as many as there are cores.
        backend: "joblib" on this machine, "dask" on a cluster.
        scheduler: the address of the cluster's scheduler.
        retry_failed: run failed items again.

    Raises:
        RefusedSweepError: (a ValueError) an argument is wrong, or the folder holds another sweep or is at work.
        OSError: the folder cannot be written.
        LostWorkersError: (an OSError) the workers died, or the cluster cannot be reached or was lost; the same call
            goes on.
        MissingExtraError: (an ImportError) the backend "dask" without its package.
    """
    _check_arguments(sweep, jobs, backend, scheduler)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            return _run(sweep, out, jobs or cpu_count(), scheduler, retry_failed)
    except Timeout as error:
        raise RefusedSweepError(
            f"--out: another sweep is at work in {out}; wait for it or choose another folder"
        ) from error


def _check_arguments(sweep: Sweep, jobs: int | None, backend: str, scheduler: str | None) -> None:
    kinds = {clip_kind(name) for name in sweep.config.clip_names()}
    for name in sweep.config.measures:
        if name not in MEASURES:
            raise RefusedSweepError(f"measures: got {name!r}; expected {', '.join(MEASURES)}")
        if not any(MEASURES[name].applies(kind, sweep.config.has_head) for kind in kinds):
            raise RefusedSweepError(f"measures: {name} needs {MEASURES[name].needs}, which none of the clips has")
    if jobs is not None and jobs < 1:
        raise RefusedSweepError(f"--jobs: {jobs} is too few; give a whole number from 1")
    if jobs is not None and backend == "dask":
        raise RefusedSweepError(
            "--jobs: has no meaning with --backend dask, whose cluster has workers of its own; leave it out"
        )
    if (backend == "dask") != (scheduler is not None):
        problem = "is missing" if scheduler is None else "has no meaning without --backend dask"
        raise RefusedSweepError(f"--scheduler: {problem}; pass --backend dask with --scheduler ADDRESS, or neither")


def _run(sweep: Sweep, out: Path, jobs: int, scheduler: str | None, retry_failed: bool) -> Summary:
    keys = sweep.keys()
    _claim(out, sweep, keys)
    chosen = [measure for name, measure in MEASURES.items() if name in sweep.config.measures]
    measured = (column for measure in chosen for column in measure.columns)
    table = Table(out / TABLE, (*IDENTITY, *OUTCOME, *measured, "config", *TIMINGS))
    if retry_failed and "failed" in table.status.values():
        table.drop_failed()
    segments = Lines(out / SEGMENTS, SEGMENT_COLUMNS)
    segments.keep_only(table.status.keys())
    before = len(keys & table.status.keys())
    groups = list(_pending(sweep, table.status))
    outcomes = _on_this_machine(groups, sweep, jobs) if scheduler is None else _on_cluster(groups, sweep, scheduler)
    stamp = {"config": sweep.hash}
    told: set[str] = set()
    with tqdm(total=len(keys), initial=before, desc="sweep", unit="item", delay=1, leave=False) as bar:
        for outcome in outcomes if groups else ():
            # First what does not say that an item is done.
            segments.append(outcome.segments)
            table.append([row | stamp for row in outcome.rows])
            bar.update(len(outcome.rows))
            for note in set(outcome.notes) - told:
                warnings.warn(note, TruncatedClipWarning, stacklevel=2)
                told.add(note)
    failed = sum(table.status[key] == "failed" for key in keys)
    return Summary(len(keys), len(keys) - before, failed)


def _pending(sweep: Sweep, done: Mapping[str, str]) -> Iterator[Group]:
    for group in sweep.groups():
        if items := tuple(item for item in group.items if item.key not in done):
            yield dataclasses.replace(group, items=items)


def _claim(out: Path, sweep: Sweep, keys: set[str]) -> None:
    """Write down what the folder is for; refuse one that is for something else.

    A sweep may go on in the folder of one whose items it has too, each under the same key.
    """
    path, content = out / CONFIG, sweep.to_dict()
    if not path.exists() and (out / TABLE).exists():
        raise RefusedSweepError(f"--out: {out} has {TABLE} without {CONFIG}; choose another folder")
    if path.exists():
        earlier = _earlier(path)
        if earlier.to_dict() == content:
            return
        lost = len(earlier.keys() - keys)
        if lost:
            before, now = earlier.config.model_dump(), sweep.config.model_dump()
            changed = [name for name in now if now[name] != before[name]] or ["a clip's file"]
            raise RefusedSweepError(
                f"--out: {out} holds another sweep, {lost} of whose items this one has not (it differs in "
                f"{', '.join(changed)}); choose another folder, or only add methods, ratios, clips, disturbances, "
                "strengths or seeds to that sweep"
            )
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(content | {"hash": sweep.hash}, indent=1) + "\n", encoding="utf-8")


def _earlier(path: Path) -> Sweep:
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {content['schema']}")
        return Sweep(SweepConfig.model_validate(content["config"]), content["digests"], path.parent)
    except (ValueError, KeyError, TypeError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else error
        raise RefusedSweepError(
            f"--out: this version cannot go on from {path} ({reason}); choose another folder"
        ) from error
