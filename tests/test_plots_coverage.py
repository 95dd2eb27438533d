"""Membership and coverage maps, read back from their axes, and the nearest kept token of every token."""

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, QuadMesh

from infomerge import Compression, EncodedClip, compress, plots
from infomerge.measure.coverage import nearest_similarity, owner_similarity
from infomerge.plots.style import BLUE, INK, ORANGE, VERMILLION
from tests.clips import random_clip
from tests.drawn import noise

FRAMES, GRID = 7, (3, 4)


@pytest.fixture(scope="module", params=["infomerge", "random", "token-dynamics"])
def out(request: pytest.FixtureRequest) -> Compression:
    return compress(random_clip(torch.Generator().manual_seed(4), FRAMES, 12, 8), request.param, retention_ratio=0.2)


def test_rows_hold_what_each_kept_token_stands_for_in_each_frame(out: Compression) -> None:
    times = np.array([0.0, 1, 2, 4, 5, 6, 7])
    axes, bar = plots.membership_map(times, out, title="a clip", true_cuts=[2]).axes
    (mesh,) = [drawn for drawn in axes.collections if isinstance(drawn, QuadMesh)]
    counts = np.ma.filled(mesh.get_array(), 0).reshape(out.kept, FRAMES)
    for token in range(out.kept):
        frames = (out.members(token) // 12).tolist()
        assert counts[token].tolist() == [frames.count(frame) for frame in range(FRAMES)]
    assert counts.sum() == FRAMES * 12
    edges = mesh.get_coordinates()[0, :, 0]
    assert edges.tolist() == [-0.5, 0.5, 1.5, 3, 4.5, 5.5, 6.5, 7.5]
    # The outlines hold every kept token in its own frame, and no other place.
    (own,) = [drawn for drawn in axes.collections if isinstance(drawn, LineCollection)]
    held = set()
    for path in own.get_segments():
        (left, top), (right, bottom) = path.min(axis=0), path.max(axis=0)
        frame = edges.tolist().index(left)
        assert edges[frame + 1] == right
        held |= {(row, frame) for row in range(int(top), int(bottom))}
    assert held == set(enumerate(out.frame.tolist()))
    assert own.get_label() == "the kept tokens' own frames"
    assert np.allclose(own.get_colors()[0][:3], [int(VERMILLION[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    (cut,) = axes.lines
    assert cut.get_xdata() == [3, 3]
    assert axes.get_ylim() == (out.kept, 0)
    assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("a clip", "time (s)")
    assert bar.get_ylabel() == "tokens of a frame that a kept token stands for"


def test_a_membership_map_wants_a_time_for_each_frame(out: Compression) -> None:
    with pytest.raises(ValueError, match="timestamps: got 6; expected one for each of the 7 frames"):
        plots.membership_map(np.arange(6.0), out)


def test_nearest_similarity_is_the_best_of_all_and_no_worse_than_the_owners(out: Compression) -> None:
    found = nearest_similarity(out).numpy()
    tokens, kept = out.trace.tokens.numpy(), out.tokens.numpy()
    for frame in range(FRAMES):
        for position in range(12):
            x = tokens[frame, position]
            best = max(float(x @ k) / np.linalg.norm(x) / np.linalg.norm(k) for k in kept)
            assert found[frame, position] == pytest.approx(best, abs=1e-12)
    assert (nearest_similarity(out).flatten() >= owner_similarity(out) - 1e-12).all()


def test_frames_show_their_similarities_and_the_curve_their_shares(out: Compression) -> None:
    similarity = nearest_similarity(out).numpy()
    figure = plots.coverage_map(
        noise(FRAMES, 24, 40), np.arange(FRAMES) / 2, similarity, GRID, [1, 5], threshold=0.7, true_cuts=[3]
    )
    pictures, heats, curve = figure.axes[0:4:2], figure.axes[1:4:2], figure.axes[-1]
    assert [axes.get_title(loc="left") for axes in pictures] == ["frame 1\n0.5 s", "frame 5\n2.5 s"]
    for frame, axes in zip((1, 5), heats, strict=True):
        (image,) = axes.images
        assert np.array_equal(image.get_array(), similarity[frame].reshape(GRID))
        assert image.get_clim() == (0, 1)
        drawn = {
            frozenset(tuple(map(float, point)) for point in segment)
            for lines in axes.collections
            for segment in lines.get_segments()
        }
        assert drawn == borders(similarity[frame].reshape(GRID) > 0.7)
    share, mean = (
        next(s for s in curve.patches if s.get_edgecolor()[:3] == pytest.approx(rgb(color))) for color in (BLUE, ORANGE)
    )
    assert share.get_data().values.tolist() == pytest.approx([(row > 0.7).mean() for row in similarity])
    assert mean.get_data().values.tolist() == pytest.approx([row.mean() for row in similarity])
    marks = [line.get_xdata()[0] for line in curve.lines if line.get_marker() == "^"]
    assert marks == [0.5, 2.5]
    (cut,) = [line for line in curve.lines if line.get_marker() != "^"]
    assert cut.get_xdata() == [1.75, 1.75]
    assert cut.get_color() == INK


def test_clips_of_tokens_with_pictures_are_drawn_over_frame_numbers() -> None:
    tokens = random_clip(torch.Generator().manual_seed(1), FRAMES, 12, 5)
    clip = EncodedClip.from_arrays(tokens, grid=GRID, frames=noise(FRAMES, 24, 40))
    out = clip.compress("v-cast", retention_ratio=0.3)
    figure = plots.coverage_map(clip, nearest_similarity(out).numpy(), [0, 6])
    assert figure.axes[0].get_title(loc="left") == "frame 0"
    assert plots.membership_map(clip, out).axes[0].get_xlabel() == "time (frame)"


@pytest.mark.parametrize("shown", [[], [7], [-1, 2]])
def test_frames_that_there_are_not_are_refused(shown: list[int]) -> None:
    with pytest.raises(ValueError, match=r"shown: got .*; expected numbers of frames from 0 to 6"):
        plots.coverage_map(noise(FRAMES, 24, 40), np.arange(7.0), np.ones((FRAMES, 12)), GRID, shown)


def rgb(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def borders(mask: np.ndarray) -> set[frozenset[tuple[float, float]]]:
    """Unit edges between a cell that is in and one that is not, as pairs of (x, y)."""
    rows, columns = mask.shape
    found = set()
    for row in range(rows):
        for column in range(columns):
            sides = {
                (row - 1, column): ((column, row), (column + 1, row)),
                (row + 1, column): ((column, row + 1), (column + 1, row + 1)),
                (row, column - 1): ((column, row), (column, row + 1)),
                (row, column + 1): ((column + 1, row), (column + 1, row + 1)),
            }
            for (r, c), (a, b) in sides.items():
                inside = 0 <= r < rows and 0 <= c < columns and mask[r, c]
                if mask[row, column] and not inside:
                    found.add(frozenset({tuple(map(float, a)), tuple(map(float, b))}))
    return found
