"""The budget chart's words and its second configuration, read back from the figure."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from infomerge import Compression, InfoMergeConfig, compress, plots
from tests.clips import random_clip

FRAMES, TIMES = 12, np.arange(12.0)
EDGES = np.arange(13) - 0.5


def compressed(**options: Any) -> Compression:
    tokens = random_clip(torch.Generator().manual_seed(1), FRAMES, 16, 8)
    return compress(tokens, InfoMergeConfig(retention_ratio=0.4, segment_threshold=-1, **options))


def chart(out: Compression, **more: Any) -> Figure:
    return plots.budget_chart(np.full((FRAMES, 45, 80, 3), 99, np.uint8), TIMES, out, **more)


def dash_dotted(axes: Axes) -> list[StepPatch]:
    return [patch for patch in axes.patches if patch.get_linestyle() == "-."]


def test_a_pinned_compression_is_dash_dotted_in_every_panel_and_fits() -> None:
    out, pinned = compressed(min_segments=3, temperature=0.0), compressed(min_segments=7, temperature=20.0)
    trace = pinned.trace
    lengths = (trace.segments[:, 1] - trace.segments[:, 0]).numpy()
    bounds = [EDGES[start] for start in trace.segments[:, 0].tolist()] + [EDGES[-1]]
    drawn = chart(out, pinned=pinned)
    panels = (trace.uniqueness, trace.richness, trace.weight, trace.budget)
    for axes, values, shared in zip(drawn.axes[2:], panels, (1, 1, lengths, lengths), strict=True):
        (line,) = dash_dotted(axes)
        assert line.get_data().values == pytest.approx(values.numpy() / shared)
        assert line.get_data().edges == pytest.approx(bounds)
        assert axes.get_ylim()[1] > max(line.get_data().values)
    (crosses,) = (line for line in drawn.axes[1].lines if line.get_marker() == "x")
    starts = trace.segments[1:, 0].tolist()
    assert crosses.get_xdata().tolist() == [EDGES[start] for start in starts]
    assert crosses.get_ydata().tolist() == [trace.transition[start - 1].item() for start in starts]
    assert "crosses" in drawn.axes[1].get_title(loc="left")
    assert "dash-dotted: A" in drawn.axes[5].get_title(loc="left")


def test_nothing_is_said_of_a_where_nothing_is_pinned() -> None:
    drawn = chart(compressed())
    assert not any(dash_dotted(axes) for axes in drawn.axes[2:])
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert not any("crosses" in title or "dash-dotted" in title for title in titles)


def test_a_pinned_compression_of_other_frames_is_refused() -> None:
    other = compress(torch.rand(5, 16, 8))
    with pytest.raises(ValueError, match="pinned: got 5 frames; expected the same 12"):
        chart(compressed(), pinned=other)


@pytest.mark.parametrize(
    ("options", "weight", "budget"),
    [
        ({}, "both of them, standardised, mixed and squashed", "by content .* against by length"),
        ({"richness_weight": 0.0}, "uniqueness alone", "by content .* against by length"),
        ({"uniqueness_weight": 0.0}, "richness alone", "by content .* against by length"),
        ({"uniqueness_weight": 0.0, "richness_weight": 0.0}, "neither of them counts", r"^by length \(line"),
        ({"temperature": 0.0}, "at temperature .* budgets follow length", r"^by length \(line"),
        ({"allocation": "length"}, "the same for every frame: budgets follow length", r"^by length \(line"),
    ],
)
def test_the_words_are_those_of_the_allocation(options: dict[str, Any], weight: str, budget: str) -> None:
    drawn = chart(compressed(**options))
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert re.search(weight, titles[4])
    assert re.search(budget, titles[5])
    config = compressed(**options).config
    assert config is not None
    assert ("content" in titles[5]) == config.by_content


@pytest.mark.parametrize("title", ["a clip", "tour: " + "static ratio 0.05, " * 12, "x" * 300, "tour\nA: 1\nB: 2"])
def test_a_title_of_any_length_stays_on_the_paper_and_off_the_panels(title: str) -> None:
    drawn = chart(compressed(), title=title, true_cuts=[3])
    text = drawn.texts[0]
    box, paper = text.get_window_extent(), drawn.bbox
    assert box.x0 >= 0
    assert box.x1 <= paper.width
    assert box.y1 <= paper.height
    assert box.y0 > max(line.get_window_extent().y1 for line in drawn.axes[0].lines)
    assert text.get_text().replace("\n", "").replace(" ", "") == title.replace("\n", "").replace(" ", "")
    plain = chart(compressed(), title="a clip", true_cuts=[3])
    for axes, other in zip(drawn.axes, plain.axes, strict=True):
        assert axes.get_window_extent().size == pytest.approx(other.get_window_extent().size)


def test_every_panels_words_stay_on_the_paper() -> None:
    drawn = chart(compressed(min_segments=3), pinned=compressed(min_segments=7))
    for axes in drawn.axes[1:]:
        assert axes._left_title.get_window_extent().x1 <= drawn.bbox.width
