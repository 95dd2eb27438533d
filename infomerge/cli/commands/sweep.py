"""`infomerge sweep`: many methods on many clips, measured into one table."""

import sys
from pathlib import Path
from typing import Literal

import click

from infomerge.cli.errors import Notes, bad_file, bad_input, pass_notes


@click.command()
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results."
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes, each on one core. [default: all cores]")
@click.option("--backend", type=click.Choice(["joblib", "dask"]), default="joblib", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of a dask.distributed cluster, such as tcp://10.0.0.1:8786.")
@click.option("--retry-failed", is_flag=True, help="Run items again that failed before.")
@pass_notes
def command(
    notes: Notes,
    config: Path,
    out: Path,
    jobs: int | None,
    backend: Literal["joblib", "dask"],
    scheduler: str | None,
    retry_failed: bool,
) -> None:
    """Measure methods on clips as the YAML file CONFIG says.

    After an interruption, the same command goes on from there.

    \b
    methods: [infomerge, {name: infomerge, options: {temperature: [0, 2]}}]
    ratios: [0.05, 0.1]
    clips: [tour, my/clip.mp4, holidays, "clips/*.mov", "scene:0-99"]   # or tokens:0, for checking a set-up
    disturbances: {none: , fog: , sensor_noise: [5, 20]}   # fog at its own five strengths
    seeds: [0]
    measures: [kept, coverage, fidelity, keeping, detection, cuts, events]
    encoder: efficientnet                      # or a vision tower's folder, or tokens/{clip}.npy
    grid: [12, 20]                             # of tokens in a file, where they make no square
    num_frames: 32
    image_size: 448                            # of the encoder's input
    scene_size: [112, 112]                     # of procedural clips

    Writes results.csv, one line for each item, and segments.csv, one for each of its segments with its budget. Beside
    my/clip.mp4, my/clip.truth.csv may say where it cuts and when something happens (what,seconds,until). The exit code
    is 1 if any item failed.
    """  # noqa: D301 - click takes the character for "do not wrap"
    from infomerge.measure.sweep import (
        SEGMENTS,
        TABLE,
        LostWorkersError,
        RefusedSweepError,
        read_sweep,
        run_sweep,
    )

    with bad_input(ValueError, OSError):
        sweep = read_sweep(config)
    notes.tell()
    with bad_file("--out", out), bad_input(RefusedSweepError, LostWorkersError):
        summary = run_sweep(sweep, out, jobs=jobs, backend=backend, scheduler=scheduler, retry_failed=retry_failed)
    click.echo(f"{summary.items:,} items, {summary.run:,} of them run now; see {out / TABLE} and {SEGMENTS}")
    if summary.failed:
        click.echo(f"infomerge: {summary.failed:,} of {summary.items:,} items failed; column error says why", err=True)
        sys.exit(1)
