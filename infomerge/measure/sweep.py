"""Every method on every disturbed clip, measured into one table that survives being interrupted.

    infomerge sweep sweep.yaml --out results

`infomerge.measure.resumable` runs what is missing and says what the folder then holds.
Beside `results.csv` stands `segments.csv`, a line for each segment of each item.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infomerge.measure.resumable import Backend, LostWorkersError, Outcome, Summary, check_workers, complete
from infomerge.measure.sweep_clips import clip_kind
from infomerge.measure.sweep_config import SCHEMA, Group, Sweep, SweepConfig, read_sweep
from infomerge.measure.sweep_items import MEASURES, failed_rows, run_group
from infomerge.measure.sweep_table import (
    IDENTITY,
    OUTCOME,
    SEGMENT_COLUMNS,
    SEGMENTS,
    TABLE,
    TIMINGS,
    RefusedSweepError,
    read_results,
    read_segments,
)

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


@dataclass(frozen=True)
class _SweepStudy:
    """A sweep as `resumable` runs it."""

    sweep: Sweep
    title = "sweep"
    details = (SEGMENTS, SEGMENT_COLUMNS)

    @property
    def columns(self) -> tuple[str, ...]:
        chosen = [measure for name, measure in MEASURES.items() if name in self.sweep.config.measures]
        measured = (column for measure in chosen for column in measure.columns)
        return (*IDENTITY, *OUTCOME, *measured, "config", *TIMINGS)

    @property
    def hash(self) -> str:
        return self.sweep.hash

    def to_dict(self) -> dict[str, Any]:
        return self.sweep.to_dict()

    def from_earlier(self, content: Mapping[str, Any], folder: Path) -> "_SweepStudy":
        if content["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {content['schema']}")
        return _SweepStudy(Sweep(SweepConfig.model_validate(content["config"]), content["digests"], folder))

    def keys(self) -> set[str]:
        return self.sweep.keys()

    def groups(self) -> Iterator[Group]:
        return self.sweep.groups()

    def run(self, group: Group) -> Outcome:
        return run_group(group, self.sweep)

    def failed(self, group: Group, error: BaseException) -> Outcome:
        return Outcome(failed_rows(group, error))

    def differences(self, earlier: "_SweepStudy") -> list[str]:
        before, now = earlier.sweep.config.model_dump(), self.sweep.config.model_dump()
        return [name for name in now if now[name] != before[name]]


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
    _check_measures(sweep)
    check_workers(jobs, backend, scheduler)
    return complete(_SweepStudy(sweep), out, jobs=jobs, scheduler=scheduler, retry_failed=retry_failed)


def _check_measures(sweep: Sweep) -> None:
    kinds = {clip_kind(name) for name in sweep.config.clip_names()}
    for name in sweep.config.measures:
        if name not in MEASURES:
            raise RefusedSweepError(f"measures: got {name!r}; expected {', '.join(MEASURES)}")
        if not any(MEASURES[name].applies(kind, sweep.config.has_head) for kind in kinds):
            raise RefusedSweepError(f"measures: {name} needs {MEASURES[name].needs}, which none of the clips has")
