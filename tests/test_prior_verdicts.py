"""The sheet of verdicts: every condition's difference, in words, in its place and on the winner's side."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from infomerge import plots
from infomerge.measure.statistics import Comparison, Interval, compare_family
from infomerge.plots.style import PrintFigure

CONDITIONS = [("none", 0.0), ("fog", 0.3), ("fog", 0.6), ("shake", 1.0), ("shake", 2.0), ("shake", 4.0)]
SHIFTS = {"one": [0.1, 0.004, 0, -0.004, -0.1, -0.3], "two": [-0.02, 0, 0, 0, 0.02, 0.3]}


def compared(shifts: list[float]) -> dict[tuple[str, float], Comparison]:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1e-3, 40)
    noise -= noise.mean()
    base = rng.uniform(0.3, 0.6, 40)
    return compare_family(
        {name: (base + shift + noise, base) for name, shift in zip(CONDITIONS, shifts, strict=True)}, resamples=199
    )


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[tuple[str, float], Comparison]]:
    return {name: compared(shifts) for name, shifts in SHIFTS.items()}


@pytest.fixture(scope="module")
def figure(tables: dict) -> PrintFigure:
    return plots.prior_verdicts(tables, measure="AUROC")


def test_every_condition_has_its_number_on_the_winners_color(figure: PrintFigure, tables: dict) -> None:
    rows = {"none": 0, "fog": 1, "shake": 2}
    for axes, comparisons in zip(figure.axes, tables.values(), strict=False):
        assert len(axes.texts) == len(axes.patches) == len(CONDITIONS)
        assert {found.verdict for found in comparisons.values()} == {"higher", "lower", "undecided"}
        for text, cell, (name, strength) in zip(
            axes.texts, axes.patches, sorted(CONDITIONS, key=lambda condition: rows[condition[0]]), strict=True
        ):
            found = comparisons[name, strength]
            assert float(text.get_text()) == pytest.approx(found.difference.mean, abs=5.1e-4)
            assert text.get_ha() == "center"
            assert (text.get_weight() == "bold") == (found.verdict != "undecided")
            red, _, blue = to_rgb(cell.get_facecolor()[:3])
            assert {"higher": red < blue, "lower": red > blue, "undecided": red == blue == 1}[found.verdict]
            assert cell.get_y() == rows[name]
            assert cell.get_x() == [s for n, s in CONDITIONS if n == name].index(strength)
            inside = cell.get_window_extent()
            extent = text.get_window_extent()
            assert inside.x0 <= extent.x0 <= extent.x1 <= inside.x1


def test_titles_count_the_verdicts_and_rows_have_names(figure: PrintFigure, tables: dict) -> None:
    for axes, (name, comparisons) in zip(figure.axes, tables.items(), strict=False):
        verdicts = [found.verdict for found in comparisons.values()]
        counts = re.fullmatch(rf"{name}\nTFD (\d), adjacent (\d) of 6", axes.get_title(loc="left")).groups()
        assert counts == (str(verdicts.count("higher")), str(verdicts.count("lower")))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["clean", "fog", "shake"]


def test_colors_grow_with_the_difference() -> None:
    def face(difference: float) -> tuple[float, ...]:
        interval = Interval(difference, difference, difference, 0.95, 9, 0)
        figure = plots.prior_verdicts({"a": {("none", 0.0): Comparison(interval, 0.001)}}, measure="AUROC")
        return figure.axes[0].patches[0].get_facecolor()[:3]

    reds = [face(difference)[0] for difference in (0.001, 0.01, 0.1)]
    assert reds == sorted(reds, reverse=True)
    assert face(0.1) != face(0.3) == face(0.5)
    blues = [face(-difference)[2] for difference in (0.001, 0.01, 0.1)]
    assert blues == sorted(blues, reverse=True)
