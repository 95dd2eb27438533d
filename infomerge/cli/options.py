"""Options that commands share: which clip, and which method compresses it."""

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infomerge.cli.errors import InputError, bad_input, bad_model
from infomerge.cli.output import Command

if TYPE_CHECKING:
    from infomerge.encoded_clip import EncodedClip
    from infomerge.encoders import Encoder
    from infomerge.video import Clip

SAMPLES = ("tour", "bigbuckbunny", "bikes", "carphone")
"""As `infomerge.video.sample_names`, which is slow to import."""

PRESETS = {"paper": "infomerge", "fastvid": "fastvid"}
"""Values of `--preset` with the methods that they stood for."""


def method_options(command: Command) -> Command:
    """Add `--method`, `--retention-ratio` and `--set`; hand the command `compressor`, the method with its options.

    See `infomerge.methods.make_compressor`. `--preset` is an old spelling of `--method`.
    """

    @click.option(
        "--method",
        metavar="NAME",
        help="How to compress; `infomerge methods` lists the names and their options.  [default: infomerge]",
    )
    @click.option(
        "--retention-ratio", "-r", type=float, default=0.15, show_default=True, help="Share of tokens to keep."
    )
    @click.option(
        "--set", "settings", metavar="OPTION=VALUE", multiple=True, help="An option of the method; repeatable."
    )
    @click.option("--preset", type=click.Choice(list(PRESETS)), hidden=True)
    @functools.wraps(command)
    def checked(
        *args: Any,
        method: str | None,
        retention_ratio: float,
        settings: tuple[str, ...],
        preset: str | None,
        **others: Any,
    ) -> None:
        if preset is not None:
            method = _from_preset(preset, method)
        options = dict(read_setting(setting) for setting in settings)

        from infomerge.methods import make_compressor

        spelled = {name: f"--set {name}" for name in options}
        with bad_input(ValueError, TypeError, method="--method", retention_ratio="--retention-ratio", **spelled):
            compressor = make_compressor(method, retention_ratio=retention_ratio, **options)
        command(*args, compressor=compressor, **others)

    return checked


frames_option = click.option(
    "--num-frames",
    "--frames",
    "-n",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Frames to sample from a clip.",
)


def clip_options(command: Command) -> Command:
    """Add the argument CLIP and `--num-frames`; hand the command `clip`, read."""

    @click.argument("clip")
    @frames_option
    @functools.wraps(command)
    def checked(*args: Any, clip: str, num_frames: int, **others: Any) -> None:
        from infomerge.video import UnreadableClipError, open_clip

        with bad_input(UnreadableClipError, OSError, source="CLIP"):
            opened = open_clip(clip, num_frames)
        command(*args, clip=opened, **others)

    about = inspect.cleandoc(command.__doc__ or "")
    checked.__doc__ = f"{about}\n\nCLIP is a video file, or the name of a sample: {', '.join(SAMPLES)}."
    return checked


def clips_options(*, required: bool) -> Callable[[Command], Command]:
    """Add the argument CLIP..., `--num-frames`, `--encoder` and `--grid`.

    The command gets `clips`, names as they were given; `num_frames`; and `encoder`, a function of a clip's name. It
    reads them by `encoded_clips`.
    """

    def add(command: Command) -> Command:
        @click.argument("clips", nargs=-1, required=required, metavar="CLIP..." if required else "[CLIP]...")
        @frames_option
        @encoder_options
        @functools.wraps(command)
        def given(*args: Any, **others: Any) -> None:
            command(*args, **others)

        return given

    return add


def encoder_options(command: Command) -> Command:
    """Add `--encoder` and `--grid`; hand the command `encoder`, a function that loads it.

    It takes the clip's name, and `keep_layers` where the method needs hidden states.
    """

    @click.option(
        "--encoder",
        "encoder_name",
        metavar="MODEL",
        help="A vision tower (a local folder or a hub name), or a .npy or .safetensors file of tokens of your own, in "
        "whose path {clip} stands for the clip's name.  [default: EfficientNet-Lite0]",
    )
    @click.option("--grid", metavar="ROWSxCOLUMNS", help="Of tokens in a file, where they make no square.")
    @functools.wraps(command)
    def checked(*args: Any, encoder_name: str | None, grid: str | None, **others: Any) -> None:
        def load(clip: str, keep_layers: bool = False) -> "Encoder":
            from infomerge.encoders import load_encoder

            with bad_input(OSError, ValueError, name_or_path="--encoder", encoder="--encoder", grid="--grid"):
                return load_encoder(encoder_name, grid=_read_grid(grid), clip=clip, keep_layers=keep_layers)

        command(*args, encoder=_once(load, several=encoder_name is not None and "{clip}" in encoder_name), **others)

    return checked


def _once(load: "Callable[..., Encoder]", several: bool) -> "Callable[..., Encoder]":
    """A network that is the same for all clips is loaded once."""
    loaded = functools.cache(lambda keep_layers: load("", keep_layers))
    return load if several else lambda _, keep_layers=False: loaded(keep_layers)


def encode(clip: "Clip", encoder: "Encoder") -> "EncodedClip":
    """A clip with its tokens; tokens of one's own that are not the clip's are the user's mistake."""
    from infomerge.encoded_clip import EncodedClip
    from infomerge.encoders import TokenFile, VisionTowerEncoder
    from infomerge.inputs import check_inputs

    if isinstance(encoder, VisionTowerEncoder):
        with bad_model("--encoder", encoder.name):
            encoded = EncodedClip.from_clip(clip, encoder)
            check_inputs(encoded.tokens, encoded.saliency, encoded.frame_features)
            return encoded
    if not isinstance(encoder, TokenFile):
        return EncodedClip.from_clip(clip, encoder)
    of_file = {name: f"--encoder: {name}" for name in ("tokens", "saliency", "frame_features")}
    with bad_input(ValueError, TypeError, encoder="--encoder", **of_file):
        encoded = EncodedClip.from_clip(clip, encoder)
        check_inputs(encoded.tokens, encoded.saliency, encoded.frame_features)
    return encoded


def open_clips(names: Sequence[str], num_frames: int) -> "Iterator[Clip]":
    """Clips of videos, folders and patterns of them, or samples, read one after the other."""
    from infomerge.measure.sweep_clips import found_clips
    from infomerge.video import UnreadableClipError, open_clip

    with bad_input(ValueError, clips="CLIP"):
        found = found_clips([str(Path(name).expanduser()) for name in names], Path.cwd())
    for name in found:
        with bad_input(UnreadableClipError, OSError, source="CLIP"):
            clip = open_clip(name, num_frames)
        yield clip


def _read_grid(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    rows, _, columns = text.lower().partition("x")
    if not (rows.strip().isdigit() and columns.strip().isdigit()):
        raise InputError("--grid", f"{text!r} is no grid", "write ROWSxCOLUMNS, such as 12x20")
    return int(rows), int(columns)


def _from_preset(preset: str, method: str | None) -> str:
    from infomerge.deprecation import warn_renamed

    if method is not None:
        raise InputError("--preset", "an old spelling of --method, which is there too", "pass --method alone")
    warn_renamed(f"--preset {preset}", f"--method {PRESETS[preset]}")
    return PRESETS[preset]


def read_setting(setting: str) -> tuple[str, bool | int | float | str]:
    """An option of a method, as `OPTION=VALUE` gives it."""
    name, equals, value = (part.strip() for part in setting.partition("="))
    if not equals:
        raise InputError("--set", f"{setting!r} has no value", "write OPTION=VALUE, such as temperature=2")
    if name in ("method", "retention_ratio"):
        raise InputError("--set", f"{setting!r} is no option of a method", f"pass --{name.replace('_', '-')} {value}")
    try:
        read = json.loads(value)
    except ValueError:
        return name, value
    return name, read if isinstance(read, bool | int | float) else value
