"""What the figures of answers show, read back from what was drawn."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from infomerge import plots
from infomerge.plots.ablation import LOOKS
from infomerge.plots.style import VERMILLION

RATIOS = np.array([0.01, 0.05, 0.15])


def band(*means: float) -> np.ndarray:
    mean = np.array(means, dtype=float)
    return np.stack((mean, mean - 2, mean + 3))


def curves(clips: str = "clean") -> plots.AnswerCurves:
    highlighted = {"ours": band(60, 90, 99), "theirs": band(50, 80, 95)}
    others = {"alone": (30, 40, 60), "near one": (70, 80, 90), "near two": (70.1, 81, 91)}
    others = {name: np.array(curve, dtype=float) for name, curve in others.items()}
    return plots.AnswerCurves(clips, RATIOS, highlighted, others)


def test_answer_curves_go_to_fewer_tokens_and_keep_their_numbers() -> None:
    axes = plots.answer_curves([curves()]).axes[0]
    left, right = axes.get_xlim()
    assert left > 0.15 > 0.01 > right
    assert axes.get_xscale() == "log"
    drawn = {tuple(line.get_ydata()): line for line in axes.lines if len(line.get_ydata()) == len(RATIOS)}
    assert set(drawn) == {(99, 90, 60), (95, 80, 50), (60, 40, 30), (90, 80, 70), (91, 81, 70.1)}
    for mean, color in (((99, 90, 60), LOOKS[0][0]), ((95, 80, 50), LOOKS[1][0])):
        assert to_hex(drawn[mean].get_color()) == color.lower()
        places = np.asarray(drawn[mean].get_xdata())
        assert np.abs(np.log(places / RATIOS[::-1])).max() < 0.1  # moved aside by little
    bars = [[(low, high) for (_, low), (_, high) in bar.get_segments()] for bar in axes.collections]
    assert bars == [[(58, 63), (88, 93), (97, 102)], [(48, 53), (78, 83), (93, 98)]]


def test_gray_curves_are_named_only_where_names_can_be_told_apart() -> None:
    axes = plots.answer_curves([curves()]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["near two", "alone"]


def test_answer_curves_refuse_axes_for_several_panels_and_too_many_colors() -> None:
    axes = plots.answer_curves([curves()]).axes[0]
    with pytest.raises(ValueError, match="ax: got axes for 2 panels"):
        plots.answer_curves([curves(), curves("disturbed")], ax=axes)
    many = plots.AnswerCurves("clean", RATIOS, {str(number): band(1, 2, 3) for number in range(13)}, {})
    with pytest.raises(ValueError, match="panels: got 13 highlighted methods; expected up to 12"):
        plots.answer_curves([many])


def grid(accuracy: np.ndarray, framed: np.ndarray) -> plots.AnswerGrid:
    return plots.AnswerGrid("5 %", ("a", "b"), ("x", "y", "z"), accuracy, framed, np.full(accuracy.shape, 20.0))


def test_an_answer_grid_writes_every_number_frames_what_is_marked_and_darkens_with_accuracy() -> None:
    accuracy = np.array([[20.0, 60.4, 100.0], [np.nan, 99.6, 35.0]])
    framed = np.array([[True, False, False], [False, False, True]])
    axes = plots.answer_grid([grid(accuracy, framed)], words="framed: weak").axes[0]
    assert [text.get_text() for text in axes.texts] == ["20", "60", "100", "100", "35"]
    cells = {patch.get_xy(): patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() == 1}
    light = {place: sum(cell.get_facecolor()[:3]) for place, cell in cells.items()}
    assert light[0, 0] == 3  # white where its colour begins
    assert light[0, 0] > light[2, 1] > light[1, 0] > light[2, 0]
    assert (0, 1) not in cells
    frames = [patch for patch in axes.patches if patch.get_width() != 1]
    assert [(int(frame.get_x()), int(frame.get_y())) for frame in frames] == [(0, 0), (2, 1)]
    assert {to_hex(frame.get_edgecolor()) for frame in frames} == {VERMILLION.lower()}
    # Letters are light on dark cells and dark on light ones.
    inks = [sum(int(to_hex(text.get_color())[at : at + 2], 16) for at in (1, 3, 5)) > 382 for text in axes.texts]
    assert inks == [False, False, True, True, False]
    # A reader need not look for frames that are not there.
    none = plots.answer_grid([grid(accuracy, np.zeros_like(framed))], words="framed: weak")
    below = [figure.texts[-1].get_text() for figure in (none, axes.figure)]
    assert below == ["framed: weak; none is framed", "framed: weak"]


def test_figures_of_answers_have_words_for_those_who_do_not_see_them() -> None:
    figure = plots.answer_curves([curves()], title="Answers")
    assert figure.alt.startswith("Answers: Share of the full accuracy")
