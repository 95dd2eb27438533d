"""Two compressions of one clip, compared token by token: in numbers, and as they are drawn."""

import re
from itertools import product

import numpy as np
import pytest

from infomerge import plots
from infomerge.measure.difference import token_difference
from infomerge.plots.style import CONTEXT, INK, VERMILLION
from tests.drawn import compressed, drawn_edges, expected_edges, noise, words

GRID = (3, 4)


def test_every_token_is_of_one_kind_as_a_slow_loop_says() -> None:
    a, b = compressed(7, 12, 0.3), compressed(7, 12, 0.3, temperature=5.0, min_segments=3)
    found = token_difference(a, b)
    kept_a, kept_b = set(a.index.tolist()), set(b.index.tolist())
    for token in range(7 * 12):
        expected = {
            "only_a": token in kept_a and token not in kept_b,
            "only_b": token in kept_b and token not in kept_a,
            "both": token in kept_a and token in kept_b,
            "moved": token not in kept_a | kept_b
            and int(a.index[a.assignment[token]]) != int(b.index[b.assignment[token]]),
        }
        assert {name: bool(getattr(found, name)[token]) for name in expected} == expected
    assert int(found.moved.sum()) > 0
    assert int(found.only_a.sum()) > 0


def test_a_compression_differs_from_itself_nowhere() -> None:
    out = compressed(5, 12, 0.4)
    found = token_difference(out, out)
    assert int(found.both.sum()) == out.kept
    assert not (found.only_a | found.only_b | found.moved).any()


def test_clips_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("b: got a clip of 6 x 12 tokens; expected 5 x 12")):
        token_difference(compressed(5, 12, 0.4), compressed(6, 12, 0.4))


def test_the_sheet_outlines_what_differs_and_counts_it() -> None:
    a, b = compressed(7, 12, 0.3), compressed(7, 12, 0.3, temperature=5.0, min_segments=3)
    found = token_difference(a, b)
    figure = plots.difference_sheet(noise(7, 24, 40), np.arange(7) / 2, a, b, GRID, title="noise, A against B")
    sheet = figure.axes[0]
    for color, mask in ((VERMILLION, found.only_a), (CONTEXT, found.only_b), (INK, found.both)):
        cells = [
            (frame, row, column)
            for frame, row, column in product(range(7), range(3), range(4))
            if mask[frame * 12 + row * 4 + column]
        ]
        assert set(drawn_edges(sheet, GRID, color)) == expected_edges(cells)
    said = " ".join(text.get_text() for legend in figure.legends for text in legend.get_texts())
    for count, name in ((found.only_a, "kept by A alone"), (found.only_b, "by B alone"), (found.both, "by both")):
        assert f"{int(count.sum())} {name}" in said
    assert "noise, A against B" in words(figure)
    with pytest.raises(ValueError, match="grid: got 5 x 5"):
        plots.difference_sheet(noise(7, 24, 40), np.arange(7) / 2, a, b, (5, 5))
