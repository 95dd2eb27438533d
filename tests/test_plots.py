"""What all figures share: clips of any size, names, files of the same bytes, inputs that stay as they are."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from infomerge import plots
from tests.drawn import (
    compressed,
    noise,
    words,
)


@pytest.mark.parametrize(
    ("frames", "grid", "size", "options"),
    [
        (1, (2, 3), (36, 64), {}),
        (1, (1, 1), (64, 36), {}),
        (2, (10, 1), (64, 36), {"min_segments": 1}),
        (6, (2, 7), (36, 64), {"min_segments": 1, "static_prior": "none"}),
        (9, (3, 2), (40, 40), {"min_segments": 9, "allocation": "length"}),
    ],
)
def test_small_and_odd_clips_can_be_drawn(
    frames: int, grid: tuple[int, int], size: tuple[int, int], options: dict[str, Any]
) -> None:
    out = compressed(frames, grid[0] * grid[1], 0.5, **options)
    times = np.arange(frames) * 0.4
    sheet = plots.contact_sheet(noise(frames, *size), times, out, grid)
    assert len(sheet.axes[0].images) == frames
    chart = plots.budget_chart(noise(frames, *size), times, out)
    assert words(chart.axes[5]) == [str(budget) for budget in out.trace.budget.tolist()]


def test_names_of_clips_are_not_read_as_formulas() -> None:
    name = r"take $1\frac$"
    out = compressed(2, 4)
    for figure in (
        plots.contact_sheet(noise(2, 24, 40), np.arange(2.0), out, (2, 2), title=name),
        plots.budget_chart(noise(2, 24, 40), np.arange(2.0), out, title=name),
    ):
        assert figure.texts[0].get_text() == name


def small_sheet(title: str = "a clip") -> Figure:
    return plots.contact_sheet(
        noise(3, 24, 40), np.arange(3.0), compressed(3, 6), (2, 3), title=title, true_cuts=[1], columns=2
    )


def small_chart(title: str = "a clip") -> Figure:
    return plots.budget_chart(noise(3, 24, 40), np.arange(3.0), compressed(3, 6), title=title, true_cuts=[1])


@pytest.mark.parametrize("draw", [small_sheet, small_chart])
def test_the_same_figure_gives_the_same_bytes_whatever_the_readers_settings(draw: Any, tmp_path: Path) -> None:
    written = plots.save(draw(), tmp_path / "new folder" / "plain")
    assert written == [tmp_path / "new folder" / name for name in ("plain.pdf", "plain.png")]
    settings = {"font.size": 31, "savefig.bbox": "tight", "font.sans-serif": ["DejaVu Serif"], "lines.linewidth": 9}
    with mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        again = plots.save(draw(), tmp_path / "again.png")
        assert dict(mpl.rcParams) == before
    assert again == [tmp_path / "again.pdf", tmp_path / "again.png"]
    for first, second in zip(written, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_saved_figures_are_a_pdf_with_truetype_fonts_and_a_sharp_png(tmp_path: Path) -> None:
    figure = small_chart()
    pdf, png = plots.save(figure, tmp_path / "chart.v1")
    assert (pdf.name, png.name) == ("chart.v1.pdf", "chart.v1.png")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"/FontFile2" in pdf.read_bytes()
    assert b"/Type3" not in pdf.read_bytes()
    assert b"/CreationDate" not in pdf.read_bytes()
    header = png.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == pytest.approx(figure.get_size_inches() * 220, abs=1)


def test_saving_replaces_whole_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    plots.save(small_sheet(), tmp_path / "sheet")
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    plots.save(small_sheet("another"), tmp_path / "sheet")
    new = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(old) == sorted(new) == ["sheet.pdf", "sheet.png"]
    assert all(old[name] != new[name] for name in old)


def test_a_save_that_fails_leaves_the_old_files_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = small_sheet()
    for name in ("sheet.pdf", "sheet.png"):
        (tmp_path / name).write_text("mine")

    def fail_half_way(path: str, **_: Any) -> None:
        Path(path).write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="disk full"):
        plots.save(figure, tmp_path / "sheet")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"sheet.pdf": "mine", "sheet.png": "mine"}


def test_drawing_changes_no_input() -> None:
    frames, times, out = noise(3, 24, 40), np.arange(3.0), compressed(3, 6)
    given = (frames.copy(), times.copy(), out.index.clone(), out.trace.budget.clone())
    plots.contact_sheet(frames, times, out, (2, 3))
    plots.budget_chart(frames, times, out)
    assert np.array_equal(frames, given[0])
    assert np.array_equal(times, given[1])
    assert torch.equal(out.index, given[2])
    assert torch.equal(out.trace.budget, given[3])
