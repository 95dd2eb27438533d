"""How long `infomerge --help` takes, beside a bare Python: `python -m benchmarks.cli_start`.

Prints the median wall time of ten runs, each in a process of its own, after one that fills the disk's cache.
"""

import argparse
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

COMMAND = str(Path(sysconfig.get_path("scripts")) / "infomerge")
RUNS: dict[str, Sequence[str]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "infomerge --help": (COMMAND, "--help"),
    "infomerge run --help": (COMMAND, "run", "--help"),
    "infomerge methods": (COMMAND, "methods"),
}


def median_seconds(command: Sequence[str], repeats: int) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    table = Table("command", f"median of {arguments.repeats} (s)")
    for name, command in RUNS.items():
        table.add_row(name, f"{median_seconds(command, arguments.repeats):.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
