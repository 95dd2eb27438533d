"""Small sweeps for tests, and how to read what they wrote."""

import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infomerge.measure.sweep import TIMINGS

TINY: dict[str, Any] = {
    "methods": ["infomerge", "random", {"name": "infomerge", "options": {"temperature": [0, 2]}}],
    "ratios": [0.1, 0.25],
    "clips": ["tokens:0-2", "tokens:7"],
    "seeds": [0, 1],
    "measures": ["kept", "coverage"],
    "num_frames": 6,
}
TINY_ITEMS = 4 * 2 * 4 * 2
COMMAND = Path(sysconfig.get_path("scripts")) / "infomerge"


def write_config(folder: Path, given: Mapping[str, Any] = TINY, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**given, **changes}), encoding="utf-8")
    return path


def sorted_table(out: Path) -> str:
    """The table's lines without their timings, which stand last, in order."""
    lines = (out / "results.csv").read_text(encoding="utf-8").splitlines()
    return "\n".join(sorted(line.rsplit(",", len(TIMINGS))[0] for line in lines))


def run_apart(config: Path, out: Path) -> Path:
    """Run a sweep in a process of its own, where nothing checks shapes, and give its folder back."""
    subprocess.run([COMMAND, "sweep", config, "--out", out, "--jobs", "1"], capture_output=True, check=True)
    return out


def only(rows: list[dict[str, str]], **cells: str) -> dict[str, str]:
    (row,) = (row for row in rows if all(row[name] == value for name, value in cells.items()))
    return row
