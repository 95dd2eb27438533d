"""Evaluate every method on the testbed, part by part, into data/results/answers*.csv.

    python -m benchmarks.answer_grid OUT --part methods --jobs 16
    python -m benchmarks.answer_grid OUT --part methods --condense data/results

A part that was interrupted goes on with the same command. Condensing takes the clips that every row of a part has.
"""

from pathlib import Path
from typing import Any

import click

from infomerge.measure.resumable import complete
from infomerge.measure.sweep_table import read_results
from infomerge.methods import METHODS
from infomerge.testbed.evaluation import Evaluation, EvaluationConfig
from infomerge.testbed.scores import AnswerTable

LOW, HIGH = [0.01, 0.02, 0.05, 0.1, 0.15], [0.25, 0.5]
BOTH = ["subsets", "merges"]
SPLITS = ["clean", "disturbed", "shifted"]

FARTHEST: list[dict[str, Any]] = [
    {"name": "farthest", "options": options}
    for options in (
        {"context_fraction": 0.4, "time_scale": 4},
        {"context_fraction": 0.4, "time_scale": 2},
        {"context_fraction": 0.4, "time_scale": 8},
        {"context_fraction": 0.4, "time_scale": "none"},
        {"context_fraction": 1.0, "time_scale": 4},
        {"context_fraction": 0.7, "time_scale": 4},
        {"context_fraction": 1.0, "time_scale": 2},
        {"context_fraction": 0.4, "time_scale": 4, "saliency_exponent": 0.5},
        {"context_fraction": 0.4, "time_scale": 4, "saliency_exponent": 0.0},
        {"context_fraction": 0.4, "time_scale": 4, "merge_weight": 0.6},
        {"context_fraction": 0.4, "time_scale": 4, "scope": "segment"},
        {"context_fraction": 0.4, "time_scale": 4, "scope": "segment", "allocation": "caba"},
    )
]
"""What was tried first to choose the defaults of `farthest`, on clips that no result is reported on."""

WITHOUT_TIME: list[dict[str, Any]] = [
    {"name": "farthest", "options": options}
    for options in (
        {"context_fraction": 0.4},
        {"context_fraction": 0.7},
        {"context_fraction": 0.85},
        {"context_fraction": 1.0},
        {"context_fraction": 0.4, "time_scale": 16},
        {"context_fraction": 0.7, "time_scale": 32},
        {"context_fraction": 0.4, "saliency_exponent": 0.5},
        {"context_fraction": 0.7, "saliency_exponent": 0.7},
        {"context_fraction": 0.7, "saliency_exponent": 1.5},
        {"context_fraction": 0.7, "merge_weight": 0.6},
        {"context_fraction": 0.8, "salient_split": "clip"},
    )
]
"""What was tried then, on other such clips (`--first 100`)."""

SWAPS: list[dict[str, Any]] = [
    {"name": "infomerge", "options": options}
    for options in (
        {"salient_split": "exact"},
        {"salient_split": "clip"},
        {"anchors": "distance"},
        {"anchors": "farthest"},
        {"anchors": "farthest", "temperature": 0},
        {"anchors": "farthest", "temperature": 0, "salient_split": "exact"},
        {"temperature": 0},
        {"merge_weight": 1},
        {"merge_weight": 0},
        {"static_prior": "adjacent"},
        {"static_prior": "none"},
        {"static_prior": "aligned"},
        {"segmentation": "adaptive"},
    )
]
"""InfoMerge with one part of it changed at a time."""

PLACE: dict[str, Any] = {"context_fraction": 0.4, "saliency_exponent": 0.7, "place_directions": 12}
"""Farthest points in content without place, chosen on clips 1000 to 1031 (docs/a_better_method.md)."""

ROBUST = [
    *("infomerge", "infomerge-adjacent", "table4-none", "farthest", "fastvid", "tome", "visionzip", "simplecluster"),
    {"name": "infomerge", "options": {"static_prior": "aligned"}},
]
STRENGTHS = [
    *("sensor_noise=10", "sensor_noise=20", "flicker=0.4", "flicker=0.8", "shake=2", "shake=4", "fog=0.3", "jitter=2"),
    *("dropped_frames=0.12", "glare=0.12", "black_frames=0.12", "block_noise=0.12", "defocus=1", "compression=37"),
]

PARTS: dict[str, dict[str, Any]] = {
    "choose": {"methods": ["infomerge", "tome", *FARTHEST], "ratios": LOW[1:], "forms": SPLITS, "role": "dev"},
    "choose_again": {
        "methods": ["infomerge", "tome", "gleanvid", *WITHOUT_TIME],
        "ratios": [0.02, 0.05, 0.1],
        "forms": SPLITS[:2],
        "role": "dev",
    },
    "methods": {"methods": list(METHODS), "ratios": LOW, "forms": SPLITS, "role": "test"},
    "plenty": {"methods": list(METHODS), "ratios": HIGH, "forms": ["clean"], "role": "test", "checkpoints": BOTH[:1]},
    "swaps": {"methods": ["infomerge", *SWAPS], "ratios": [0.02, 0.05, 0.1], "forms": SPLITS[:2], "role": "test"},
    "place": {
        "methods": ["farthest", {"name": "farthest", "options": PLACE}],
        "ratios": LOW[1:],
        "forms": SPLITS,
        "role": "test",
    },
    "saliency": {
        "methods": ["infomerge", "farthest", "fastvid", "visionzip", "top-saliency"],
        "ratios": [0.02, 0.05, 0.1],
        "forms": ["clean"],
        "role": "test",
        "saliency": ["head", "last_block", "distance"],
    },
    "robust": {"methods": ROBUST, "ratios": [0.05, 0.1], "forms": ["clean", *STRENGTHS], "role": "test"}
    | {"checkpoints": BOTH[:1]},
}
"""What each table holds. `PARTS[part]` are the arguments of an `EvaluationConfig`."""


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--part", "parts", type=click.Choice(list(PARTS)), multiple=True, required=True)
@click.option("--clips", default=64, show_default=True, help="Of each form.")
@click.option("--first", default=0, show_default=True)
@click.option("--jobs", type=int)
@click.option("--join", type=click.Path(path_type=Path, dir_okay=False), help="A condensed table of earlier clips.")
@click.option("--condense", type=click.Path(path_type=Path, file_okay=False), help="Only condense, into this folder.")
def main(
    out: Path,
    parts: tuple[str, ...],
    clips: int,
    first: int,
    jobs: int | None,
    join: Path | None,
    condense: Path | None,
) -> None:
    """Run parts, or condense what has been run of them."""
    for part in parts:
        if condense is None:
            config = EvaluationConfig(clips=clips, first=first, **PARTS[part])
            click.echo(f"{part}: {complete(Evaluation(config), out / part, jobs=jobs)}")
            continue
        table = AnswerTable.from_rows(read_results(out / part))
        if join is not None:
            table = AnswerTable.read(join).joined(table)
        name = "answers" if part == "methods" else f"answers_{part}"
        table.write(condense / f"{name}.csv")
        counts = {form: numbers.shape[1] for (_, form), numbers in table.asked.items()}
        click.echo(f"{part}: {len(table.settings)} settings, clips {counts}")


if __name__ == "__main__":
    main()
