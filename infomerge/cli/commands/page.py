"""`infomerge page`: the explorable page, of the sample clips or of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infomerge.cli.errors import InputError, Notes, bad_file, bad_input, pass_notes
from infomerge.cli.output import make_folder, output_folder

if TYPE_CHECKING:
    from infomerge.encoded_clip import EncodedClip
    from infomerge.page.answers import Answers

SAMPLES = ("tour", "bigbuckbunny", "bikes")
"""The clips of the page where none are named."""


@click.command()
@click.argument("clips", metavar="[CLIP]...", nargs=-1)
@output_folder("infomerge.html", "index.html", "parts")
@click.option(
    "--num-frames",
    "-n",
    type=click.IntRange(min=2, max=128),
    default=32,
    show_default=True,
    help="Frames to sample from each clip.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file of a model's answers about these clips (docs/page.md).",
)
@pass_notes
def command(notes: Notes, clips: tuple[str, ...], out: Path, num_frames: int, answers: Path | None) -> None:
    """Build a page on which anyone moves budgets on a video.

    Writes infomerge.html, which holds everything, and the same as index.html with its parts.

    CLIP is a video file, an .npz file with tokens [frames, positions, channels] and what else
    `EncodedClip.from_arrays` takes (saliency, frame_features, frames, timestamps, grid), or the name of a sample.
    Without one, the page has three samples, tour, bigbuckbunny and bikes, and a drawn clip that a small trained
    Video-LLM answers questions about.
    """
    from infomerge.page.build import ONE_FILE, write_page
    from infomerge.page.clip_data import TITLES, clip_data

    known = None if answers is None else _read_answers(answers)
    given = [(name, _read(name, num_frames)) for name in clips or SAMPLES]
    make_folder("--out", out)
    notes.tell()
    data = []
    for name, clip in given:
        with bad_input(ValueError, tokens="CLIP", grid="CLIP"):
            data.append(clip_data(clip, is_sample=name in TITLES and not Path(name).exists()))
    if not clips and known is None:
        from infomerge.page.asked import asked_clip

        clip, known = asked_clip()
        data.append(clip_data(clip, is_sample=True))
    with bad_file("--out", out), bad_input(ValueError, clips="CLIP"):
        # What --force may replace has been settled by the option.
        write_page(out, data, known, force=True)
    size = (out / ONE_FILE).stat().st_size
    click.echo(f"Wrote {ONE_FILE} ({size / 1e6:.1f} MB, opens from disk) and index.html with its parts to {out}")


def _read(name: str, num_frames: int) -> "EncodedClip":
    from infomerge.encoded_clip import EncodedClip

    if name.endswith(".npz"):
        return _read_arrays(Path(name))

    from infomerge.video import UnreadableClipError

    with bad_input(UnreadableClipError, OSError, source="CLIP"):
        return EncodedClip.read(name, num_frames=num_frames)


def _read_arrays(path: Path) -> "EncodedClip":
    import zipfile

    import numpy as np

    from infomerge.encoded_clip import EncodedClip

    accepted = ("tokens", "grid", "frames", "timestamps", "saliency", "frame_features")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            "CLIP", f"{path} cannot be read ({error})", "pass an .npz file that numpy.savez wrote"
        ) from error
    unknown = [name for name in arrays if name not in accepted]
    if unknown or "tokens" not in arrays:
        found = f"{path} has {', '.join(arrays) or 'no arrays'}"
        raise InputError("CLIP", found, f"tokens, and any of {', '.join(accepted[1:])}")
    if "grid" in arrays:
        arrays["grid"] = tuple(arrays["grid"].tolist())
    with bad_input(ValueError, TypeError, **{name: f"CLIP: {name}" for name in accepted}):
        return EncodedClip.from_arrays(**arrays, name=path.stem)


def _read_answers(path: Path) -> "Answers":
    from pydantic import ValidationError

    from infomerge.config import explain
    from infomerge.page.answers import Answers

    with bad_file("--answers", path):
        content = path.read_bytes()
    try:
        return Answers.model_validate_json(content)
    except ValidationError as error:
        raise InputError(
            "--answers", f"{path}: {explain(error)}", "the structure that docs/page.md describes"
        ) from error
