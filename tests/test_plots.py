"""What the figures show, read back from their axes and held against the numbers they were drawn from."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch

from infomerge import Compression, InfoMergeConfig, compress, plots
from infomerge.plots.budget_chart import crop
from infomerge.plots.contact_sheet import FADE, fade, kept_masks, outlines
from infomerge.plots.style import CONTEXT, SALIENT, SEGMENT_COLORS, VERMILLION, frame_edges
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


# The contact sheet.


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


# The budget chart.


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0.0, 1, 2], [-0.5, 0.5, 1.5, 2.5]),
        ([0.0, 1, 4, 4.5], [-0.5, 0.5, 2.5, 4.25, 4.75]),
        ([7.0, 9], [6, 8, 10]),
        ([3.0], [2.5, 3.5]),
    ],
)
def test_frames_begin_and_end_half_way_to_their_neighbors(times: list[float], expected: list[float]) -> None:
    assert frame_edges(np.array(times)).tolist() == expected


IRREGULAR = np.array([0.0, 0.5, 2, 2.25, 4, 4.5, 6, 9, 9.5, 10, 12, 13])


@pytest.fixture(scope="module")
def chart_and_run() -> tuple[Figure, Compression]:
    out = compressed(12, 16, 0.4, min_segments=5, temperature=3.0)
    chart = plots.budget_chart(flat_frames(12, 45, 80), IRREGULAR, out, title="a clip", true_cuts=[2, 7])
    return chart, out


def segment_bounds(out: Compression, times: np.ndarray) -> list[float]:
    """Where segments begin and end, in seconds: half-way between the frames on both sides."""
    starts = [start for start, _ in out.trace.segments.tolist()][1:]
    inner = [(times[start - 1] + times[start]) / 2 for start in starts]
    first, last = (times[1] - times[0]) / 2, (times[-1] - times[-2]) / 2
    return [float(value) for value in (times[0] - first, *inner, times[-1] + last)]


def steps(axes: Axes) -> Iterator[tuple[StepPatch, list[float], list[float]]]:
    for patch in axes.patches:
        assert isinstance(patch, StepPatch)
        values, edges, _ = patch.get_data()
        yield patch, values.tolist(), edges.tolist()


@pytest.mark.parametrize(("panel", "name"), [(2, "uniqueness"), (3, "richness")])
def test_the_chart_steps_through_what_budgets_come_from(
    chart_and_run: tuple[Figure, Compression], panel: int, name: str
) -> None:
    chart, out = chart_and_run
    drawn = list(steps(chart.axes[panel]))
    assert len(drawn) == 2
    for _, values, edges in drawn:
        assert values == getattr(out.trace, name).tolist()
        assert edges == pytest.approx(segment_bounds(out, IRREGULAR))
    assert chart.axes[panel].get_ylim()[1] > max(drawn[0][1])


def test_weights_are_drawn_for_a_frame(chart_and_run: tuple[Figure, Compression]) -> None:
    chart, out = chart_and_run
    weights, segments = out.trace.weight.tolist(), out.trace.segments.tolist()
    a_frame = [weight / (end - start) for weight, (start, end) in zip(weights, segments, strict=True)]
    for _, values, edges in steps(chart.axes[4]):
        assert values == pytest.approx(a_frame)
        assert edges == pytest.approx(segment_bounds(out, IRREGULAR))


def test_the_last_panel_sets_the_budget_by_content_against_that_by_length(
    chart_and_run: tuple[Figure, Compression],
) -> None:
    chart, out = chart_and_run
    lengths = [end - start for start, end in out.trace.segments.tolist()]
    ours, theirs = (
        [b / n for b, n in zip(budget.tolist(), lengths, strict=True)]
        for budget in (out.trace.budget, out.trace.length_budget)
    )
    assert ours != theirs
    assert len(set(lengths)) > 1
    drawn = list(steps(chart.axes[5]))
    lines = {patch.get_linestyle() in ("--", "dashed"): values for patch, values, _ in drawn if patch.get_linewidth()}
    assert lines == {True: pytest.approx(theirs), False: pytest.approx(ours)}
    areas = [(patch, values) for patch, values, _ in drawn if not patch.get_linewidth()]
    for patch, values in areas:
        assert patch.get_data().baseline.tolist() == pytest.approx(theirs)
        better = max if patch.get_hatch() is None else min
        assert values == pytest.approx([better(pair) for pair in zip(ours, theirs, strict=True)])
    assert [patch.get_hatch() is None for patch, _ in areas] == [True, False]
    assert all(edges == pytest.approx(segment_bounds(out, IRREGULAR)) for *_, edges in drawn)


def test_every_segment_carries_its_whole_budget_in_its_middle(chart_and_run: tuple[Figure, Compression]) -> None:
    chart, out = chart_and_run
    bounds = segment_bounds(out, IRREGULAR)
    numbers = chart.axes[5].texts
    assert words(chart.axes[5]) == [str(budget) for budget in out.trace.budget.tolist()]
    assert [text.get_position()[0] for text in numbers] == pytest.approx(
        [(left + right) / 2 for left, right in pairwise(bounds)]
    )
    assert all(text.get_position()[1] < chart.axes[5].get_ylim()[1] for text in numbers)


def test_similarity_is_drawn_between_the_frames_and_ringed_where_segments_begin(
    chart_and_run: tuple[Figure, Compression],
) -> None:
    chart, out = chart_and_run
    curve, rings, threshold = chart.axes[1].lines[:3]
    between = [(a + b) / 2 for a, b in pairwise(IRREGULAR)]
    assert curve.get_xdata().tolist() == pytest.approx(between)
    assert curve.get_ydata().tolist() == out.trace.transition.tolist()
    starts = [start for start, _ in out.trace.segments.tolist()][1:]
    assert len(starts) >= 4
    assert rings.get_xdata().tolist() == pytest.approx([between[start - 1] for start in starts])
    assert rings.get_ydata().tolist() == [out.trace.transition[start - 1].item() for start in starts]
    assert (rings.get_linestyle(), rings.get_marker()) == ("None", "o")
    assert list(threshold.get_ydata()) == [out.config.segment_threshold] * 2


def test_every_panel_is_parted_at_the_segments_and_spans_the_clip(chart_and_run: tuple[Figure, Compression]) -> None:
    chart, out = chart_and_run
    bounds = segment_bounds(out, IRREGULAR)
    for axes in chart.axes[1:]:
        upright = [line for line in axes.lines if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1]
        assert [line.get_xdata()[0] for line in upright] == pytest.approx(bounds[1:-1])
    assert [axes.get_xlim() for axes in chart.axes] == [pytest.approx((bounds[0], bounds[-1]))] * 6


def test_the_strip_shows_the_frame_of_each_time_over_numbered_bands(
    chart_and_run: tuple[Figure, Compression],
) -> None:
    chart, out = chart_and_run
    strip = chart.axes[0]
    assert len(strip.images) > 3
    edges = frame_edges(IRREGULAR)
    taken = []
    for image in strip.images:
        left, right, bottom, top = image.get_extent()
        picture = np.asarray(image.get_array())
        (level,) = set(picture.flat)
        taken.append(int(level) // 10)
        # The frame is on the screen at some time of those that its picture spans.
        assert edges[taken[-1]] <= right + 0.1
        assert edges[taken[-1] + 1] >= left - 0.1
        on_paper = strip.transData.transform([(left, bottom), (right, top)])
        width, height = on_paper[1] - on_paper[0]
        assert picture.shape[1] / picture.shape[0] == pytest.approx(width / height, rel=0.05)
    assert taken == sorted(taken)
    # A short opening is seen, too.
    assert (taken[0], taken[-1]) == (0, 11)
    bounds = segment_bounds(out, IRREGULAR)
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in strip.patches]
    assert np.array(bands) == pytest.approx(np.array([bounds[:-1], bounds[1:]]).T)
    colors = [to_hex(patch.get_facecolor()) for patch in strip.patches]
    assert colors == [SEGMENT_COLORS[n % len(SEGMENT_COLORS)].lower() for n in range(len(bands))]
    assert words(strip)[: len(bands)] == [str(n + 1) for n in range(len(bands))]


def test_the_chart_marks_true_cuts_between_the_frames_that_they_part(
    chart_and_run: tuple[Figure, Compression],
) -> None:
    (wedges,) = chart_and_run[0].axes[0].lines
    assert wedges.get_marker() == "v"
    assert wedges.get_xdata().tolist() == [(2 + 2.25) / 2, (9 + 9.5) / 2]
    plain = plots.budget_chart(flat_frames(3, 9, 16), np.arange(3.0), compressed(3, 4))
    assert not plain.axes[0].lines
    assert "true cuts" not in words(plain.axes[0])


@pytest.mark.parametrize(
    ("height", "width", "aspect", "cropped"),
    [
        (90, 160, 16 / 9, (90, 160)),
        (90, 160, 1.0, (90, 90)),
        (160, 90, 1.0, (90, 90)),
        (100, 100, 4.0, (25, 100)),
        (100, 100, 0.25, (100, 25)),
        (1, 1, 1.3, (1, 1)),
    ],
)
def test_crops_take_the_middle(height: int, width: int, aspect: float, cropped: tuple[int, int]) -> None:
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, :, 0], frame[:, :, 1] = np.arange(height)[:, None], np.arange(width)
    middle = crop(frame, aspect)
    assert middle.shape == (*cropped, 3)
    for channel, size, kept in ((0, height, cropped[0]), (1, width, cropped[1])):
        first, last = int(middle[..., channel].min()), int(middle[..., channel].max())
        assert last - first == kept - 1
        assert abs(first - (size - 1 - last)) <= 1


# Fingerprints, priors, spectra, the token grid.


def tiles(frames: int, grid: tuple[int, int], size: int) -> np.ndarray:
    """Frames whose every token has a colour of its own: frame, row and column, times 20."""
    tiled = np.zeros((frames, grid[0] * size, grid[1] * size, 3), np.uint8)
    for frame in range(frames):
        for row in range(grid[0]):
            for column in range(grid[1]):
                patch = np.s_[row * size : (row + 1) * size, column * size : (column + 1) * size]
                tiled[frame][patch] = (20 * frame, 20 * row, 20 * column)
    return tiled


def test_fingerprint_matrices_are_drawn_as_they_are_beside_their_patches() -> None:
    g = torch.Generator().manual_seed(3)
    matrices = (2 * torch.rand(3, 5, 5, generator=g) - 1).numpy()
    matrices[:, range(5), range(5)] = 1
    figure = plots.fingerprint_matrices(
        tiles(5, (3, 4), 8),
        [0, 6, 11],
        ["still", "moving", "corner"],
        matrices,
        np.array([0.0, 0.125, 0.25]),
        np.array([0.5, 0.0625, 1.0]),
        (3, 4),
    )
    overview, *panels = figure.axes[:4]
    corners = [(patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()) for patch in overview.patches]
    assert corners[::2] == corners[1::2] == [(0, 0, 1, 1), (2, 1, 1, 1), (3, 2, 1, 1)]
    assert words(overview) == ["a", "b", "c"]
    for panel, matrix, place in zip(panels, matrices, [(0, 0), (1, 2), (2, 3)], strict=True):
        image, strip = panel.images
        assert np.array_equal(image.get_array(), matrix)
        assert image.get_clim() == (matrices.min(), 1)
        patches = np.split(np.asarray(strip.get_array()), 5, axis=1)
        for frame, patch in enumerate(patches):
            assert {tuple(pixel) for pixel in patch.reshape(-1, 3).tolist()} == {
                (20 * frame, 20 * place[0], 20 * place[1])
            }
    assert [panel.get_title(loc="left") for panel in panels] == ["(a) still", "(b) moving", "(c) corner"]
    assert [panel.get_xlabel().partition("\n")[2] for panel in panels] == [
        "TFD 0.000, adjacent 0.500",
        "TFD 0.125, adjacent 0.062",
        "TFD 0.250, adjacent 1.000",
    ]


def test_static_score_maps_show_scores_and_candidates_and_say_where_there_are_none() -> None:
    tfd = np.array([[0.1, 0.5, 0.2, 0.9, 0.3, 0.4], [np.nan] * 6])
    adjacent = 2 * tfd
    by_tfd = np.array([[True, False, True, False, False, False], [False] * 6])
    by_adjacent = np.array([[False, False, False, False, False, True], [False] * 6])
    figure = plots.static_score_maps(
        noise(2, 20, 30), tfd, adjacent, by_tfd, by_adjacent, grid=(2, 3), names=["first", "one frame"]
    )
    panels = np.array(figure.axes[:6]).reshape(3, 2)
    for row, values, static in ((1, tfd, by_tfd), (2, adjacent, by_adjacent)):
        top = panels[row, 0].images[0].get_clim()[1]
        assert np.sort(values[0])[-2] < top <= values[0].max()
        for column in range(2):
            axes = panels[row, column]
            assert np.array_equal(
                np.ma.filled(axes.images[0].get_array(), np.nan), values[column].reshape(2, 3), equal_nan=True
            )
            assert axes.images[0].get_clim() == (0, top)
            red = [line for line in axes.lines if line.get_color() == VERMILLION]
            drawn = {frozenset(zip(line.get_ydata(), line.get_xdata(), strict=True)) for line in red}
            cells = {(0, *divmod(position, 3)) for position in range(6) if static[column, position]}
            assert drawn == {ends for _, ends in expected_edges(cells)}
            assert words(axes) == ([] if column == 0 else ["undefined:\none frame"])
    assert [axes.get_title(loc="left") for axes in panels[0]] == ["first", "one frame"]


def test_static_score_maps_of_nothing_but_one_frame_segments_or_still_pictures() -> None:
    none = np.zeros((1, 4), bool)
    undefined = np.full((1, 4), np.nan)
    figure = plots.static_score_maps(noise(1, 20, 30), undefined, undefined, none, none, (2, 2), ["alone"])
    assert [words(axes) for axes in figure.axes[1:3]] == [["undefined:\none frame"]] * 2
    figure = plots.static_score_maps(
        noise(1, 20, 30), 0 * np.ones((1, 4)), np.ones((1, 4)), ~none, none, (2, 2), ["still"]
    )
    assert np.array_equal(figure.axes[1].images[0].get_array(), np.zeros((2, 2)))


def test_spectra_are_summed_up_and_read_off_at_the_top_directions() -> None:
    spectra = {"a": np.array([0.5, 0.25, 0.125, 0.125]), "b": np.array([0.75, 0.25])}
    axes = plots.energy_spectrum(spectra, top=3, paper_share=0.881).axes[0]
    lines = axes.lines
    assert lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert lines[0].get_ydata().tolist() == [0.5, 0.75, 0.875, 1]
    assert lines[2].get_ydata().tolist() == [0.75, 1]
    marks = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in (lines[1], lines[3], lines[4])]
    assert marks == [(3, 0.875), (2, 1), (3, 0.881)]
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a: 87.5%", "b: 100.0%", "paper: 88.1%"]
    assert legend.get_title().get_text() == "held by the first 3"
    assert lines[0].get_color() != lines[2].get_color()
    assert lines[0].get_linestyle() != lines[2].get_linestyle()


def test_more_spectra_than_lines_that_differ_are_refused() -> None:
    spectra = {f"clip {number}": np.array([0.75, 0.25]) for number in range(6)}
    with pytest.raises(ValueError, match="spectra: got 6; expected up to 5"):
        plots.energy_spectrum(spectra)
    assert len(plots.energy_spectrum(dict(list(spectra.items())[:5])).axes[0].get_legend().get_texts()) == 5


def test_more_positions_than_letters_are_refused() -> None:
    with pytest.raises(ValueError, match="positions: got 9; expected 1 to 8"):
        plots.fingerprint_matrices(
            noise(2, 20, 30), [0] * 9, ["x"] * 9, np.ones((9, 2, 2)), np.ones(9), np.ones(9), (2, 2)
        )


def test_the_token_grid_lies_over_the_frame_squeezed_to_a_square() -> None:
    frame = noise(1, 20, 50)[0]
    left, right = plots.token_grid(frame, (4, 6)).axes
    assert np.array_equal(left.images[0].get_array(), frame)
    assert np.array_equal(right.images[0].get_array(), frame)
    corners = right.transData.transform([(0, 0), (6, 4)])
    assert np.ptp(corners[:, 0]) == pytest.approx(np.ptp(corners[:, 1]), rel=1e-3)
    upright, level = (collection.get_segments() for collection in right.collections)
    assert [segment[:, 0].tolist() for segment in upright] == [[x, x] for x in range(1, 6)]
    assert [segment[:, 1].tolist() for segment in level] == [[y, y] for y in range(1, 4)]
    assert right.get_title(loc="left") == "as encoded: 4 x 6 = 24 tokens"


# What all figures share.


@pytest.mark.parametrize(
    ("frames", "grid", "size", "options"),
    [
        (1, (2, 3), (36, 64), {}),
        (1, (1, 1), (64, 36), {}),
        (2, (10, 1), (64, 36), {"min_segments": 1}),
        (6, (2, 7), (36, 64), {"min_segments": 1, "static_prior": "none"}),
        (9, (3, 2), (40, 40), {"min_segments": 9, "allocation": "length"}),
    ],
)
def test_small_and_odd_clips_can_be_drawn(
    frames: int, grid: tuple[int, int], size: tuple[int, int], options: dict[str, Any]
) -> None:
    out = compressed(frames, grid[0] * grid[1], 0.5, **options)
    times = np.arange(frames) * 0.4
    sheet = plots.contact_sheet(noise(frames, *size), times, out, grid)
    assert len(sheet.axes[0].images) == frames
    chart = plots.budget_chart(noise(frames, *size), times, out)
    assert words(chart.axes[5]) == [str(budget) for budget in out.trace.budget.tolist()]


def test_names_of_clips_are_not_read_as_formulas() -> None:
    name = r"take $1\frac$"
    out = compressed(2, 4)
    for figure in (
        plots.contact_sheet(noise(2, 24, 40), np.arange(2.0), out, (2, 2), title=name),
        plots.budget_chart(noise(2, 24, 40), np.arange(2.0), out, title=name),
    ):
        assert figure.texts[0].get_text() == name


def small_sheet(title: str = "a clip") -> Figure:
    return plots.contact_sheet(
        noise(3, 24, 40), np.arange(3.0), compressed(3, 6), (2, 3), title=title, true_cuts=[1], columns=2
    )


def small_chart(title: str = "a clip") -> Figure:
    return plots.budget_chart(noise(3, 24, 40), np.arange(3.0), compressed(3, 6), title=title, true_cuts=[1])


@pytest.mark.parametrize("draw", [small_sheet, small_chart])
def test_the_same_figure_gives_the_same_bytes_whatever_the_readers_settings(draw: Any, tmp_path: Path) -> None:
    written = plots.save(draw(), tmp_path / "new folder" / "plain")
    assert written == [tmp_path / "new folder" / name for name in ("plain.pdf", "plain.png")]
    settings = {"font.size": 31, "savefig.bbox": "tight", "font.sans-serif": ["DejaVu Serif"], "lines.linewidth": 9}
    with mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        again = plots.save(draw(), tmp_path / "again.png")
        assert dict(mpl.rcParams) == before
    assert again == [tmp_path / "again.pdf", tmp_path / "again.png"]
    for first, second in zip(written, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_saved_figures_are_a_pdf_with_truetype_fonts_and_a_sharp_png(tmp_path: Path) -> None:
    figure = small_chart()
    pdf, png = plots.save(figure, tmp_path / "chart.v1")
    assert (pdf.name, png.name) == ("chart.v1.pdf", "chart.v1.png")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"/FontFile2" in pdf.read_bytes()
    assert b"/Type3" not in pdf.read_bytes()
    assert b"/CreationDate" not in pdf.read_bytes()
    header = png.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == pytest.approx(figure.get_size_inches() * 220, abs=1)


def test_saving_replaces_whole_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    plots.save(small_sheet(), tmp_path / "sheet")
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    plots.save(small_sheet("another"), tmp_path / "sheet")
    new = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(old) == sorted(new) == ["sheet.pdf", "sheet.png"]
    assert all(old[name] != new[name] for name in old)


def test_a_save_that_fails_leaves_the_old_files_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = small_sheet()
    for name in ("sheet.pdf", "sheet.png"):
        (tmp_path / name).write_text("mine")

    def fail_half_way(path: str, **_: Any) -> None:
        Path(path).write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="disk full"):
        plots.save(figure, tmp_path / "sheet")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"sheet.pdf": "mine", "sheet.png": "mine"}


def test_drawing_changes_no_input() -> None:
    frames, times, out = noise(3, 24, 40), np.arange(3.0), compressed(3, 6)
    given = (frames.copy(), times.copy(), out.index.clone(), out.trace.budget.clone())
    plots.contact_sheet(frames, times, out, (2, 3))
    plots.budget_chart(frames, times, out)
    assert np.array_equal(frames, given[0])
    assert np.array_equal(times, given[1])
    assert torch.equal(out.index, given[2])
    assert torch.equal(out.trace.budget, given[3])
