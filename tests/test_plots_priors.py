"""Maps of the static priors of a clip's segments, and the titles that say what is kept."""

import numpy as np
import pytest
import torch

from infomerge import EncodedClip, InfoMergeConfig, compress, plots
from infomerge.redundancy import static_scores
from tests.clips import random_clip


@pytest.fixture
def clip() -> EncodedClip:
    generator = torch.Generator().manual_seed(2)
    frames = torch.randint(0, 256, (14, 12, 16, 3), generator=generator, dtype=torch.uint8).numpy()
    return EncodedClip.from_arrays(random_clip(generator, 14, 12, 8), grid=(3, 4), frames=frames, name="mine")


def titles(figure: plots.style.PrintFigure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def texts(figure: plots.style.PrintFigure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def drawn(figure: plots.style.PrintFigure, count: int) -> np.ndarray:
    """The frames, TFD and adjacent differences that are drawn, by row and segment."""
    panels = np.array(figure.axes[: 3 * count]).reshape(3, count)
    return np.array([[np.ma.filled(axes.images[0].get_array(), np.nan) for axes in row] for row in panels[1:]])


def test_the_longest_segments_come_first_with_their_own_scores_and_frames(clip: EncodedClip) -> None:
    out = clip.compress(retention_ratio=0.3, min_segments=4, segment_threshold=-1)
    lengths = [end - start for start, end in out.trace.segments.tolist()]
    order = sorted(range(len(lengths)), key=lambda k: (-lengths[k], k))[:3]
    figure = plots.prior_maps(clip, out, segments=3)
    assert titles(figure) == [f"segment {k + 1}" for k in order]
    for row, prior in enumerate(("tfd", "adjacent")):
        scores = static_scores(clip.tokens.double(), out.trace.segments[order], prior).reshape(3, 3, 4)
        np.testing.assert_array_equal(drawn(figure, 3)[row], scores.numpy())
    for axes, k in zip(figure.axes, order, strict=False):
        assert np.array_equal(axes.images[0].get_array(), clip.frames[out.trace.segments[k, 0]])


def test_outlined_are_the_lowest_scores_of_each_prior(clip: EncodedClip) -> None:
    out = clip.compress(
        retention_ratio=0.3, static_ratio=0.25, static_prior="none", min_segments=1, segment_threshold=-1
    )
    figure = plots.prior_maps(clip, out, segments=1)
    for axes, scores in zip(figure.axes[1:3], (out.trace.tfd, out.trace.adjacent), strict=True):
        low = set(scores[0].argsort()[:3].tolist())  # floor(0.25 * 12)
        red = [line for line in axes.lines if line.get_linewidth() == 1]
        edges = {frozenset(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in red}
        for position in range(12):
            row, column = divmod(position, 4)
            sides = [((column, row), (column, row + 1)), ((column + 1, row), (column + 1, row + 1))]
            neighbors = [position - 1 if column > 0 else -1, position + 1 if column < 3 else -1]
            for side, neighbor in zip(sides, neighbors, strict=True):
                assert (frozenset(side) in edges) == ((position in low) != (neighbor in low))


def test_segments_are_chosen_by_number_and_named_by_the_caller(clip: EncodedClip) -> None:
    out = clip.compress(retention_ratio=0.3, min_segments=4, segment_threshold=-1)
    assert titles(plots.prior_maps(clip, out, segments=[2, 0])) == ["segment 3", "segment 1"]
    named = plots.prior_maps(clip.frames, out, clip.grid, segments=[1], names=["the second"])
    assert titles(named) == ["the second"]
    assert plots.prior_maps(clip, out, segments=99).axes  # as many as there are


def test_arrays_of_scores_still_work_and_say_what_to_write(clip: EncodedClip) -> None:
    none = np.zeros((1, 4), bool)
    undefined = np.full((1, 4), np.nan)
    with pytest.warns(DeprecationWarning, match="plots.static_score_maps"):
        old = plots.prior_maps(clip.frames[:1], undefined, undefined, none, none, (2, 2), ["alone"])
    new = plots.static_score_maps(clip.frames[:1], undefined, undefined, none, none, (2, 2), ["alone"])
    assert texts(old) == texts(new) != []
    assert titles(old) == titles(new) == ["alone"]


def test_methods_without_a_static_ratio_are_refused(clip: EncodedClip) -> None:
    with pytest.raises(ValueError, match="out: got a compression by 'uniform-frames'"):
        plots.prior_maps(clip, clip.compress("uniform-frames", retention_ratio=0.3))


def test_a_title_says_what_was_asked_for_and_what_is_kept(clip: EncodedClip) -> None:
    out = clip.compress(retention_ratio=0.15)
    context = sum(out.is_context.tolist())
    expected = f"mine at 15 %: 25 tokens requested, 25 kept ({25 - context} salient, {context} context)"
    assert plots.kept_title(clip, out) == expected
    assert plots.kept_title("yours", out) == "yours" + expected.removeprefix("mine")
    drifting = compress(clip.tokens, InfoMergeConfig(retention_ratio=0.125, rounding="paper"))
    assert f"yours at 12.5 %: {drifting.requested} tokens requested, {drifting.kept} kept" in plots.kept_title(
        "yours", drifting
    )
