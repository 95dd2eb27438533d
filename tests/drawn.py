"""Clips to draw, and what their figures show, read back from the axes."""

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from infomerge import Compression, InfoMergeConfig, compress
from infomerge.plots.style import CONTEXT, SALIENT
from tests.clips import random_clip

Cell = tuple[int, int, int]
"""Frame, row and column."""


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(frames).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def flat_frames(frames: int, height: int, width: int) -> np.ndarray:
    """Frames of one colour each, 10 x the frame's number, so that a picture tells which frame it is."""
    levels = 10 * np.arange(frames, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, height, width, 3)).copy()


def compressed(frames: int, positions: int, ratio: float = 0.3, **options: Any) -> Compression:
    tokens = random_clip(torch.Generator().manual_seed(frames + positions), frames, positions, 8)
    # Cut only as often as asked, so that segments differ in length.
    return compress(tokens, InfoMergeConfig(**{"retention_ratio": ratio, "segment_threshold": -1.0} | options))


def cells_of_kind(out: Compression, grid: tuple[int, int]) -> dict[str, set[Cell]]:
    cells: dict[str, set[Cell]] = {SALIENT: set(), CONTEXT: set()}
    for index, is_context in zip(out.index.tolist(), out.is_context.tolist(), strict=True):
        frame, position = divmod(index, grid[0] * grid[1])
        cells[CONTEXT if is_context else SALIENT].add((frame, *divmod(position, grid[1])))
    return cells


def owners(out: Compression) -> list[int]:
    """The number of each frame's segment."""
    return [number for number, (start, end) in enumerate(out.trace.segments.tolist()) for _ in range(start, end)]


def frame_at(sheet: Axes, x: float, y: float) -> int:
    """The frame of a contact sheet that a point lies in."""
    hits = []
    for frame, image in enumerate(sheet.images):
        left, right, bottom, top = image.get_extent()
        if left - 1e-6 <= x <= right + 1e-6 and top - 1e-6 <= y <= bottom + 1e-6:
            hits.append(frame)
    assert len(hits) == 1
    return hits[0]


def in_cells(sheet: Axes, frame: int, grid: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """A point of a contact sheet in rows and columns of a frame's token grid."""
    left, right, bottom, top = sheet.images[frame].get_extent()
    return (y - top) / (bottom - top) * grid[0], (x - left) / (right - left) * grid[1]


def drawn_edges(sheet: Axes, grid: tuple[int, int], color: str) -> list[tuple[int, frozenset[tuple[int, int]]]]:
    """Frame and end points, in cells, of all outlines in one colour."""
    edges = []
    for collection in sheet.collections:
        if not isinstance(collection, LineCollection) or to_hex(collection.get_colors()[0]) != color.lower():
            continue
        for segment in collection.get_segments():
            frame = frame_at(sheet, *segment.mean(axis=0))
            ends = np.array([in_cells(sheet, frame, grid, *point) for point in segment])
            assert ends == pytest.approx(ends.round(), abs=1e-6)
            edges.append((frame, frozenset((int(row), int(column)) for row, column in ends.round())))
    return edges


def expected_edges(cells: set[Cell]) -> set[tuple[int, frozenset[tuple[int, int]]]]:
    edges = set()
    for frame, row, column in cells:
        sides = {
            (row - 1, column): {(row, column), (row, column + 1)},
            (row + 1, column): {(row + 1, column), (row + 1, column + 1)},
            (row, column - 1): {(row, column), (row + 1, column)},
            (row, column + 1): {(row, column + 1), (row + 1, column + 1)},
        }
        edges |= {(frame, frozenset(ends)) for other, ends in sides.items() if (frame, *other) not in cells}
    return edges


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]
