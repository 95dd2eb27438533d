"""Many items measured into one table, on many processes or a cluster, that survives being interrupted.

A study says which items there are and how a group of them is measured; this module runs what is missing and writes it.
The folder then holds `results.csv`, one line for each item, and `config.json`, what they were asked for with. A line is
written whole and synced to the disk as soon as its group of items is done. A run that was killed, by whatever means,
loses only the groups it was at, and the same command goes on from there.
"""

import dataclasses
import json
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import ValidationError

from infomerge.config import explain
from infomerge.extras import needs
from infomerge.files import replaced
from infomerge.measure.sweep_table import TABLE, Lines, RefusedSweepError, Row, Table
from infomerge.video import TruncatedClipWarning

with needs("sweep"):
    from filelock import FileLock, Timeout
    from joblib import Parallel, cpu_count, delayed, parallel_config

    from infomerge.video.progress import progress

Backend = Literal["joblib", "dask"]

CONFIG, LOCK = "config.json", ".lock"
WORKER_PATIENCE_SECONDS = 30


class LostWorkersError(OSError):
    """Workers died or the scheduler cannot be reached; the results that were written are safe."""


@dataclass(frozen=True)
class Outcome:
    """What a worker hands back: the rows of a group, and what there is to be told about its clip."""

    rows: list[Row]
    notes: tuple[str, ...] = ()
    details: list[Row] = field(default_factory=list)
    """Rows of the second table, of the items that did not fail; each has its item's key."""


@runtime_checkable
class Study(Protocol):
    """What is to be measured. It travels to worker processes, so it can be pickled."""

    @property
    def title(self) -> str:
        """What a message calls it, such as "sweep"."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the table. "key", "status" and "config" are among them."""

    @property
    def details(self) -> tuple[str, tuple[str, ...]] | None:
        """File and columns of a second table, "key" among them; None where there is none."""

    @property
    def hash(self) -> str:
        """Stands for the configuration in the table's column "config"."""

    def to_dict(self) -> dict[str, Any]:
        """All that the results depend on, for JSON."""

    def from_earlier(self, content: Mapping[str, Any], folder: Path) -> Any:
        """The study that such a dictionary was made of. Raises ValueError, KeyError or TypeError where it cannot be."""

    def keys(self) -> set[str]:
        """The keys of all items."""

    def groups(self) -> Iterator[Any]:
        """All items, by what they share: dataclasses with a tuple `items`, each with a `key`."""

    def run(self, group: Any) -> Outcome:
        """Measure every item of a group, on one torch thread; what raises becomes a row that says so."""

    def failed(self, group: Any, error: BaseException) -> Outcome:
        """Rows that say that none of the group's items could be measured."""

    def differences(self, earlier: Any) -> list[str]:
        """Names of what differs from an earlier study of the same folder."""


def _measured(group: Any, study: Study) -> Outcome:
    """In a worker."""
    return study.run(group)


def _on_this_machine(groups: list[Any], study: Study, jobs: int) -> Iterator[Outcome]:
    """Groups in processes of their own, in the order in which they finish; with one job, in this process."""
    threads = torch.get_num_threads()
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
            yield from parallel(delayed(_measured)(group, study) for group in groups)
    except BrokenExecutor as error:
        raise LostWorkersError(
            "a worker process died, perhaps for want of memory; what was finished is safe, the same command goes on, "
            "and fewer --jobs need less memory"
        ) from error
    finally:
        torch.set_num_threads(threads)


def _on_cluster(groups: list[Any], study: Study, scheduler: str) -> Iterator[Outcome]:
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
        futures = {client.submit(_measured, group, study, pure=False): group for group in groups}
        for future in as_completed(futures, loop=client.loop):
            group = futures.pop(future)
            try:
                outcome = future.result()
            except KilledWorker as error:
                outcome = study.failed(group, error)
            except CancelledError as error:
                raise LostWorkersError(
                    f"--scheduler: {scheduler} was lost; what was finished is safe, and the same command goes on"
                ) from error
            yield outcome


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    items: int
    run: int
    """Of these, run now; the others had been done before."""
    failed: int
    """Of all items, those whose row says so."""


def complete(
    study: Study,
    out: Path | str,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Summary:
    """Run those items of a study that are not in its folder yet, and write their rows as they are done.

    The numbers in the table depend neither on `jobs` nor on the backend; the order of its lines and the timings do.
    Items that fail have a row with the error, and are left alone in later runs unless `retry_failed`.

    Args:
        study: what to measure.
        out: the folder; that of an earlier run goes on if its items are all among those of this study.
        jobs: processes, each on one core; without a number, as many as there are cores.
        scheduler: the address of a dask.distributed cluster's scheduler, in place of processes.
        retry_failed: run failed items again.

    Raises:
        RefusedSweepError: (a ValueError) the folder holds another study or is at work.
        OSError: the folder cannot be written.
        LostWorkersError: (an OSError) the workers died, or the cluster cannot be reached or was lost; the same call
            goes on.
        MissingExtraError: (an ImportError) a cluster without its package.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            return _run(study, out, jobs or cpu_count(), scheduler, retry_failed)
    except Timeout as error:
        raise RefusedSweepError(
            f"--out: another {study.title} is at work in {out}; wait for it or choose another folder"
        ) from error


def check_workers(jobs: int | None, backend: str, scheduler: str | None) -> None:
    """Refuse numbers of processes and addresses that do not go together.

    Raises:
        RefusedSweepError: (a ValueError) they do not.
    """
    if jobs is not None and jobs < 1:
        raise RefusedSweepError(f"--jobs: {jobs} is too few; give a whole number from 1")
    if jobs is not None and backend == "dask":
        raise RefusedSweepError(
            "--jobs: has no meaning with --backend dask, whose cluster has workers of its own; leave it out"
        )
    if (backend == "dask") != (scheduler is not None):
        problem = "is missing" if scheduler is None else "has no meaning without --backend dask"
        raise RefusedSweepError(f"--scheduler: {problem}; pass --backend dask with --scheduler ADDRESS, or neither")


def _run(study: Study, out: Path, jobs: int, scheduler: str | None, retry_failed: bool) -> Summary:
    keys = study.keys()
    _claim(out, study, keys)
    table = Table(out / TABLE, study.columns)
    if retry_failed and "failed" in table.status.values():
        table.drop_failed()
    details = None if study.details is None else Lines(out / study.details[0], study.details[1])
    if details is not None:
        details.keep_only(table.status.keys())
    before = len(keys & table.status.keys())
    groups = list(_pending(study, table.status))
    outcomes = _on_this_machine(groups, study, jobs) if scheduler is None else _on_cluster(groups, study, scheduler)
    stamp = {"config": study.hash}
    told: set[str] = set()
    with progress(study.title, len(keys), "item", before) as bar:
        for outcome in outcomes if groups else ():
            # First what does not say that an item is done.
            if details is not None:
                details.append(outcome.details)
            table.append([row | stamp for row in outcome.rows])
            bar.update(len(outcome.rows))
            for note in set(outcome.notes) - told:
                warnings.warn(note, TruncatedClipWarning, stacklevel=2)
                told.add(note)
    failed = sum(table.status[key] == "failed" for key in keys)
    return Summary(len(keys), len(keys) - before, failed)


def _pending(study: Study, done: Mapping[str, str]) -> Iterator[Any]:
    for group in study.groups():
        if items := tuple(item for item in group.items if item.key not in done):
            yield dataclasses.replace(group, items=items)


def _claim(out: Path, study: Study, keys: set[str]) -> None:
    """Write down what the folder is for; refuse one that is for something else.

    A study may go on in the folder of one whose items it has too, each under the same key.
    """
    path, content = out / CONFIG, study.to_dict()
    if not path.exists() and (out / TABLE).exists():
        raise RefusedSweepError(f"--out: {out} has {TABLE} without {CONFIG}; choose another folder")
    if path.exists():
        earlier = _earlier(path, study)
        if earlier.to_dict() == content:
            return
        lost = len(earlier.keys() - keys)
        if lost:
            changed = study.differences(earlier) or ["a clip's file"]
            raise RefusedSweepError(
                f"--out: {out} holds another {study.title}, {lost} of whose items this one has not (it differs in "
                f"{', '.join(changed)}); choose another folder, or only add methods, ratios, clips, disturbances, "
                f"strengths or seeds to that {study.title}"
            )
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(content | {"hash": study.hash}, indent=1) + "\n", encoding="utf-8")


def _earlier(path: Path, study: Study) -> Any:
    try:
        return study.from_earlier(json.loads(path.read_bytes()), path.parent)
    except (ValueError, KeyError, TypeError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else error
        raise RefusedSweepError(
            f"--out: this version cannot go on from {path} ({reason}); choose another folder"
        ) from error
