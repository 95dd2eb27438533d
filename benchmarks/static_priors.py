"""Condense a sweep of static priors into the table of notebook 07: python -m benchmarks.static_priors DIR.

The sweep: infomerge sweep data/results/static_priors.yaml --out DIR
"""

import csv
import sys
from pathlib import Path

from infomerge.measure.sweep import read_results

KEPT = ("auroc", "candidate_precision", "still_share")
TARGET = Path(__file__).parent.parent / "data" / "results" / "static_priors.csv"


def main() -> None:
    rows = read_results(Path(sys.argv[1]))
    failed = sum(row["status"] != "ok" for row in rows)
    columns = [name for name in rows[0] if name.startswith("detection_") and name.endswith(KEPT)]
    temporary = TARGET.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(["clip", "disturbance", "strength", *(name.removeprefix("detection_") for name in columns)])
        for row in sorted(
            rows, key=lambda row: (row["disturbance"], float(row["strength"]), int(row["clip"].split(":")[1]))
        ):
            numbers = [f"{float(row[name]):.4f}" if row[name] else "" for name in columns]
            table.writerow([row["clip"], row["disturbance"], row["strength"], *numbers])
    temporary.replace(TARGET)
    print(f"{len(rows)} rows, {failed} of them failed, condensed to {TARGET.name}")


if __name__ == "__main__":
    main()
