"""From a sweep's folder to a small table in data/results."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from infomerge.measure.sweep import read_results

RESULTS = Path(__file__).parent.parent / "data" / "results"


def finished_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a sweep's table; if any item failed, the programme ends."""
    rows = read_results(folder)
    if failed := [row for row in rows if row["status"] != "ok"]:
        sys.exit(f"{folder}: {len(failed)} of {len(rows)} items failed, the first: {failed[0]['error']}")
    return rows


def write_table(target: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV table, whole or not at all."""
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(header)
        table.writerows(rows)
    temporary.replace(target)


def clip_order(clip: str) -> tuple[str, int]:
    """Sorts `scene:2` before `scene:10`."""
    kind, _, number = clip.partition(":")
    return kind, int(number or 0)


def shortened(number: str, form: str) -> str:
    """A number of a sweep's table in the given format, or nothing where it is missing or undefined."""
    return "" if number in ("", "nan") else format(float(number), form)
