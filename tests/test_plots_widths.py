"""At every width, in every font: no letter is cut off or smaller than 6 points, in any figure of the project."""

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from infomerge import EncodedClip, plots
from infomerge.paper.figures import FIGURES, Request
from infomerge.plots.style import font_settings
from tests.clips import random_clip

LONG = "a holiday with a name of more than forty letters, $1\\frac and 100 % of _underscores_"


def visible_texts(figure: Figure) -> Iterator[Text]:
    """What is written on a figure; labels of ticks outside of their axes are not."""
    ticks, shown = set(), set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            for tick in (*axis.majorTicks, *axis.minorTicks):
                ticks |= {tick.label1, tick.label2}
            if axes.axison:
                for tick in axis._update_ticks():
                    shown |= {tick.label1, tick.label2}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and (text not in ticks or text in shown):
            yield text


def check(figure: Figure, least: float = 6.0) -> None:
    figure.canvas.draw()
    paper = figure.bbox
    for text in visible_texts(figure):
        box = text.get_window_extent()
        assert text.get_fontsize() >= least, text.get_text()
        assert box.x0 >= -0.5, text.get_text()
        assert box.y0 >= -0.5, text.get_text()
        assert box.x1 <= paper.width + 0.5, text.get_text()
        assert box.y1 <= paper.height + 0.5, text.get_text()


@pytest.fixture(scope="module")
def clip() -> EncodedClip:
    """A clip of 5 x 8 tokens and of upright frames, with more segments than fit side by side at 3.4 inches."""
    import torch

    tokens = random_clip(torch.Generator().manual_seed(0), 24, 40, 8)
    frames = np.random.default_rng(0).integers(0, 256, (24, 48, 36, 3), dtype=np.uint8)
    return EncodedClip.from_arrays(tokens, grid=(5, 8), frames=frames, timestamps=np.arange(24) * 31.7, name=LONG)


@pytest.mark.parametrize(("width", "font"), [(7.0, "sans"), (3.4, "sans"), (3.4, "serif")])
@pytest.mark.parametrize("name", [name for name, recipe in FIGURES.items() if name != "shorter_prompt"])
def test_no_letter_is_cut_off_or_too_small(name: str, width: float, font: str, clip: EncodedClip) -> None:
    recipe = FIGURES[name]
    clips = [] if recipe.takes == "tables" else [clip]
    with mpl.rc_context(font_settings(font)):
        check(recipe.draw(Request(clips=clips, width=width)).figure)


@pytest.mark.parametrize("width", [2.5, 3.4, 12.0])
def test_a_title_of_any_length_is_wrapped_on_paper_of_any_width(width: float, clip: EncodedClip) -> None:
    for name in ("budgets_over_time", "contact_sheet", "prior_verdicts"):
        clips = [] if FIGURES[name].takes == "tables" else [clip]
        figure = FIGURES[name].draw(Request(clips=clips, width=width, title=LONG * 3)).figure
        check(figure)
        written = "".join(figure.texts[0].get_text().split())
        assert written == "".join((LONG * 3).split())


def test_views_that_are_no_figure_of_the_gallery_fit_too(clip: EncodedClip) -> None:
    out, other = clip.compress(retention_ratio=0.1), clip.compress("tome", retention_ratio=0.1)
    assert clip.frames is not None
    for width in ("single", "double"):
        check(plots.difference_sheet(clip, out, other, names=("InfoMerge", "ToMe"), width=width))
        check(plots.prior_maps(clip, out, width=width))
        check(plots.token_grid(clip.frames[0], clip.grid, width=width))
        check(plots.budget_bars(list("abcd"), np.ones(4), np.ones(4), np.arange(4) + 9, np.arange(4) + 10, width=width))


def test_letters_grow_with_the_readers_and_still_fit(clip: EncodedClip) -> None:
    with mpl.rc_context({"font.size": 11}):
        for name in ("budgets_over_time", "contact_sheet", "method_overview", "content_against_length"):
            check(FIGURES[name].draw(Request(clips=[clip], width=3.4)).figure, least=9)
