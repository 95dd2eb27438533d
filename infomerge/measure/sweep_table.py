"""The table of a sweep, which survives being interrupted: whole lines only, on the disk before anything goes on."""

import csv
import io
import os
from collections.abc import Collection
from pathlib import Path

from infomerge.compression import Compression, rows_of
from infomerge.encoded_clip import EncodedClip
from infomerge.files import replaced

Row = dict[str, str]


class RefusedSweepError(ValueError):
    """What was asked for cannot be done: an argument, or the folder, which holds something else."""


TABLE = "results.csv"
STATUSES = ("ok", "failed")
SEGMENTS = "segments.csv"
IDENTITY = ("key", "clip", "disturbance", "strength", "seed", "method", "options", "ratio")
OUTCOME = ("status", "error")
TIMINGS = ("encode_seconds", "method_seconds", "measure_seconds")
"""The columns that differ from run to run, last in the table. `encode_seconds` is that of the whole group."""


SEGMENT_COLUMNS = (
    *IDENTITY,
    *("segment", "first_frame", "last_frame", "begins_seconds", "ends_seconds", "uniqueness", "richness", "weight"),
    *("budget", "length_budget", "static_candidates", "kept", "event_frames"),
)
"""Budgets are InfoMerge's alone, seconds those of clips, and event frames those of clips whose owner names events."""


def segment_rows(clip: EncodedClip, out: Compression, identity: Row) -> list[Row]:
    """The lines of the second table: what every segment of one item got.

    Args:
        clip: the clip that was compressed.
        out: the compression.
        identity: the item's cells.
    """
    duration = None if clip.timestamps is None else clip.duration
    columns = out.to_columns("segments", timestamps=clip.timestamps, duration=duration)
    if clip.truth is not None and clip.truth.events and clip.timestamps is not None:
        during = clip.truth.in_event(clip.timestamps)
        columns["event_frames"] = [int(during[start:end].sum()) for start, end in out.trace.bounds]
    known = {name: values for name, values in columns.items() if name in SEGMENT_COLUMNS}
    return [identity | {name: repr(value) for name, value in row.items()} for row in rows_of(known)]


class Lines:
    """A CSV file that survives being interrupted: whole lines only, each with as many cells as the header."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self.columns = path, columns
        if not path.exists():
            self._replace([])
        _drop_torn_line(path)

    def append(self, rows: list[Row]) -> None:
        """Write rows and have them on the disk before this returns."""
        with self.path.open("ab") as file:
            file.write(self._lines(rows))
            file.flush()
            os.fsync(file.fileno())

    def keep_only(self, keys: Collection[str]) -> None:
        """Take out the lines of all other items: of those that a killed run had not finished."""
        rows = _read(self.path, self.columns)
        if any(row["key"] not in keys for row in rows):
            self._replace([row for row in rows if row["key"] in keys])

    def _replace(self, rows: list[Row]) -> None:
        header = dict(zip(self.columns, self.columns, strict=True))
        with replaced(self.path) as temporary:
            temporary.write_bytes(self._lines([header, *rows]))

    def _lines(self, rows: list[Row]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, restval="", lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


class Table(Lines):
    """The table of results, one line for each item: what stands in it is done."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        super().__init__(path, columns)
        self.status: dict[str, str] = {}
        for number, row in enumerate(_read(path, columns), 2):
            key, status = row["key"], row["status"]
            problem = (
                "no key"
                if not key
                else f"the key {key!r} twice"
                if key in self.status
                else f"status {status!r}"
                if status not in STATUSES
                else ""
            )
            if problem:
                raise RefusedSweepError(
                    f"{path}: got {problem} in line {number}; expected one line for each item, with the status "
                    f"{' or '.join(STATUSES)}: take that line out"
                )
            self.status[key] = status

    def append(self, rows: list[Row]) -> None:
        """Write rows and have them on the disk before this returns."""
        super().append(rows)
        self.status |= {row["key"]: row["status"] for row in rows}

    def drop_failed(self) -> None:
        """Take the failed items out, so that they are to be done."""
        rows = _read(self.path, self.columns)
        self._replace([row for row in rows if row["status"] != "failed"])
        self.status = {key: status for key, status in self.status.items() if status != "failed"}


def _drop_torn_line(path: Path) -> None:
    """Take off what follows the last line break: a line that a killed run did not finish."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)


def _read(path: Path, columns: tuple[str, ...] | None = None) -> list[Row]:
    whole = path.read_bytes()
    lines = list(csv.reader(whole[: whole.rfind(b"\n") + 1].decode().split("\n")[:-1]))
    header = lines[0] if lines else []
    if columns is not None and tuple(header) != columns:
        raise RefusedSweepError(f"{path}: got the columns {','.join(header)}; expected {','.join(columns)}")
    for number, line in enumerate(lines, 1):
        if len(line) != len(header):
            raise RefusedSweepError(f"{path}: got {len(line)} cells in line {number}; expected {len(header)}")
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def read_segments(out: Path | str) -> list[Row]:
    """The second table of a sweep: one dictionary of texts for each segment of each item.

    Args:
        out: the folder of the sweep.

    Raises:
        FileNotFoundError: there is no table.
        RefusedSweepError: (a ValueError) a line is broken.
    """
    return _read(Path(out) / SEGMENTS)


def read_results(out: Path | str) -> list[Row]:
    """The table of a sweep, finished or not: one dictionary of texts for each item, in the order of finishing.

    Args:
        out: the folder of the sweep.

    Raises:
        FileNotFoundError: there is no table.
        RefusedSweepError: (a ValueError) a line is broken.
    """
    return _read(Path(out) / TABLE)
