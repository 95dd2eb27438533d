"""The contact sheet, read back from its axes and held against what was kept."""

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from infomerge import EncodedClip, plots
from infomerge.plots.contact_sheet import FADE, fade, kept_masks, outlines
from infomerge.plots.style import CONTEXT, SALIENT, SEGMENT_COLORS
from tests.drawn import (
    cells_of_kind,
    compressed,
    drawn_edges,
    expected_edges,
    frame_at,
    in_cells,
    noise,
    owners,
    words,
)


@pytest.mark.parametrize(
    ("frames", "grid", "ratio", "options"),
    [
        (11, (4, 5), 0.3, {"min_segments": 3}),
        (5, (6, 3), 0.5, {"context_fraction": 0.0}),
        (3, (2, 2), 1.0, {}),
        (1, (3, 7), 0.4, {}),
    ],
)
def test_the_kept_cells_are_outlined_and_only_context_cells_dotted(
    frames: int, grid: tuple[int, int], ratio: float, options: dict[str, Any]
) -> None:
    out = compressed(frames, grid[0] * grid[1], ratio, **options)
    sheet = plots.contact_sheet(noise(frames, 24, 40), np.arange(frames) / 2, out, grid).axes[0]
    kept = cells_of_kind(out, grid)
    assert len(kept[SALIENT]) + len(kept[CONTEXT]) == out.kept
    for color in (SALIENT, CONTEXT):
        edges = drawn_edges(sheet, grid, color)
        assert len(edges) == len(set(edges))
        assert set(edges) == expected_edges(kept[color])

    dotted = []
    for collection in sheet.collections:
        if isinstance(collection, PatchCollection):
            for path in collection.get_paths():
                middle = path.get_extents().get_points().mean(axis=0)
                frame = frame_at(sheet, *middle)
                row, column = in_cells(sheet, frame, grid, *middle)
                assert (row % 1, column % 1) == pytest.approx((0.5, 0.5), abs=1e-6)
                dotted.append((frame, int(row), int(column)))
    assert sorted(dotted) == sorted(kept[CONTEXT])


def test_the_sheet_shows_kept_pixels_as_they_are_and_fades_all_others() -> None:
    grid, frames = (3, 4), noise(4, 24, 40)
    out = compressed(4, 12)
    sheet = plots.contact_sheet(frames, np.arange(4.0), out, grid).axes[0]
    kept = set.union(*cells_of_kind(out, grid).values())
    assert len(sheet.images) == 4
    for frame, image in enumerate(sheet.images):
        shown = np.asarray(image.get_array())
        for row in range(grid[0]):
            for column in range(grid[1]):
                patch = np.s_[8 * row : 8 * row + 8, 10 * column : 10 * column + 10]
                same = np.array_equal(shown[patch], frames[frame][patch] / 255)
                assert same == ((frame, row, column) in kept)


def test_frames_stand_in_rows_inside_the_sheet_and_keep_their_shape() -> None:
    sheet = plots.contact_sheet(noise(7, 30, 40), np.arange(7.0), compressed(7, 4), (2, 2), columns=3).axes[0]
    boxes = [image.get_extent() for image in sheet.images]
    assert len({left for left, *_ in boxes}) == 3
    assert len({top for *_, top in boxes}) == 3
    assert boxes == sorted(boxes, key=lambda box: (box[3], box[0]))
    lowest, highest = sheet.get_ylim()
    for left, right, bottom, top in boxes:
        assert (right - left) / (bottom - top) == pytest.approx(40 / 30)
        assert 0 <= left < right <= sheet.get_xlim()[1]
        assert highest <= top < bottom <= lowest
    # One unit is one inch on paper, across and down.
    width, height = sheet.get_position().size * sheet.figure.get_size_inches()
    assert (width, height) == pytest.approx((sheet.get_xlim()[1], lowest))


def test_bands_join_the_frames_of_a_segment_and_part_those_of_two() -> None:
    out = compressed(13, 6, min_segments=4)
    owner = owners(out)
    sheet = plots.contact_sheet(noise(13, 24, 40), np.arange(13) * 0.75, out, (2, 3), columns=5).axes[0]
    bands = [patch for patch in sheet.patches if isinstance(patch, Rectangle)]
    assert len(bands) == 13
    for frame, band in enumerate(bands):
        left, right, _, top = sheet.images[frame].get_extent()
        assert to_hex(band.get_facecolor()) == SEGMENT_COLORS[owner[frame] % len(SEGMENT_COLORS)].lower()
        assert band.get_y() < band.get_y() + band.get_height() < top
        assert band.get_x() <= left + 1e-9
        assert band.get_x() + band.get_width() >= right - 1e-9
        if (frame + 1) % 5 and frame < 12:
            gap = bands[frame + 1].get_x() - (band.get_x() + band.get_width())
            between = sheet.images[frame + 1].get_extent()[0] - right
            assert gap == pytest.approx(0 if owner[frame] == owner[frame + 1] else between, abs=1e-9)
    named = [f"segment {owner[f] + 1}" for f in range(13) if f % 5 == 0 or owner[f] != owner[f - 1]]
    assert [text for text in words(sheet) if text.startswith("segment")] == named
    assert [text for text in words(sheet) if text.endswith(" s")] == [f"{0.75 * f:.1f} s" for f in range(13)]


def test_wedges_stand_at_the_true_cuts() -> None:
    out = compressed(9, 4)
    figure = plots.contact_sheet(noise(9, 24, 40), np.arange(9.0), out, (2, 2), true_cuts=[0, 3, 6], columns=4)
    sheet = figure.axes[0]
    extents = [image.get_extent() for image in sheet.images]
    assert [line.get_marker() for line in sheet.lines] == ["v"] * 3
    for cut, line in zip([0, 3, 6], sheet.lines, strict=True):
        (x,), (y,) = line.get_xdata(), line.get_ydata()
        assert extents[cut][1] < x
        assert x < (extents[cut + 1][0] if cut % 4 < 3 else sheet.get_xlim()[1] + 1e-9)
        assert extents[cut][3] - 0.13 < y < extents[cut][3]
    assert "true cut" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_sheet_says_how_many_tokens_of_each_kind_there_are() -> None:
    out = compressed(6, 10, 0.3)
    figure = plots.contact_sheet(noise(6, 24, 40), np.arange(6.0), out, (2, 5), title="a clip")
    context = out.is_context.tolist().count(True)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        f"{18 - context} salient tokens",
        f"{context} context tokens",
        "42 tokens merged into them",
    ]
    assert [text.get_text() for text in figure.texts] == ["a clip", "18 of 60 tokens kept, 30.0% (requested 18)"]
    assert not figure.axes[0].lines
    pruned = EncodedClip.from_arrays(out.trace.tokens, grid=(2, 5)).compress("farthest", retention_ratio=0.3)
    figure = plots.contact_sheet(noise(6, 24, 40), np.arange(6.0), pruned, (2, 5))
    assert figure.legends[0].get_texts()[2].get_text() == "42 tokens that they stand for"


def test_fading_leaves_kept_pixels_alone_and_takes_the_color_of_others() -> None:
    frame = noise(1, 13, 11)[0]
    kept = np.array([[True, False], [False, False], [False, True]])
    faded = fade(frame, kept)
    for y in range(13):
        for x in range(11):
            if kept[y * 3 // 13, x * 2 // 11]:
                assert np.array_equal(faded[y, x], frame[y, x] / 255)
            else:
                red, green, blue = (frame[y, x] / 255).tolist()
                gray = 0.299 * red + 0.587 * green + 0.114 * blue
                assert faded[y, x] == pytest.approx([FADE + (1 - FADE) * gray] * 3)
                assert len(set(faded[y, x].tolist())) == 1


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["."], set()),
        (["#"], {(0, 0, 1, 0), (0, 1, 1, 1), (0, 0, 0, 1), (1, 0, 1, 1)}),
        (["##"], {(0, 0, 1, 0), (1, 0, 2, 0), (0, 1, 1, 1), (1, 1, 2, 1), (0, 0, 0, 1), (2, 0, 2, 1)}),
        ([".", "#"], {(0, 1, 1, 1), (0, 2, 1, 2), (0, 1, 0, 2), (1, 1, 1, 2)}),
    ],
)
def test_outlines_by_hand(rows: list[str], expected: set[tuple[int, int, int, int]]) -> None:
    found = outlines(np.array([[cell == "#" for cell in row] for row in rows]))
    assert sorted((*start, *end) for start, end in found) == sorted(expected)


@pytest.mark.parametrize(
    ("rows", "count"),
    [(["###", "#.#", "###"], 16), (["#.", ".#"], 8), (["####", "####", "####"], 14)],
)
def test_a_group_that_touches_has_one_outline_with_its_holes(rows: list[str], count: int) -> None:
    found = outlines(np.array([[cell == "#" for cell in row] for row in rows]))
    assert len(found) == len(set(found)) == count


def test_a_grid_of_the_wrong_size_is_refused() -> None:
    out = compressed(3, 12)
    assert kept_masks(out, (3, 4))[0].shape == (3, 3, 4)
    message = r"grid: got 3 x 5 = 15 positions; expected rows x columns = 12"
    with pytest.raises(ValueError, match=message):
        kept_masks(out, (3, 5))
    with pytest.raises(ValueError, match=message):
        plots.contact_sheet(noise(3, 24, 40), np.arange(3.0), out, (3, 5))
