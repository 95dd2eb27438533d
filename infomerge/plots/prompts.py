"""What compression does to the prompt of a Video-LLM: which places go, which positions stay, and what it answers."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from infomerge.plots.style import (
    BLUE,
    GRAY,
    INK,
    ORANGE,
    VERMILLION,
    PrintFigure,
    Width,
    page_width,
    single_axes,
    styled,
)
from infomerge.plots.texts import framed

_AXES = ((BLUE, "."), (ORANGE, "x"), (VERMILLION, "+"))
"""How positions are drawn: the only axis, or time, height and width."""


@styled
def prompt_diagram(
    frames: Int[np.ndarray, "sequence"],
    source: Int[np.ndarray, "shortened"],
    full_positions: Int[np.ndarray, "axes sequence"],
    positions: Int[np.ndarray, "axes shortened"],
    title: str = "",
    *,
    width: Width = "double",
) -> PrintFigure:
    """A prompt before and after its video was compressed: its places to scale above, their positions below.

    Args:
        frames: of each place of the full prompt, the frame of the video token there; -1 for words and marks.
        source: of each place of the shorter prompt, the place of the full one that it comes from; -1 for padding.
        full_positions: positions of the full prompt: one axis, or three of M-RoPE (time, height, width).
        positions: positions that the language model was given.
        title: above the figure.
        width: of the figure: "single", "double", or inches; where it is narrow all panels stand under each other.
    """
    narrow = page_width(width) < 5
    words = "colours of the strips: the frame, from the first (dark) to the last (light); black: words and marks"
    figure = framed(width, 5.2 if narrow else 3.7, title=title, words=words)
    grid = (
        figure.add_gridspec(3, 1, height_ratios=[1, 1.5, 1.5])
        if narrow
        else figure.add_gridspec(2, 2, height_ratios=[1, 1.7])
    )
    strips = figure.add_subplot(grid[0] if narrow else grid[0, :])
    _strips(strips, frames, source)
    before = figure.add_subplot(grid[1] if narrow else grid[1, 0])
    # On one scale: on two of their own the shorter prompt's line would look the same.
    after = figure.add_subplot(grid[2] if narrow else grid[1, 1], sharex=before, sharey=before)
    kept = np.where(source < 0, -1, frames[source.clip(min=0)])
    _positions(before, frames, full_positions)
    before.set(title=f"as given: {len(frames):,} places", xlabel="place in the prompt", ylabel="position given to it")
    real = source >= 0
    _positions(after, kept[real], positions[:, real])
    after.set(title=f"as read: {real.sum():,} places", xlabel="place in the prompt")
    if narrow:
        before.set_xlabel("")
        after.set_ylabel("position given to it")
    after.tick_params(labelleft=narrow)
    before.xaxis.set_major_locator(MaxNLocator(4))
    before.legend(loc="upper left", handlelength=1.2)
    for axes in (before, after):
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    before.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure


def _strips(axes: Axes, frames: Int[np.ndarray, "sequence"], source: Int[np.ndarray, "shortened"]) -> None:
    """Both prompts as strips to one scale, with each frame's tokens led from the one to the other."""
    colors = mpl.colormaps["cividis"]
    norm = Normalize(0, max(1, int(frames.max())))
    kept = np.where(source < 0, -2, frames[source.clip(min=0)])
    left = (len(frames) - len(kept)) / 2
    for row, start, (top, bottom) in ((frames, 0.0, (2.0, 1.6)), (kept, left, (0.4, 0.0))):
        picture = np.full((1, len(row), 3), mpl.colors.to_rgb(INK))
        picture[0, row == -2] = 1
        picture[0, row >= 0] = colors(norm(row[row >= 0]))[:, :3]
        axes.imshow(picture, extent=(start, start + len(row), bottom, top), aspect="auto", interpolation="nearest")
    ribbons, shades = [], []
    for frame in range(int(frames.max()) + 1):
        above, below = (np.flatnonzero(row == frame) for row in (frames, kept))
        if len(below):
            ends = (above[0], above[-1] + 1, left + below[-1] + 1, left + below[0])
            ribbons.append([(ends[0], 1.58), (ends[1], 1.58), (ends[2], 0.42), (ends[3], 0.42)])
            shades.append(colors(norm(frame)))
    axes.add_collection(PolyCollection(ribbons, facecolors=shades, edgecolors="white", linewidths=0.3, alpha=0.5))
    tokens = int((frames >= 0).sum())
    left_over = int((kept >= 0).sum())
    axes.text(0, 2.1, f"{tokens:,} video tokens of {int(frames.max()) + 1} frames, and {len(frames) - tokens:,} others")
    axes.text(
        left + len(kept) / 2,
        -0.1,
        f"{left_over:,} video tokens, and {int((kept == -1).sum()):,} others",
        ha="center",
        va="top",
    )
    axes.set(xlim=(0, len(frames)), ylim=(-0.5, 2.5))
    axes.axis("off")


def _positions(axes: Axes, frames: Int[np.ndarray, "places"], positions: Int[np.ndarray, "axes places"]) -> None:
    places = np.arange(len(frames))
    video = frames >= 0
    labels = (
        ["video tokens"] if len(positions) == 1 else [f"video tokens: {name}" for name in ("time", "height", "width")]
    )
    for number, ((color, marker), label, values) in enumerate(zip(_AXES, labels, positions, strict=False)):
        # Time lies above height and width, which fill an area.
        look: dict[str, Any] = {"markersize": 3, "zorder": 4} if number == 0 else {"markersize": 2, "alpha": 0.5}
        axes.plot(places[video], values[video], marker, color=color, label=label, rasterized=True, **look)
    axes.plot(places[~video], positions[0][~video], "s", color=INK, markersize=2.5, label="words and marks", zorder=5)
    axes.grid(color=GRAY, alpha=0.25, linewidth=0.5)


@styled
def saliency_strip(
    frames: UInt8[np.ndarray, "shown height width 3"],
    saliency: Float[np.ndarray, "shown positions"],
    grid: tuple[int, int],
    labels: Sequence[str],
    title: str = "",
    *,
    width: Width = "double",
) -> PrintFigure:
    """Frames, and below each of them the saliency of its tokens.

    Args:
        frames: RGB.
        saliency: of their tokens, row-major.
        grid: rows and columns of tokens.
        labels: above each frame.
        title: above the figure.
        width: of the figure: "single", "double", or inches.
    """
    wide = page_width(width)
    height = 0.87 * wide / len(frames) * frames.shape[1] / frames.shape[2]
    figure = framed(width, 2 * height + 0.35, title=title)
    axes = figure.subplots(2, len(frames), squeeze=False)
    # One token that draws all attention would leave the rest dark.
    norm = Normalize(float(saliency.min()), float(np.quantile(saliency, 0.99)))
    for column, (frame, values, label) in enumerate(zip(frames, saliency, labels, strict=True)):
        top, bottom = axes[:, column]
        top.imshow(frame)
        top.set_title(label)
        extent = (0, frame.shape[1], frame.shape[0], 0)
        picture = bottom.imshow(values.reshape(grid), extent=extent, cmap="cividis", norm=norm, interpolation="nearest")
        for part in (top, bottom):
            part.set_axis_off()
    figure.colorbar(picture, ax=axes, location="right", extend="max", label="attention received")
    return figure


@styled
def next_token_bars(
    labels: Sequence[str],
    probabilities: dict[str, Float[np.ndarray, "tokens"]],
    title: str = "",
    *,
    width: Width = "single",
    ax: Axes | None = None,
) -> Figure:
    """Probabilities of the likeliest next tokens, side by side for each way of asking.

    Args:
        labels: of the tokens, likeliest first.
        probabilities: by the name of the way, of the same tokens.
        title: above the figure.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own.
    """
    figure, axes = single_axes(width, 0.6 + 0.24 * len(labels), ax)
    height = 0.8 / len(probabilities)
    rows = np.arange(len(labels))
    looks = ((INK, ""), (ORANGE, "//"), (BLUE, ".."), (VERMILLION, "xx"))
    for number, ((name, values), (color, hatch)) in enumerate(zip(probabilities.items(), looks, strict=False)):
        offset = (number - (len(probabilities) - 1) / 2) * height
        axes.barh(rows + offset, values, height, color=color, hatch=hatch, edgecolor="white", linewidth=0.3, label=name)
    axes.set_yticks(rows, labels)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("probability of the next token")
    axes.set_title(title, parse_math=False)
    axes.legend(loc="lower right")
    return figure
