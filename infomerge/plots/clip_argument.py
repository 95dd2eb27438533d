"""Plots take a clip as one thing: an `EncodedClip` in place of the arrays that it consists of."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from infomerge.encoded_clip import EncodedClip

Result = TypeVar("Result")

FROM_CLIP: dict[str, Callable[[EncodedClip], Any]] = {
    "frames": lambda clip: clip.frames,
    "timestamps": lambda clip: clip.times,
    "grid": lambda clip: clip.grid,
    "true_cuts": lambda clip: clip.true_cuts,
    "unit": lambda clip: clip.unit,
    "duration": lambda clip: None if clip.timestamps is None else clip.duration,
}
"""Parameters of plots that a clip fills, by name."""


def takes_clip(draw: Callable[..., Result]) -> Callable[..., Result]:
    """Let a plot be called with an `EncodedClip` in the place of its first argument, and without what the clip knows.

    `draw(frames, timestamps, out, grid, ..., true_cuts=...)` is called as `draw(clip, out, ...)` too: the parameters
    `frames`, `timestamps`, `grid`, `true_cuts`, `unit` and `duration` are the clip's unless they are given by keyword;
    all others keep their order.

    Raises:
        ValueError: the plot draws frames, and the clip has none.
    """
    names = list(inspect.signature(draw).parameters)
    filled = [name for name in names if name in FROM_CLIP]
    others = [name for name in names if name not in FROM_CLIP]

    @wraps(draw)
    def drawn(*arguments: Any, **keywords: Any) -> Result:
        if not arguments or not isinstance(arguments[0], EncodedClip):
            return draw(*arguments, **keywords)
        clip, *rest = arguments
        given = dict(zip(others, rest, strict=False)) | keywords
        if len(rest) > len(others):
            raise TypeError(f"{draw.__name__}: got {len(rest)} arguments after the clip; expected {others}")
        given |= {name: FROM_CLIP[name](clip) for name in filled if name not in keywords}
        if "frames" in names and given["frames"] is None:
            raise ValueError(f"{draw.__name__}: got a clip without frames; expected one with pictures to draw on")
        return draw(**given)

    return drawn
