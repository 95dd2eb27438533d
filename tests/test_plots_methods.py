"""The sheet of methods: what is drawn is what was kept, method by method and frame by frame."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_hex

from infomerge import Compression, plots
from infomerge.methods import METHODS
from infomerge.plots.style import CONTEXT, SALIENT, PrintFigure
from tests.clips import random_clip

FRAMES, ROWS, COLUMNS = 9, 4, 5
SHOWN = (0, 4, 8)
NAMES = ("infomerge", "tome", "uniform-frames")


def noise(frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, 24, 40, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def runs() -> dict[str, Compression]:
    tokens = random_clip(torch.Generator().manual_seed(1), FRAMES, ROWS * COLUMNS, 12)
    return {name: METHODS[name](tokens, 0.3) for name in NAMES}


@pytest.fixture(scope="module")
def figure(runs: dict[str, Compression]) -> PrintFigure:
    return plots.methods_side_by_side(
        noise(), np.arange(FRAMES) / 2, runs, (ROWS, COLUMNS), SHOWN, title="a $clip", true_cuts=[3, 6]
    )


def in_frame(axes: Axes, x: float, y: float) -> tuple[int, int]:
    """Row and column of the cell at a place in a drawn frame."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    return int(y / height * ROWS), int(x / width * COLUMNS)


def kept_cells(out: Compression, frame: int, context: bool) -> set[tuple[int, int]]:
    chosen = (out.frame == frame) & (out.is_context == context)
    return {divmod(position, COLUMNS) for position in out.position[chosen].tolist()}


def outlined(axes: Axes, color: str) -> set[tuple[int, int]]:
    """The cells that lie inside of the outlines of one colour, found by crossing outlines from the left."""
    edges = set()
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    for lines in axes.collections:
        if isinstance(lines, LineCollection) and len(lines.get_colors()):
            if to_hex(lines.get_colors()[0]) != color.lower():
                continue
            for (x0, y0), (x1, y1) in lines.get_segments():
                if x0 == x1:
                    edges.add((int(min(y0, y1) / height * ROWS + 0.5), round(x0 / width * COLUMNS)))
    cells = set()
    for row in range(ROWS):
        inside = False
        for column in range(COLUMNS):
            inside ^= (row, column) in edges
            if inside:
                cells.add((row, column))
    return cells


def test_every_shown_frame_outlines_the_tokens_that_are_kept(figure: PrintFigure, runs: dict) -> None:
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == len(NAMES) * len(SHOWN)
    for number, axes in enumerate(pictures):
        out, frame = runs[NAMES[number // len(SHOWN)]], SHOWN[number % len(SHOWN)]
        assert outlined(axes, SALIENT) == kept_cells(out, frame, context=False)
        assert outlined(axes, CONTEXT) == kept_cells(out, frame, context=True)
        dots = [dot for found in axes.collections if isinstance(found, PatchCollection) for dot in found.get_paths()]
        centers = {in_frame(axes, *dot.vertices[:-1].mean(axis=0)) for dot in dots}
        assert centers == kept_cells(out, frame, context=True)


def test_bars_count_the_kept_tokens_of_each_frame(figure: PrintFigure, runs: dict) -> None:
    spreads = [axes for axes in figure.axes if not axes.images]
    assert len(spreads) == len(NAMES)
    for out, axes in zip(runs.values(), spreads, strict=True):
        heights = [bar.get_height() for bar in axes.patches]
        for context, found in ((False, heights[:FRAMES]), (True, heights[FRAMES:])):
            assert found == [len(kept_cells(out, frame, context)) for frame in range(FRAMES)]
        most = max(below + above for below, above in zip(heights[:FRAMES], heights[FRAMES:], strict=True))
        assert axes.get_yticks().tolist() == [0, most]
        dashed, *cuts, shown = axes.lines
        assert dashed.get_ydata()[0] == pytest.approx(out.kept / FRAMES)
        assert [line.get_xdata()[0] for line in cuts] == [3.5, 6.5]
        assert list(shown.get_xdata()) == list(SHOWN)


def test_kinds_differ_without_color(figure: PrintFigure) -> None:
    bars = next(axes for axes in figure.axes if not axes.images).patches
    assert not bars[0].get_hatch()
    assert bars[-1].get_hatch()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "salient, or kept as it is" in texts
    assert "context, merged from others" in texts


def test_names_and_counts_stand_beside_their_rows_and_clear_of_the_frames(figure: PrintFigure, runs: dict) -> None:
    words = {text.get_text(): text for text in figure.texts}
    assert "a $clip" in words
    assert f"each keeps {54} of 180 tokens, 30.0%" in words
    left = min(axes.get_window_extent().x0 for axes in figure.axes)
    tops = [words[name].get_window_extent().y0 for name in NAMES]
    assert all(above > below for above, below in pairwise(tops))
    for name, out in runs.items():
        merged = int(out.is_context.sum())
        assert f"{out.kept - merged} as they are\n{merged} merged" in words
        assert words[name].get_window_extent().x1 < left


def test_the_longest_name_of_all_methods_fits(runs: dict) -> None:
    longest = max(METHODS, key=len)
    named = {longest: runs["infomerge"]}
    figure = plots.methods_side_by_side(noise(), np.arange(FRAMES) / 2, named, (ROWS, COLUMNS), SHOWN)
    text = next(text for text in figure.texts if "".join(text.get_text().split()) == longest)
    assert text.get_window_extent().x1 < min(axes.get_window_extent().x0 for axes in figure.axes)


def test_bad_arguments_are_named(runs: dict) -> None:
    with pytest.raises(ValueError, match="runs: got none"):
        plots.methods_side_by_side(noise(), np.arange(9.0), {}, (ROWS, COLUMNS), SHOWN)
    for shown in ((), (0, 9)):
        with pytest.raises(ValueError, match=r"shown: got .*; expected one or more of the frames 0 to 8"):
            plots.methods_side_by_side(noise(), np.arange(9.0), runs, (ROWS, COLUMNS), shown)
