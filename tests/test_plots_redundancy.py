"""Fingerprints, priors, spectra and the token grid, read back from their axes."""

import numpy as np
import pytest
import torch

from infomerge import plots
from infomerge.plots.style import VERMILLION
from tests.drawn import (
    expected_edges,
    noise,
    words,
)


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
        "TFD 0.000\nadjacent 0.500",
        "TFD 0.125\nadjacent 0.062",
        "TFD 0.250\nadjacent 1.000",
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
    spectra = {f"clip {number}": np.array([0.75, 0.25]) for number in range(9)}
    with pytest.raises(ValueError, match="spectra: got 9; expected up to 8"):
        plots.energy_spectrum(spectra)
    assert len(plots.energy_spectrum(dict(list(spectra.items())[:8])).axes[0].get_legend().get_texts()) == 8


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
