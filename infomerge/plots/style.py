"""The look that all figures share, and how they are written to disk."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib.resources import as_file, files
from pathlib import Path
from typing import ParamSpec

import matplotlib as mpl
import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from infomerge.files import replaced
from infomerge.palette import (
    BLUE,
    CONTEXT,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SALIENT,
    SEGMENT_COLORS,
    SKY,
    VERMILLION,
)

__all__ = [
    "BLUE", "CONTEXT", "DOUBLE_COLUMN", "GRAY", "GREEN", "INK", "ORANGE", "PALE", "PURPLE", "SALIENT",
    "SEGMENT_COLORS", "SINGLE_COLUMN", "SKY", "VERMILLION", "PrintFigure", "frame_edges", "save", "styled",
]  # fmt: skip

SINGLE_COLUMN, DOUBLE_COLUMN = 3.4, 7.0
"""Widths of a figure in inches, in a two-column paper."""

GRAY, SEGMENT_COLORS = GRAY, SEGMENT_COLORS

Arguments = ParamSpec("Arguments")


@contextmanager
def _style() -> Iterator[None]:
    """The shared style and nothing of the reader's own settings, which are back when the block ends."""
    with as_file(files("infomerge.plots") / "infomerge.mplstyle") as sheet, mpl.style.context(["default", sheet]):
        yield


class PrintFigure(Figure):
    """A matplotlib figure that shows itself in any notebook, without pyplot and its global state."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        with _style():
            self.savefig(picture, format="png", dpi=110, metadata={"Software": None})
        return picture.getvalue()


def styled(draw: Callable[Arguments, PrintFigure]) -> Callable[Arguments, PrintFigure]:
    """Draw a figure in the shared style, without touching the reader's own matplotlib settings."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> PrintFigure:
        with _style():
            figure = draw(*args, **kwargs)
            # Laid out here, while the style's font sizes hold.
            FigureCanvasAgg(figure).draw()
            return figure

    return drawn


def save(figure: Figure, path: Path | str) -> list[Path]:
    """Write a figure as vector PDF and as PNG beside it, each whole or not at all; same figure, same bytes.

    Args:
        figure: what a function of `infomerge.plots` returned.
        path: where to, with or without an ending; the endings are .pdf and .png.
    """
    stem = Path(path)
    stem = stem.with_suffix("") if stem.suffix in (".pdf", ".png") else stem
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = []
    # Without the date of its making, a file changes only when the figure does.
    for ending, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        target = stem.with_name(stem.name + ending)
        with replaced(target) as temporary, _style():
            figure.savefig(temporary, metadata=metadata)
        written.append(target)
    return written


def frame_edges(timestamps: Float[np.ndarray, "frames"]) -> Float[np.ndarray, "frames+1"]:
    """Where each sampled frame's stretch of time begins and ends: half-way to its neighbours, in seconds."""
    if len(timestamps) == 1:
        return timestamps[0] + np.array([-0.5, 0.5])
    middles = (timestamps[1:] + timestamps[:-1]) / 2
    first = timestamps[0] - (middles[0] - timestamps[0])
    last = timestamps[-1] + (timestamps[-1] - middles[-1])
    return np.concatenate([[first], middles, [last]])


def segment_edges(
    bounds: Sequence[tuple[int, int]], edges: Float[np.ndarray, "frame_edges"]
) -> Float[np.ndarray, "segment_edges"]:
    """Where segments begin and end in time, one number more than there are segments.

    Args:
        bounds: first frame and frame after the last of each segment, without gaps, as traces and plans have them.
        edges: the frames' own, by `frame_edges`.
    """
    return edges[[start for start, _ in bounds] + [bounds[-1][1]]]
