"""Farthest points in content without place, on the clips and beside the rows of data/results/answers.csv.

    python -m benchmarks.answer_place --clips 44

Only the new setting is run: what `farthest` and all tokens answer on the same clips is read from the table. Prints what
is kept of the accuracy with all tokens, and the paired difference over clips with its 95 % interval.
"""

from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.answer_grid import PLACE, SPLITS
from infomerge.measure.statistics import mean_interval
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.evaluation import answered, compressed, scored
from infomerge.testbed.scores import AnswerTable, Setting
from infomerge.testbed.splits import asked_about, read_form
from infomerge.video.questions import KINDS

RATIOS = [0.02, 0.05, 0.1, 0.15]
TABLE = Path(__file__).parents[1] / "data" / "results" / "answers.csv"

Right = dict[tuple[str, str, float], list[list[int]]]


def run(number: int, right: Right) -> None:
    """Add one clip of each form: its right answers by kind."""
    for form in SPLITS:
        clip = read_form(form).clip(number, "test")
        seen, asked = load_testbed("subsets").see(clip.frames), asked_about(clip.script)
        for ratio in RATIOS:
            out = compressed(seen, "farthest", ratio, "head", PLACE)
            for name in ("subsets", "merges"):  # of one tower: what they see is the same
                row = scored(answered(load_testbed(name), seen, out, asked), asked)
                right.setdefault((name, form, ratio), []).append([int(row[f"right_{kind}"]) for kind in KINDS])


def tell(right: Right, table: AnswerTable, first: int) -> None:
    """Print a line for each checkpoint, form and ratio, and one over the forms."""
    click.echo("| checkpoint | form | ratio | farthest | without place | difference | " + " | ".join(KINDS) + " |")
    for name in ("subsets", "merges"):
        for ratio in RATIOS:
            parts = []
            for form in SPLITS:
                new = np.array(right[name, form, ratio]).T
                part = slice(first - table.first, first - table.first + new.shape[1])
                setting = Setting(name, form, "farthest", "", "head", ratio)
                old, full = table.answers[setting].right[:, part], table.answers[setting.full].right[:, part]
                parts.append((new, old, full))
                _line(name, form, ratio, new, old, full)
            _line(name, "all", ratio, *(np.concatenate(group, axis=1) for group in zip(*parts, strict=True)))


def _line(name: str, form: str, ratio: float, new: np.ndarray, old: np.ndarray, full: np.ndarray) -> None:
    scale = 100 * full.shape[1] / full.sum()
    change = mean_interval((new - old).sum(axis=0) * scale)
    kinds = [f"{100 * ours / whole:.0f}" for ours, whole in zip(new.sum(axis=1), full.sum(axis=1), strict=True)]
    values = [f"{100 * part.sum() / full.sum():.1f}" for part in (old, new)]
    difference = f"{change.mean:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"
    click.echo(f"| {name} | {form} | {ratio:.0%} | " + " | ".join([*values, difference, *kinds]) + " |")


@click.command()
@click.option("--clips", default=44, show_default=True)
@click.option("--first", default=0, show_default=True)
def main(clips: int, first: int) -> None:
    """Run the clips and print the table, after every eleven of them too."""
    torch.set_num_threads(1)
    table, right = AnswerTable.read(TABLE), Right()
    for number in range(first, first + clips):
        run(number, right)
        if (number - first) % 11 == 10 or number == first + clips - 1:
            click.echo(f"{number - first + 1} clips of each form")
            tell(right, table, first)


if __name__ == "__main__":
    main()
