"""What has which color, in figures, explorer and lens: `palette.json`, which the lens's JavaScript reads too.

The hues of what is shown are those of Okabe and Ito, told apart under every common form of color blindness; segments
have muted ones of their own, which mean nothing else.
"""

import json
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Int, UInt8

_PALETTE = json.loads((files("infomerge") / "palette.json").read_text(encoding="utf-8"))
_HUES: dict[str, str] = _PALETTE["hues"]

ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    _HUES[name] for name in ("orange", "sky", "green", "yellow", "blue", "vermillion", "purple")
)
INK, GRAY, PALE = (str(_PALETTE["grays"][name]) for name in ("ink", "gray", "pale"))
SALIENT, CONTEXT, HIGHLIGHT = (_HUES[_PALETTE["roles"][role]] for role in ("salient", "context", "highlight"))
"""A salient token, a context token, and what is singled out: a token's own patch, a true cut, a pinned curve."""
SEGMENT_COLORS: tuple[str, ...] = tuple(_HUES[name] for name in _PALETTE["segments"])
"""Bands of consecutive segments; they always carry the segment's number too, in INK."""


def group_colors(
    frames: UInt8[np.ndarray, "frames height width 3"],
    grid: tuple[int, int],
    assignment: Int[np.ndarray, "tokens"],
    kept: int,
) -> Float[np.ndarray, "kept 3"]:
    """The color of each kept token's group: the mean of all pixels, over the whole clip, of the patches it stands for.

    Args:
        frames: the clip, with at least one pixel a patch.
        grid: rows and columns of patches; patch (i, j) begins at pixel i * height // rows, j * width // columns.
        assignment: the kept token (0..kept-1) of each patch, frame by frame and row by row.
        kept: number of kept tokens, each of which stands for at least its own patch.

    Returns:
        Red, green and blue, from 0 to 255.
    """
    row_starts = np.arange(grid[0]) * frames.shape[1] // grid[0]
    column_starts = np.arange(grid[1]) * frames.shape[2] // grid[1]
    heights = np.diff(row_starts, append=frames.shape[1])
    widths = np.diff(column_starts, append=frames.shape[2])
    pixels = np.tile(np.outer(heights, widths).ravel(), len(frames))
    # A frame at a time: the sums of bytes need eight times the clip's memory.
    bands = (np.add.reduceat(frame, row_starts, axis=0, dtype=np.int64) for frame in frames)
    sums = np.concatenate([np.add.reduceat(band, column_starts, axis=1).reshape(-1, 3) for band in bands])
    totals = np.stack([np.bincount(assignment, channel, kept) for channel in sums.T], axis=1)
    return totals / np.bincount(assignment, pixels, kept)[:, None]
