"""Figures whose letters TeX sets, as pgf or by `text.usetex`: a text reads as it does everywhere else."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends import backend_pgf
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.text import Text

from infomerge.files import replaced

ENGINES = ("xelatex", "lualatex", "pdflatex")
"""By what letters are measured: the first that is installed; those before the last know every letter."""

NEEDED = "a LaTeX with pgf (Debian: texlive-latex-recommended and texlive-xetex)"

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {letter: f"\\{letter}" for letter in "&%$#_{}"}
_GREEK = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
_SYMBOLS = dict(zip("αβγδεζηθκλμνξπρστφχψω", _GREEK.split(), strict=True))
_SYMBOLS |= {"←": "leftarrow", "↑": "uparrow", "→": "rightarrow", "↓": "downarrow", "·": "cdot", "±": "pm"}
_SYMBOLS |= {"≤": "leq", "≥": "geq", "≈": "approx", "∞": "infty", "\N{MULTIPLICATION SIGN}": "times"}
# What pdfTeX has in no font of text.
_TEX = _SPECIAL | {letter: rf"\ensuremath{{\{name}}}" for letter, name in _SYMBOLS.items()}
_TEX["\N{MINUS SIGN}"] = r"\ensuremath{-}"


class TeXError(ValueError):
    """TeX is not there, or cannot set a text."""


def in_tex(text: str) -> str:
    """A text that TeX prints as it is, with whatever letters mean something to TeX."""
    return "".join(_TEX.get(letter, letter) for letter in text)


def in_tex_with_math(text: str) -> str:
    r"""The same for a text with formulas between dollars, which stay; `\$` is a dollar."""
    parts = re.split(r"(?<!\\)\$", text)
    for number, part in enumerate(parts):
        if number % 2:
            # Known to matplotlib's own preamble alone.
            parts[number] = f"${part.replace(chr(92) + 'mathdefault', chr(92) + 'mathrm')}$"
        else:
            parts[number] = in_tex(part.replace(r"\$", "$"))
    return "".join(parts)


@contextmanager
def escaped() -> Iterator[None]:
    """Texts of all figures, as matplotlib hands them to TeX in this block, stand for their letters.

    Matplotlib hands them over as they are: `&`, `_` and `#` stop TeX, and a `%` ends the line without a word.
    """
    # The one place that measuring and drawing, pgf and `text.usetex` have in common.
    own = Text._preprocess_math  # type: ignore[attr-defined]

    def given(self: Text, text: str) -> tuple[str, bool | str]:
        math = bool(self.get_parse_math() and is_math_text(text))
        return in_tex_with_math(text) if math else in_tex(text), "TeX" if self.get_usetex() else math

    Text._preprocess_math = given  # type: ignore[attr-defined]
    try:
        yield
    finally:
        Text._preprocess_math = own  # type: ignore[attr-defined]


def write_pgf(figure: Figure, path: Path) -> None:
    r"""Write a figure for `\input` in LaTeX, with `\usepackage{pgf}` alone, and pictures in it as PNG beside it.

    Letters are in the document's own fonts; they are measured in LaTeX's, whatever font the figure was drawn in.

    Args:
        figure: to write.
        path: ends with .pgf; the pictures are called after it, `NAME-img0.png` and so on.

    Raises:
        TeXError: there is no TeX here to measure letters by, or it cannot set one of the texts.
    """
    engine = mpl.rcParams["pgf.texsystem"]
    if not shutil.which(engine):
        found = [name for name in ENGINES if shutil.which(name)]
        if not found:
            raise TeXError(f"got pgf without TeX ({', '.join(ENGINES)}); expected pdf, svg or png, or {NEEDED}")
        engine = found[0]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        # The fonts of matplotlib are files that TeX, and the document, need not have.
        with mpl.rc_context({"pgf.texsystem": engine, "pgf.rcfonts": False}), escaped():
            try:
                figure.savefig(made, format="pgf")
            except (ValueError, RuntimeError, backend_pgf.LatexError) as error:
                said = str(error)
                stopped = next((line for line in said.splitlines() if line.startswith("!")), said.partition("\n")[0])
                raise TeXError(f"got pgf, but {engine} stopped ({stopped}); expected {NEEDED}") from error
        for file in sorted(
            made.parent.iterdir(), key=lambda file: file == made
        ):  # the figure when its pictures lie there
            with replaced(path.with_name(file.name)) as temporary:
                shutil.copyfile(file, temporary)
