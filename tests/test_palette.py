"""The palette: colors that can be told apart, shared by figures and lens, and the mean color of a group."""

import json
import re
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import infomerge
from infomerge import palette
from infomerge.palette import group_colors
from infomerge.plots import style
from infomerge.widgets.pages import ANSWERS, EXPLORER, LENS
from tests.token_lens.squares import COLUMNS, FRAMES, HEIGHT, ROWS, WIDTH, compressed, drawn_frames

STORED = json.loads((Path(infomerge.__file__).parent / "palette.json").read_text(encoding="utf-8"))
HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_cividis_is_matplotlibs() -> None:
    steps = len(STORED["cividis"]) - 1
    assert STORED["cividis"] == [to_hex(mpl.colormaps["cividis"](step / steps)) for step in range(steps + 1)]


def test_a_token_has_one_color_in_figures_and_lens() -> None:
    assert (style.SALIENT, style.CONTEXT) == (palette.SALIENT, palette.CONTEXT)
    assert style.SEGMENT_COLORS == palette.SEGMENT_COLORS
    # The views' own files name no hue of the palette: they have them from palette.json.
    hues = {hue.lower() for hue in STORED["hues"].values()}
    files = [each for folder in (LENS, EXPLORER, ANSWERS, LENS.parent) for each in folder.iterdir()]
    for path in (each for each in files if each.suffix in (".js", ".css")):
        assert not hues & {found.lower() for found in HEX.findall(path.read_text(encoding="utf-8"))}, path.name


@pytest.mark.parametrize("ground", ["#ffffff", "#16181b"], ids=["light", "dark"])
def test_what_stands_on_the_page_itself_can_be_seen_on_it(ground: str) -> None:
    # Swatches of the readout and squares beside numbers; WCAG asks for 3 to 1, orange on white has 2.3 in any palette
    # of these hues, and its swatch is large and never without words.
    assert contrast(palette.CONTEXT, ground) > 3
    assert contrast(palette.HIGHLIGHT, ground) > 3
    assert contrast(palette.SALIENT, ground) > 2.2


def test_marks_stand_out_from_their_own_rims() -> None:
    # Whatever lies below: salient tokens have a dark rim, context tokens a light one.
    assert contrast(palette.SALIENT, "#000000") > 4.5
    assert contrast(palette.CONTEXT, "#ffffff") > 4.5


def test_neighboring_segments_differ_in_hue() -> None:
    names = STORED["segments"]
    assert len(set(names)) == len(names)
    for one, other in combinations(palette.SEGMENT_COLORS, 2):
        assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.2


def test_bands_of_segments_carry_readable_numbers_and_the_color_of_nothing_else() -> None:
    others = {STORED["hues"][name] for name in STORED["roles"].values()}
    assert not {*STORED["roles"].values(), "green", "purple", "sky", "yellow"} & set(STORED["segments"])
    for color in palette.SEGMENT_COLORS:
        assert contrast(palette.INK, color) >= 4.5
        assert contrast(color, "#16181b") > 3
        assert all(np.abs(np.subtract(to_rgb(color), to_rgb(other))).max() > 0.2 for other in others)


def test_group_colors_are_the_mean_of_all_pixels_of_a_group() -> None:
    out = compressed()
    frames = drawn_frames()
    pixels: list[list[np.ndarray]] = [[] for _ in range(out.kept)]
    for frame in range(FRAMES):
        for row in range(ROWS):
            for column in range(COLUMNS):
                rows = slice(row * HEIGHT // ROWS, (row + 1) * HEIGHT // ROWS)
                columns = slice(column * WIDTH // COLUMNS, (column + 1) * WIDTH // COLUMNS)
                patch = frame * ROWS * COLUMNS + row * COLUMNS + column
                pixels[out.assignment[patch]].append(frames[frame, rows, columns].reshape(-1, 3))
    slow = [np.concatenate(group).astype(float).mean(axis=0) for group in pixels]
    fast = group_colors(frames, (ROWS, COLUMNS), out.assignment.numpy(), out.kept)
    np.testing.assert_allclose(fast, slow, rtol=1e-12)
