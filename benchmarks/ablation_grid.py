"""Condense the ablation grid into the tables of notebook 08: python -m benchmarks.ablation_grid DIR.

The sweeps, for each NAME of `GRIDS`: infomerge sweep data/results/NAME.yaml --out DIR/NAME

`python -m benchmarks.ablation_grid --summary` prints the table of docs/results.md, from the condensed ones.
"""

import argparse
import json
from pathlib import Path

from benchmarks.condensing import RESULTS, clip_order, finished_rows, shortened, write_table
from infomerge.paper.markdown import summary_table

GRIDS = {"ablation": ("method", "ratio"), "hyper_parameters": ("option", "value"), "ablation_real": ("method", "ratio")}
"""Each sweep, with the two columns of its table that name what was run."""

COLUMNS = {
    "keeping_event_owned": ("event_owned", ".3f"),
    "keeping_event_kept": ("event_kept", ".3f"),
    "keeping_segment_frames": ("segment_frames", ".4f"),
    "keeping_segment_context": ("segment_context", ".4f"),
    "keeping_scene_kept": ("scene_kept", ".4f"),
    "keeping_static_duplicates": ("static_duplicates", ".4f"),
    "coverage_mean": ("coverage_mean", ".4f"),
    "coverage_worst": ("coverage_worst", ".4f"),
    "fidelity_top1_agreement": ("top1_agreement", ".4f"),
    "fidelity_kl_divergence": ("kl_divergence", ".4g"),
}
"""The columns of a sweep that are kept: their names here, and how their numbers are written."""


def setting(row: dict[str, str], kind: str) -> tuple[str, str]:
    """What was run, in two cells: method and ratio, or the option that was turned and its value."""
    if kind == "method":
        return row["method"], row["ratio"]
    options = json.loads(row["options"])
    # alpha and beta move together in the paper's Table 6; alpha names the pair.
    option = "uniqueness_weight" if "uniqueness_weight" in options else next(iter(options))
    return option, f"{options[option]:g}"


def condense(folder: Path, name: str) -> None:
    """Write data/results/NAME.csv from the sweep in a folder."""
    rows = finished_rows(folder)
    columns = [column for column in COLUMNS if any(row.get(column) for row in rows)]
    lines = [
        [
            row["clip"],
            *setting(row, GRIDS[name][0]),
            *(shortened(row[column], COLUMNS[column][1]) for column in columns),
        ]
        for row in rows
    ]
    lines.sort(key=lambda line: (line[1], float(line[2]), clip_order(line[0])))
    target = RESULTS / f"{name}.csv"
    write_table(target, ["clip", *GRIDS[name], *(COLUMNS[column][0] for column in columns)], lines)
    print(f"{len(rows)} rows condensed to {target.name}, {target.stat().st_size // 1000} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="the folder of the sweeps' folders")
    parser.add_argument("--summary", action="store_true", help="print the table of docs/results.md")
    arguments = parser.parse_args()
    if arguments.folder:
        for name in GRIDS:
            condense(arguments.folder / name, name)
    if arguments.summary:
        print(summary_table())


if __name__ == "__main__":
    main()
