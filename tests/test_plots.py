"""What all figures share: clips of any size, names, files of the same bytes, inputs that stay as they are."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from infomerge import plots
from infomerge.plots import texts
from infomerge.plots.style import page_width
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
def test_the_same_figure_gives_the_same_bytes_whatever_settings_are_not_for_it(draw: Any, tmp_path: Path) -> None:
    written = plots.save(draw(), tmp_path / "new folder" / "plain")
    assert written == [tmp_path / "new folder" / name for name in ("plain.pdf", "plain.png")]
    # Paper, colours and sizes of the page are the figure's own.
    settings = {"savefig.bbox": "tight", "figure.figsize": (20, 1), "axes.facecolor": "black", "figure.dpi": 40}
    with mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        again = plots.save(draw(), tmp_path / "again.png")
        assert dict(mpl.rcParams) == before
    assert again == [tmp_path / "again.pdf", tmp_path / "again.png"]
    for first, second in zip(written, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("draw", [small_sheet, small_chart])
def test_the_readers_fonts_and_sizes_of_letters_win(draw: Any, tmp_path: Path) -> None:
    with mpl.rc_context({"font.family": "STIXGeneral", "font.size": 9, "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure = draw()
    drawn = [text for text in figure.findobj(Text) if text.get_text()]
    assert {text.get_fontname() for text in drawn} == {"STIXGeneral"}
    assert max(text.get_fontsize() for text in drawn) == pytest.approx(9 * 1.2)
    # Saved later, outside of their settings, it is still the figure that was drawn.
    (pdf,) = plots.save(figure, tmp_path / "later", ["pdf"])
    assert b"STIXGeneral" in pdf.read_bytes()
    assert b"DejaVuSans" not in pdf.read_bytes()


@pytest.mark.parametrize("name", ["svg", "png", "pdf"])
def test_figures_are_written_in_the_format_that_is_asked_for(name: str, tmp_path: Path) -> None:
    beginnings = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    contents = []
    for folder in ("a", "b"):
        (file,) = plots.save(small_chart(), tmp_path / folder / "chart.pdf", [name])
        assert file.name == f"chart.{name}"
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith(beginnings[name])


def test_formats_and_widths_that_are_not_known_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="formats: got 'jpg'; expected of pdf, png, svg, pgf"):
        plots.save(small_chart(), tmp_path / "chart", ["jpg"])
    for width in (0.3, 99.0, float("nan")):
        with pytest.raises(ValueError, match=r"width: got .*; expected single, double, or inches from 2.5 to 30"):
            page_width(width)


def test_figures_carry_words_for_those_who_do_not_see_them() -> None:
    data, metadata = small_chart()._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"].startswith("a clip: From similarity to budget over the clip's time")


def test_panels_are_drawn_alone_in_order_or_on_axes_of_ones_own() -> None:
    arguments = noise(3, 24, 40), np.arange(3.0), compressed(3, 6)
    two = plots.budget_chart(*arguments, panels=["budget", "uniqueness"])
    assert [len(axes.patches) for axes in two.axes] == [4, 2]
    paper = Figure()
    one, other = paper.subplots(1, 2)
    assert plots.budget_chart(*arguments, panels=["budget"], ax=other) is paper
    assert (len(one.patches), len(other.patches)) == (0, 4)
    assert words(other) == words(two.axes[0])
    with pytest.raises(ValueError, match="panels: got 'budgets'; expected of film, similarity"):
        plots.budget_chart(*arguments, panels=["budgets"])
    with pytest.raises(ValueError, match="ax: got axes for 6 panels; expected one panel alone"):
        plots.budget_chart(*arguments, ax=other)
    plots.contact_sheet(*arguments, (2, 3), ax=one)
    assert len(one.images) == 3


def test_letters_that_no_font_has_are_squares_and_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_others", list)
    with pytest.warns(UserWarning, match="no installed font has") as caught:
        figure = small_sheet("a clip \N{CUNEIFORM SIGN A} \N{CUNEIFORM SIGN AB}\x07")
    assert len({str(note.message) for note in caught if "no installed font" in str(note.message)}) == 1
    assert not [note for note in caught if "missing from" in str(note.message)]
    assert figure.texts[0].get_text().count("\N{WHITE SQUARE}") == 2


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
