"""Rows of measurements as CSV files."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infomerge.files import replaced


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a CSV file, after those of the same columns that it has already."""
    before: list[dict[str, Any]] = []
    if path.exists():
        with path.open(newline="") as file:
            before = list(csv.DictReader(file))
    with replaced(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*before, *rows])
