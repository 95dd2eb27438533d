"""Condense a sweep of static priors into the table of notebook 07: python -m benchmarks.static_priors DIR.

The sweep: infomerge sweep data/results/static_priors.yaml --out DIR
"""

import sys
from pathlib import Path

from benchmarks.condensing import RESULTS, clip_order, finished_rows, shortened, write_table

TARGET = RESULTS / "static_priors.csv"
KEPT = ("auroc", "average_precision", "candidate_precision", "still_share")


def main() -> None:
    rows = finished_rows(Path(sys.argv[1]))
    columns = [name for name in rows[0] if name.startswith("detection_") and name.endswith(KEPT)]
    header = ["clip", "disturbance", "strength", *(name.removeprefix("detection_") for name in columns)]
    rows.sort(key=lambda row: (row["disturbance"], float(row["strength"]), clip_order(row["clip"])))
    write_table(
        TARGET,
        header,
        (
            [row["clip"], row["disturbance"], row["strength"], *(shortened(row[name], ".4f") for name in columns)]
            for row in rows
        ),
    )
    print(f"{len(rows)} rows condensed to {TARGET.name}")


if __name__ == "__main__":
    main()
