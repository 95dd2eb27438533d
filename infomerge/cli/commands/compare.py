"""`infomerge compare`: two methods on clips of one's own, without ground truth."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infomerge.cli.errors import InputError, Notes, bad_file, bad_input, pass_notes
from infomerge.cli.options import clips_options, encode, open_clips, read_setting
from infomerge.cli.output import make_folder, output_folder
from infomerge.cli.printing import console, print_table

if TYPE_CHECKING:
    from infomerge.encoders import Encoder
    from infomerge.measure.comparing import Row
    from infomerge.methods import Compressor

PAIRS = {"priors": ("infomerge", "infomerge-adjacent"), "budgets": ("infomerge", "table4-tfd")}
"""TFD against the adjacent difference; budgets by content (CABA) against those by length."""

CLIPS, DISTURBED, WORDS = "comparison.csv", "stability.csv", "comparison.md"


@click.command()
@output_folder(CLIPS, DISTURBED, WORDS)
@clips_options(required=True)
@click.option(
    "--pair",
    type=click.Choice(list(PAIRS)),
    help="priors: TFD against the adjacent difference; budgets: by content (CABA) or by length.  [default: priors]",
)
@click.option(
    "--method",
    "methods",
    metavar="NAME[,OPTION=VALUE...]",
    multiple=True,
    help="Any method with its options, in place of a pair; given twice.",
)
@click.option("--retention-ratio", "-r", type=float, default=0.15, show_default=True, help="Share of tokens to keep.")
@click.option(
    "--disturb",
    "disturbances",
    metavar="NAME=STRENGTH",
    multiple=True,
    help="How much of what each decides stays under noise, such as sensor_noise=10; repeatable.",
)
@click.option("--pictures/--no-pictures", default=True, help="A sheet of each clip that shows where they differ.")
@pass_notes
def command(
    notes: Notes,
    clips: tuple[str, ...],
    num_frames: int,
    encoder: "Callable[[str], Encoder]",
    out: Path,
    pair: str | None,
    methods: tuple[str, ...],
    retention_ratio: float,
    disturbances: tuple[str, ...],
    pictures: bool,
) -> None:
    """Hold two methods against each other on your clips.

    No ground truth is needed. How often they decide differently and where, how well each covers the clip and keeps
    the encoder's answers, with 95 % intervals over clips, and sentences that claim no more than these and a paired
    test, corrected by Holm, allow. A claim needs several clips: it is said how many.

    Folders and patterns of files are clips, too. Writes comparison.csv, one line for each clip, comparison.md, and a
    picture of each clip; with --disturb also stability.csv.
    """
    one, other = _methods(pair, methods, retention_ratio)
    strengths = [_strength(text) for text in disturbances]

    from infomerge import plots
    from infomerge.compression import write_columns
    from infomerge.encoders import TokenFile
    from infomerge.measure.comparing import compare_clip, findings

    rows: list[Row] = []
    stable: list[Row] = []
    names = _name(one), _name(other)
    make_folder("--out", out)
    for number, clip in enumerate(open_clips(clips, num_frames), 1):
        network = encoder(clip.metadata.name)
        if strengths and isinstance(network, TokenFile):
            raise InputError("--disturb", "tokens of a file are of clean frames", "leave it out or pass a network")
        notes.tell()
        encoded = encode(clip, network)
        asked = None if isinstance(network, TokenFile) else network
        with bad_input(ValueError, name="--disturb", strength="--disturb"):
            row, noisy, runs = compare_clip(encoded, (one, other), encoder=asked, disturbances=strengths)
        rows.append(row)
        stable += noisy
        if pictures:
            sheet = plots.difference_sheet(
                encoded, *runs, names=names, title=f"{encoded.name}: A {names[0]}, B {names[1]}"
            )
            with bad_file("--out", out):
                plots.save(sheet, out / f"{number:03d}_{encoded.name}")
    found = findings(rows, stable, names)
    with bad_file("--out", out):
        write_columns(out / CLIPS, {name: [row.get(name, "") for row in rows] for name in rows[0]})
        if stable:
            write_columns(out / DISTURBED, {name: [row[name] for row in stable] for name in stable[0]})
        else:
            # That of an earlier comparison would not belong to this one.
            (out / DISTURBED).unlink(missing_ok=True)
        (out / WORDS).write_text("\n\n".join(found.sentences) + "\n", encoding="utf-8")
    _print(rows)
    for sentence in found.sentences:
        console().print(sentence)
    click.echo(f"Wrote {CLIPS}, {WORDS}{f', {DISTURBED}' * bool(stable)}{' and pictures' * pictures} to {out}")


def _print(rows: "list[Row]") -> None:
    headings = {"clip": "clip", "kept_alike": "kept alike", "owners_alike": "owners alike"}
    headings |= {"coverage_mean_a": "coverage A", "coverage_mean_b": "B"}
    if "kl_divergence_a" in rows[0]:
        headings |= {"kl_divergence_a": "KL A", "kl_divergence_b": "B"}
    shares = ("kept_alike", "owners_alike")
    lines = [
        [
            f"{row[name]:.1%}" if name in shares else row[name] if name == "clip" else f"{row[name]:.3f}"
            for name in headings
        ]
        for row in rows
    ]
    print_table(list(headings.values()), [[str(cell) for cell in line] for line in lines], first="left")


def _name(method: "Compressor") -> str:
    """A method by its own name with its options, which two of the same label differ in."""
    return method.name + "".join(f", {name}={value}" for name, value in method.options.items())


def _methods(pair: str | None, methods: tuple[str, ...], ratio: float) -> "tuple[Compressor, Compressor]":
    if pair is not None and methods:
        raise InputError("--pair", "is a pair of methods, as --method is", "pass one of them")
    chosen = methods or PAIRS[pair or "priors"]
    if len(chosen) != 2:
        raise InputError("--method", f"got {len(chosen)}", "name two methods, such as --method infomerge --method tome")
    one, other = (_compressor(text, ratio) for text in chosen)
    if one == other:
        raise InputError("--method", f"{chosen[0]} and {chosen[1]} are the same", "name two that differ")
    return one, other


def _compressor(text: str, ratio: float) -> "Compressor":
    from infomerge.methods import make_compressor

    name, *settings = text.split(",")
    options = dict(read_setting(setting) for setting in settings)
    with bad_input(ValueError, TypeError, method="--method", retention_ratio="--retention-ratio"):
        return make_compressor(name.strip(), retention_ratio=ratio, **options)


def _strength(text: str) -> tuple[str, float]:
    from infomerge.video import DISTURBANCES

    name, _, value = text.partition("=")
    name = name.strip()
    if name not in DISTURBANCES:
        raise InputError("--disturb", f"no disturbance {name!r}", f"choose from {', '.join(DISTURBANCES)}")
    most = DISTURBANCES[name].maximum
    try:
        strength = float(value)
    except ValueError:
        strength = -1.0
    if not 0 < strength <= most:
        raise InputError("--disturb", f"{text!r} has no strength", f"write {name}=STRENGTH, above 0 and up to {most:g}")
    return name, strength
