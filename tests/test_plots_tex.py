"""Letters that TeX sets: pgf compiles in a document, `text.usetex` loses no word, and without TeX one line says so."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from infomerge import plots
from infomerge.paper import figures
from infomerge.plots.style import FormatError
from infomerge.plots.tex import ENGINES, escaped, in_tex, in_tex_with_math
from tests.commands import refusal
from tests.drawn import compressed, noise

NASTY = r"5 % of A_b & C#3 {x} $y ~ \frac^2 ü → δ"
ENGINE = next((name for name in ENGINES if shutil.which(name)), None)
with_tex = pytest.mark.skipif(ENGINE is None, reason="no xelatex, lualatex or pdflatex on PATH")
DOCUMENT = r"\documentclass{article}\usepackage{pgf}\begin{document}%s\end{document}"


def sheet(title: str) -> Figure:
    return plots.contact_sheet(
        noise(3, 24, 40), np.arange(3.0), compressed(3, 6), (2, 3), title=title, true_cuts=[1], columns=2
    )


def test_letters_that_mean_something_to_tex_are_letters() -> None:
    assert in_tex("5 % of a_b & c#3") == r"5 \% of a\_b \& c\#3"
    assert in_tex(r"\frac{~}^$") == r"\textbackslash{}frac\{\textasciitilde{}\}\textasciicircum{}\$"
    assert in_tex("δ → ≤ ü") == r"\ensuremath{\delta} \ensuremath{\rightarrow} \ensuremath{\leq} ü"


def test_formulas_stay_and_what_is_around_them_does_not() -> None:
    assert in_tex_with_math(r"5 % of $\tau_k$, \$3 & $B_k$") == r"5 \% of $\tau_k$, \$3 \& $B_k$"
    assert in_tex_with_math(r"$\mathdefault{10^{-3}}$") == r"$\mathrm{10^{-3}}$"


def test_matplotlibs_own_texts_are_as_before_when_the_block_ends() -> None:
    def handed_over(text: str, **look: Any) -> Any:
        return Text(0, 0, text, **look)._preprocess_math(text)  # type: ignore[attr-defined]

    with escaped():
        assert handed_over("5 %", usetex=True) == (r"5 \%", "TeX")
        assert handed_over("a & $b$") == (r"a \& $b$", True)
        assert handed_over("a & $b$", parse_math=False) == (r"a \& \$b\$", False)
    assert handed_over("5 %", usetex=True) == ("5 %", "TeX")


def test_without_tex_one_line_names_the_argument_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FormatError, match=r"^formats: got pgf without TeX .*; expected pdf, svg or png, or a"):
        plots.save(sheet("a clip"), tmp_path / "sheet", ["pgf"])
    asked = ["--only", "ablation_rows", "--format", "pgf", "--out", str(tmp_path / "out")]
    line = refusal(capfd, "figures", *asked)
    assert line.startswith("--format: got pgf without TeX (xelatex, lualatex, pdflatex); expected pdf, svg or png")
    assert "texlive-latex-recommended" in line
    assert not list(tmp_path.rglob("*.pgf"))


@with_tex
def test_pgf_compiles_in_a_document_that_knows_nothing_of_it(tmp_path: Path) -> None:
    drawn = {"sheet": sheet(NASTY), "rows": figures.draw("ablation_rows"), "options": figures.draw("hyper_parameters")}
    for name, figure in drawn.items():
        assert plots.save(figure, tmp_path / name, ["pgf"]) == [tmp_path / f"{name}.pgf"]
    assert r"5 \% of A\_b \& C\#3 \{x\} \$y" in (tmp_path / "sheet.pgf").read_text()
    assert [path.name for path in tmp_path.glob("*.png")] == ["sheet-img0.png"]
    again = (tmp_path / "again", (tmp_path / "sheet.pgf").read_bytes())
    assert plots.save(sheet(NASTY), again[0] / "sheet", ["pgf"])[0].read_bytes() == again[1]
    (tmp_path / "paper.tex").write_text(DOCUMENT % "".join(rf"\input{{{name}.pgf}}\clearpage " for name in drawn))
    for engine in filter(shutil.which, ENGINES):
        job = [engine, "-interaction=nonstopmode", "-halt-on-error", f"-jobname={engine}", "paper.tex"]
        ran = subprocess.run(job, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == 0, f"{engine}: {ran.stdout[-2000:]}"
        assert (tmp_path / f"{engine}.pdf").stat().st_size > 5000


@pytest.mark.skipif(not (shutil.which("latex") and shutil.which("dvipng")), reason="no latex and dvipng on PATH")
def test_text_that_tex_sets_is_not_cut_at_a_percent_sign(tmp_path: Path) -> None:
    with mpl.rc_context({"text.usetex": True, "font.family": "serif"}):
        figure = sheet(NASTY)
        plots.save(figure, tmp_path / "sheet", ["pdf", "png"])
        with escaped():
            widths = [Text(0, 0, words, figure=figure).get_window_extent().width for words in ("5", "5 % of them all")]
    assert widths[1] > 5 * widths[0]
    assert figure.texts[0].get_text() == NASTY
