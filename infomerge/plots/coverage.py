"""What kept tokens cover: from which frames each takes its members, and how near each token is to any of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm

from infomerge.compression import Compression
from infomerge.plots.clip_argument import takes_clip
from infomerge.plots.contact_sheet import outlines
from infomerge.plots.style import BLUE, DOUBLE_COLUMN, INK, ORANGE, PALE, VERMILLION, PrintFigure, frame_edges, styled


@takes_clip
@styled
def membership_map(
    timestamps: Float[np.ndarray, "frames"],
    out: Compression,
    *,
    title: str = "",
    true_cuts: Sequence[int] = (),
    unit: str = "s",
) -> PrintFigure:
    """A row for each kept token, a column for each frame: how many tokens of the frame the kept one stands for.

    Rows are in the order of the kept tokens' own frames, which are outlined. What is filled beside the outlines is
    said across time. For methods that merge into segments the filled parts make blocks, for methods that prune frame
    by frame there is nothing beside the outlines.

    Args:
        timestamps: of the frames, in `unit`.
        out: the compression.
        title: what the clip and the method are.
        true_cuts: frames after which the clip is known to cut; dotted lines.
        unit: of the timestamps.

    Raises:
        ValueError: there are not as many timestamps as the clip has frames.
    """
    frames = len(out.assignment) // out.positions
    if len(timestamps) != frames:
        raise ValueError(f"timestamps: got {len(timestamps)}; expected one for each of the {frames} frames")
    frame_of = np.arange(len(out.assignment)) // out.positions
    members = np.zeros((out.kept, frames))
    np.add.at(members, (out.assignment.cpu().numpy(), frame_of), 1)

    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 3.6), layout="constrained")
    axes = figure.subplots()
    edges = frame_edges(timestamps)
    mesh = axes.pcolormesh(
        edges,
        np.arange(out.kept + 1),
        np.ma.masked_equal(members, 0),
        norm=LogNorm(1, max(2, members.max())),
        cmap="cividis_r",
        rasterized=True,
    )
    starts = np.searchsorted(out.frame.cpu().numpy(), np.arange(frames + 1))
    own = [
        [(edges[f], low), (edges[f + 1], low), (edges[f + 1], high), (edges[f], high), (edges[f], low)]
        for f, (low, high) in enumerate(pairwise(starts))
        if high > low
    ]
    axes.add_collection(LineCollection(own, colors=VERMILLION, linewidths=0.7, label="the kept tokens' own frames"))
    axes.legend(loc="upper right", frameon=True, framealpha=1, edgecolor="none")
    _mark_cuts(axes, edges, true_cuts)
    axes.set(xlabel=f"time ({unit})", ylabel="kept tokens, by their own frame", ylim=(out.kept, 0), title=title)
    axes.set_xlim(edges[0], edges[-1])
    bar = figure.colorbar(mesh, ax=axes, pad=0.015, aspect=28, format="%d")
    bar.set_label("tokens of a frame that a kept token stands for")
    bar.outline.set_visible(False)
    return figure


@takes_clip
@styled
def coverage_map(
    frames: UInt8[np.ndarray, "frames height width 3"],
    timestamps: Float[np.ndarray, "frames"],
    similarity: Float[np.ndarray, "frames positions"],
    grid: tuple[int, int],
    shown: Sequence[int],
    *,
    threshold: float = 0.9,
    title: str = "",
    true_cuts: Sequence[int] = (),
    unit: str = "s",
) -> PrintFigure:
    """How near every token of a few frames is to its nearest kept token, and how many are near over the whole clip.

    Args:
        frames: the frames that were encoded.
        timestamps: of the frames, in `unit`.
        similarity: cosine of each token to the nearest kept one, by `measure.coverage.nearest_similarity`.
        grid: rows and columns of tokens in a frame.
        shown: numbers of the frames that are drawn.
        threshold: cosine above which a token counts as covered; where they lie is outlined.
        title: what the clip and the method are.
        true_cuts: frames after which the clip is known to cut; dotted lines.
        unit: of the timestamps.

    Raises:
        ValueError: no frame is shown, or one that the clip does not have.
    """
    strangers = [frame for frame in shown if not 0 <= frame < len(frames)]
    if not shown or strangers:
        found = strangers or "none"
        raise ValueError(f"shown: got {found}; expected numbers of frames from 0 to {len(frames) - 1}")
    _, height, width, _ = frames.shape
    cell = (DOUBLE_COLUMN - 0.9) / len(shown) * height / width
    figure = PrintFigure(figsize=(DOUBLE_COLUMN, 2 * cell + 2.0), layout="constrained")
    if title:
        figure.suptitle(title, fontsize=8, weight="bold", x=0.01, ha="left")
    panels = figure.add_gridspec(3, len(shown), height_ratios=[cell, cell, 1.1])
    drawn = []
    for column, frame in enumerate(shown):
        picture, heat = (figure.add_subplot(panels[row, column]) for row in (0, 1))
        square = {"extent": (0, grid[1], grid[0], 0), "aspect": height / width * grid[1] / grid[0]}
        picture.imshow(frames[frame], interpolation="antialiased", **square)
        when = "" if unit == "frame" else f"\n{timestamps[frame]:.1f} {unit}"
        picture.set_title(f"frame {frame}{when}", fontsize=6.5)
        values = similarity[frame].reshape(grid)
        image = heat.imshow(values, vmin=0, vmax=1, **square)
        heat.add_collection(LineCollection(outlines(values > threshold), colors=INK, linewidths=0.7))
        for axes in (picture, heat):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            drawn.append(axes)
    bar = figure.colorbar(image, ax=drawn, aspect=16, pad=0.01, shrink=0.8, extend="min")
    bar.set_label("cosine to the nearest\nkept token", fontsize=6.5)
    bar.outline.set_visible(False)

    curve = figure.add_subplot(panels[2, :])
    edges = frame_edges(timestamps)
    curve.stairs((similarity > threshold).mean(axis=1), edges, fill=True, color=PALE)
    covered = curve.stairs((similarity > threshold).mean(axis=1), edges, color=BLUE, baseline=None)
    mean = curve.stairs(similarity.mean(axis=1), edges, color=ORANGE, baseline=None)
    for frame in shown:
        curve.plot(timestamps[frame], 0.05, marker="^", color=INK, markersize=3.5, markeredgewidth=0)
    _mark_cuts(curve, edges, true_cuts)
    curve.set(xlabel=f"time ({unit})", ylabel="of a frame's tokens", ylim=(0, 1), xlim=(edges[0], edges[-1]))
    names = [f"share with cosine above {threshold:g}", "mean cosine"]
    curve.legend([covered, mean], names, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
    return figure


def _mark_cuts(axes: Axes, edges: Float[np.ndarray, "frame_edges"], cuts: Sequence[int]) -> None:
    for cut in cuts:
        axes.axvline(edges[cut + 1], color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
