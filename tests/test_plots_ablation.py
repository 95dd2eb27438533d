"""What the figures of the ablation show, read back from what was drawn."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from infomerge import plots
from infomerge.plots.ablation import LOOKS, RATIO_MARKS, spread_apart

RATIOS = np.array([0.05, 0.10, 0.15])


def band(*means: float, half: float = 0.1) -> np.ndarray:
    mean = np.array(means, dtype=float)
    return np.stack((mean, mean - half, mean + half))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_method_curves_draw_means_intervals_and_a_name_for_each() -> None:
    curves = {"first": band(0.2, 0.4, 0.6), "second": band(0.3, 0.5, 0.9, half=0.05)}
    figure = plots.method_curves([plots.RatioCurves("recall", "higher", RATIOS, curves)])
    axes = figure.axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) == len(RATIOS)]
    for line, (mean, _, _) in zip(drawn, curves.values(), strict=True):
        assert line.get_ydata().tolist() == mean.tolist()
        assert np.abs(np.asarray(line.get_xdata()) - np.arange(3)).max() <= 0.15  # moved aside by little
    bars = [bar.get_segments() for bar in axes.collections]
    for bar, (_, low, high) in zip(bars, curves.values(), strict=True):
        assert [(low, high) for (_, low), (_, high) in bar] == list(zip(low, high, strict=True))
    assert texts(figure) == ["first", "second"]
    assert [to_hex(text.get_color()) for text in axes.texts] == [to_hex(look[0]) for look in LOOKS[:2]]
    assert axes.get_title(loc="left") == "recall ↑"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5%", "10%", "15%"]


def test_each_method_has_a_look_of_its_own_without_its_color() -> None:
    assert len({(marker, dash) for _, marker, dash in LOOKS}) == len(LOOKS)
    many = {str(number): band(0.1, 0.2, 0.3) for number in range(len(LOOKS) + 1)}
    with pytest.raises(ValueError, match="panels: got 13 methods; expected up to 12"):
        plots.method_curves([plots.RatioCurves("recall", "", RATIOS, many)])


def test_a_logarithmic_panel_names_the_ends_where_they_are() -> None:
    curves = {"low": band(1, 0.1, 0.001, half=0), "high": band(1.0, 1.0, 1.0, half=0)}
    axes = plots.method_curves([plots.RatioCurves("KL", "lower", RATIOS, curves, log=True)]).axes[0]
    assert axes.get_yscale() == "log"
    threads = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 2]
    to_axes = axes.transData + axes.transAxes.inverted()
    for thread, end in zip(threads, (0.001, 1), strict=True):
        assert thread[0] == pytest.approx(to_axes.transform((0, end))[1])


@pytest.mark.parametrize("seed", range(20))
def test_names_keep_their_order_and_their_distance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.round(rng.random(rng.integers(1, 12)) ** rng.uniform(0.2, 5), 2).tolist()
    moved = spread_apart(places, 0.068)
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= 0.068 - 1e-9).all()
    assert min(moved) >= -1e-9
    assert max(moved) <= 1 + 1e-9
    # No shift of a run of neighbors brings them nearer to where they want to be.
    cost = sum((a - b) ** 2 for a, b in zip(places, moved, strict=True))
    for low, high in itertools.combinations(range(len(places) + 1), 2):
        for step in (-1e-3, 1e-3):
            other = np.array(moved)
            other[order[low:high]] += step
            fits = (np.diff(other[order]) >= 0.068 - 1e-9).all() and other.min() >= 0 and other.max() <= 1
            if fits:
                assert sum((a - b) ** 2 for a, b in zip(places, other, strict=True)) >= cost - 1e-12


def test_names_that_are_far_apart_stay_and_too_many_are_spread_evenly() -> None:
    assert spread_apart([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])
    assert spread_apart([0.5, 0.5, 0.5], 0.8) == pytest.approx([0, 0.5, 1])
    assert spread_apart([], 0.1) == []


def differences(name: str, better: str, **undecided: list[bool]) -> plots.Differences:
    parts = {"TFD": band(0.1, -0.2, 0.3), "CABA": band(0, 0.05, -0.05)}
    decided = {part: np.array(undecided.get(part, [True] * 3)) for part in parts}
    return plots.Differences(name, better, RATIOS, parts, decided)


def test_part_differences_fill_what_may_be_claimed_and_leave_the_rest_hollow() -> None:
    panel = differences("recall", "lower", CABA=[False, True, False])
    axes = plots.part_differences([panel]).axes[0]
    marks = [line for line in axes.lines if line.get_marker() in dict(RATIO_MARKS) and len(line.get_xdata()) == 1]
    for mark, (part, number) in zip(marks, itertools.product(("TFD", "CABA"), range(3)), strict=True):
        shape, color = RATIO_MARKS[number]
        assert mark.get_marker() == shape
        assert mark.get_xdata()[0] == panel.parts[part][0][number]
        row = list(panel.parts).index(part)
        assert abs(mark.get_ydata()[0] - row) < 0.5
        filled = color if panel.decided[part][number] else "white"
        assert to_hex(mark.get_markerfacecolor()) == to_hex(filled)
    ends = [bar.get_segments()[0][:, 0].tolist() for bar in axes.collections]
    assert ends == [pytest.approx([low, high]) for part in panel.parts.values() for low, high in part[1:].T]
    assert axes.get_xlabel() == "← better"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["TFD", "CABA"]


def test_the_papers_differences_stand_in_a_panel_of_their_own_without_intervals() -> None:
    nothing = np.full(3, np.nan)
    parts = {part: np.array([[0.6, 0.7, 0.3], nothing, nothing]) for part in ("TFD", "CABA")}
    hollow = {part: np.zeros(3, dtype=bool) for part in parts}
    paper = plots.Differences("VideoMME", "higher", RATIOS, parts, hollow)
    figure = plots.part_differences([differences("recall", "higher")], paper=paper)
    (key,) = [text.get_text() for text in figure.texts]
    assert "corrected by Holm" in key
    assert key.replace("\n", " ").endswith("grey ground: the paper's, without intervals")
    ours, theirs = figure.axes
    assert ours.get_facecolor() != theirs.get_facecolor()
    assert not theirs.collections
    assert not ours.get_shared_x_axes().joined(ours, theirs)
    four = np.array([0.05, 0.1, 0.15, 0.2])
    with pytest.raises(ValueError, match="panels: got 4 ratios; expected up to 3"):
        plots.part_differences([plots.Differences("recall", "higher", four, {}, {})])


def test_knob_curves_put_the_paper_on_axes_of_its_own_and_mark_its_choice() -> None:
    values = np.array([0.5, 1.2, 5.0])
    knob = plots.KnobCurves(
        "temperature",
        1.2,
        values,
        {"recall": band(0.5, 0.6, 0.7), "KL": band(0.02, 0.03, 0.2, half=0.005)},
        {"recall": np.array([True, False, False]), "KL": np.array([False, False, True])},
        np.array([57.5, 57.7, 56.8]),
        log=["KL"],
    )
    recall, kl, paper = plots.knob_curves([knob], paper_measure="paper: accuracy (%)").axes
    assert [axes.get_ylabel() for axes in (recall, kl, paper)] == ["recall", "KL", "paper: accuracy (%)"]
    assert [axes.get_yscale() for axes in (recall, kl, paper)] == ["linear", "log", "linear"]
    assert not recall.get_shared_y_axes().joined(recall, paper)
    assert paper.lines[0].get_ydata().tolist() == knob.paper.tolist()
    for axes, measure in ((recall, "recall"), (kl, "KL")):
        curve, *marks = [line for line in axes.lines if line.get_linestyle() != "--"]
        assert curve.get_ydata().tolist() == knob.measured[measure][0].tolist()
        filled = [to_hex(mark.get_markerfacecolor()) != "#ffffff" for mark in marks]
        assert filled == knob.decided[measure].tolist()
    for axes in (recall, kl, paper):
        (choice,) = [line for line in axes.lines if line.get_linestyle() == "--" and len(set(line.get_xdata())) == 1]
        assert choice.get_xdata()[0] == 1
    assert [label.get_text() for label in paper.get_xticklabels()] == ["0.5", "1.2", "5"]
