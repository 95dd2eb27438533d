"""The table of a sweep, which survives being interrupted: whole lines only, on the disk before anything goes on."""

import csv
import io
import os
from pathlib import Path

from infomerge.files import replaced

Row = dict[str, str]


class RefusedSweepError(ValueError):
    """What was asked for cannot be done: an argument, or the folder, which holds something else."""


TABLE = "results.csv"
IDENTITY = ("key", "clip", "disturbance", "strength", "seed", "method", "options", "ratio")
OUTCOME = ("status", "error")
TIMINGS = ("encode_seconds", "method_seconds", "measure_seconds")
"""The columns that differ from run to run, last in the table. `encode_seconds` is that of the whole group."""


class Table:
    """The CSV file of results: whole lines only, each with as many cells as the header."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self.columns = path, columns
        if not path.exists():
            self._replace([])
        _drop_torn_line(path)
        self.status = {row["key"]: row["status"] for row in _read(path, columns)}

    def append(self, rows: list[Row]) -> None:
        """Write rows and have them on the disk before this returns."""
        with self.path.open("ab") as file:
            file.write(self._lines(rows))
            file.flush()
            os.fsync(file.fileno())
        self.status |= {row["key"]: row["status"] for row in rows}

    def drop_failed(self) -> None:
        """Take the failed items out, so that they are to be done."""
        rows = _read(self.path, self.columns)
        self._replace([row for row in rows if row["status"] != "failed"])
        self.status = {key: status for key, status in self.status.items() if status != "failed"}

    def _replace(self, rows: list[Row]) -> None:
        header = dict(zip(self.columns, self.columns, strict=True))
        with replaced(self.path) as temporary:
            temporary.write_bytes(self._lines([header, *rows]))

    def _lines(self, rows: list[Row]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, restval="", lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


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


def read_results(out: Path | str) -> list[Row]:
    """The table of a sweep, finished or not: one dictionary of texts for each item, in the order of finishing.

    Args:
        out: the folder of the sweep.

    Raises:
        FileNotFoundError: there is no table.
        RefusedSweepError: (a ValueError) a line is broken.
    """
    return _read(Path(out) / TABLE)
