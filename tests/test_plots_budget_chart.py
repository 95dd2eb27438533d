"""The budget chart's panels, read back from their axes and held against the trace."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from infomerge import Compression, plots
from infomerge.plots.style import SEGMENT_COLORS, frame_edges
from tests.drawn import (
    compressed,
    flat_frames,
    words,
)


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
    # All of them are cut to have so many segments: the threshold is below every similarity.
    curve, circles, threshold, rings = chart.axes[1].lines[:4]
    assert not len(circles.get_xdata())
    between = [(a + b) / 2 for a, b in pairwise(IRREGULAR)]
    assert curve.get_xdata().tolist() == pytest.approx(between)
    assert curve.get_ydata().tolist() == out.trace.transition.tolist()
    starts = [start for start, _ in out.trace.segments.tolist()][1:]
    assert len(starts) >= 4
    assert rings.get_xdata().tolist() == pytest.approx([between[start - 1] for start in starts])
    assert rings.get_ydata().tolist() == [out.trace.transition[start - 1].item() for start in starts]
    assert (rings.get_linestyle(), rings.get_marker()) == ("None", "s")
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
    assert "true cuts" not in plain.axes[0].get_title(loc="left")


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (40, 400)])
def test_the_strip_shows_whole_pictures_in_their_own_shape(size: tuple[int, int]) -> None:
    strip = plots.budget_chart(flat_frames(6, *size), np.arange(6.0), compressed(6, 4)).axes[0]
    for image in strip.images:
        assert np.asarray(image.get_array()).shape[:2] == size
        left, right, bottom, top = image.get_extent()
        width, height = np.diff(strip.transData.transform([(left, bottom), (right, top)]), axis=0)[0]
        assert height / width == pytest.approx(size[0] / size[1], rel=0.01)


def test_no_frame_reaches_beyond_the_clip() -> None:
    times = np.array([0.0, 10, 20])
    assert frame_edges(times).tolist() == [-5, 5, 15, 25]
    assert frame_edges(times, duration=20.5).tolist() == [0, 5, 15, 20.5]


def test_cuts_that_only_make_up_the_number_of_segments_are_marked_apart() -> None:
    out = compressed(12, 16, 0.4, min_segments=5, segment_threshold=0.5)
    axes = plots.budget_chart(flat_frames(12, 9, 16), IRREGULAR, out, panels=["similarity"]).axes[0]
    marks = {line.get_marker(): line.get_ydata().tolist() for line in axes.lines if line.get_marker() in "os"}
    found = [float(out.trace.transition[start - 1]) for start, _ in out.trace.bounds[1:]]
    assert marks["o"] == [level for level in found if level < 0.5]
    assert marks["s"] == [level for level in found if level >= 0.5]
    assert "squares: cut to have 5 segments" in axes.get_title(loc="left").replace("\n", " ")
