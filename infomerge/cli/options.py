"""Options that commands share: which clip, and which method compresses it."""

import functools
import inspect
import json
from typing import Any

import click

from infomerge.cli.errors import InputError, bad_input
from infomerge.cli.output import Command

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


def clip_options(command: Command) -> Command:
    """Add the argument CLIP and `--num-frames`; hand the command `clip`, read."""

    @click.argument("clip")
    @click.option(
        "--num-frames",
        "--frames",
        "-n",
        type=click.IntRange(min=1),
        default=32,
        show_default=True,
        help="Frames to sample from the clip.",
    )
    @functools.wraps(command)
    def checked(*args: Any, clip: str, num_frames: int, **others: Any) -> None:
        from infomerge.video import UnreadableClipError, open_clip

        with bad_input(UnreadableClipError, OSError, source="CLIP"):
            opened = open_clip(clip, num_frames)
        command(*args, clip=opened, **others)

    about = inspect.cleandoc(command.__doc__ or "")
    checked.__doc__ = f"{about}\n\nCLIP is a video file, or the name of a sample: {', '.join(SAMPLES)}."
    return checked


def _from_preset(preset: str, method: str | None) -> str:
    from infomerge.deprecation import warn_renamed

    if method is not None:
        raise InputError("--preset", "an old spelling of --method, which is there too", "pass --method alone")
    warn_renamed(f"--preset {preset}", f"--method {PRESETS[preset]}")
    return PRESETS[preset]


def read_setting(setting: str) -> tuple[str, bool | int | float | str]:
    """An option and its value, as `--set` takes them."""
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
