"""What the notebooks say: numbers that their outputs show, questions before answers, pictures with words."""

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from infomerge.widgets.joining import joined
from infomerge.widgets.notebook_page import LivingHTMLExporter
from infomerge.widgets.pages import KINDS, LENS
from tests.notebooks import NOTEBOOKS

LIVE = {*KINDS, "application/vnd.jupyter.widget-view+json"}
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])

NO_NUMBER_OF_OURS = re.compile(
    r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|arXiv [\d.]+|\[?\b0\d\b"  # code, equations, links, papers, notebooks
    r"|\b(eq\.|[Ff]igures?|[Tt]ables?|sections?|A\.|segments?|frames?|\*\*Time\*\*) [\d.]+((,| to| and|:| -) [\d.]+)*"
    r"|\*\*Time\*\*.*?$",
    re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)( ?%)?(?!\w|\.\d)")

# What no output shows, by notebook, and where it is from instead.
KNOWN = {
    "every": {
        "14": "positions of a row of the encoder's grid",
        "196": "positions of a frame",
        "32": "frames that are sampled",
        "5 %": "the paper's smallest retention ratio",
        "10 %": "the paper's middle retention ratio",
        "15 %": "the paper's largest retention ratio",
        "0.9": "FastVID's threshold, and the paper's weight of uniqueness",
        "0.1": "the paper's weight of richness",
    },
    "00": {"940.8": "15 % of 6,272, worked out on the spot"},
    "01": {
        "64": "frames that some Video-LLMs take",
        "88.1 %": "the paper's Figure 4",
        "320": "channels of EfficientNet-Lite0's tokens",
    },
    "02": {"9 %": "the paper's Table 7 at 15 %"},
    "07": {
        "100": "clips of static_priors.yaml",
        "5,600": "56 conditions of 100 clips",
        "28": "two rows of 14, which are 0.143 of 196",
    },
    "08": {
        "1.2": "the paper's temperature at 10 %",
        "100": "the tokens that duplicates are counted among",
        "53.6": "the paper's Table 4",
        "54.6 %": "the paper's Table 4",
    },
    "09": {
        "0.98": "the cosine from which `near_duplicates` counts",
        "2025": "a year",
        "2026": "a year",
        "320": "channels of EfficientNet-Lite0's tokens",
        "6,272": "32 frames of 196 positions",
    },
    "10": {"27": "patches of a row of SigLIP's at 384 pixels"},
    "14": {
        "21": "frames of the one long segment of benchmarks.clips",
        "28": "layers of LLaVA-OneVision-7B's language model",
        "320": "channels of EfficientNet-Lite0's tokens",
        "3584": "channels of LLaVA-OneVision-7B's tokens",
    },
    "12": {"1,568": "32 frames of 49 positions", "13": "the number of the next notebook"},
    "13": {"1985": "a year"},
}


def cells(path: Path, kind: str) -> list[NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def numbers(text: str) -> Iterator[tuple[str, float, int]]:
    """Every number of a text: as it is written, its value (of a percentage the share), and its decimals."""
    for written, percent in NUMBER.findall(text):
        value = float(written.replace(",", ""))
        decimals = len(written.partition(".")[2])
        yield (f"{written} %", value / 100, decimals + 2) if percent else (written, value, decimals)


def told(path: Path) -> Iterator[tuple[str, float, int]]:
    """The numbers of a notebook's prose; whole ones from 13 on, as smaller ones mostly count what is in sight."""
    for cell in cells(path, "markdown"):
        for written, value, decimals in numbers(NO_NUMBER_OF_OURS.sub(" ", cell.source)):
            if decimals or value > 12:
                yield written, value, decimals


def shown(path: Path) -> list[float]:
    """The numbers that a notebook's code holds, and those that it has printed or set in tables."""
    text = []
    for cell in cells(path, "code"):
        text += [cell.source, *(output.get("text", "") for output in cell.outputs)]
        text += [output.get("data", {}).get("text/markdown", "") for output in cell.outputs]
    return [value for _, value, _ in numbers(re.sub(r"(?<=\d)[msTx]\b|[+-](?=\d)", " ", "\n".join(text)))]


def strangers(path: Path) -> set[str]:
    """The numbers of a notebook's prose that neither its outputs nor the list of known ones has."""
    found = shown(path)
    known = KNOWN["every"] | KNOWN.get(path.stem[:2], {})
    return {
        written
        for written, value, decimals in told(path)
        if written not in known
        # As rounded, but for the last bit of a float.
        and not any(abs(value - other) <= 0.5000001 * 10.0**-decimals for other in found)
    }


@every_notebook
def test_every_number_in_prose_is_one_that_the_notebook_shows(path: Path) -> None:
    assert strangers(path) == set()


def test_no_known_number_is_listed_in_vain() -> None:
    for name, known in KNOWN.items():
        paths = [path for path in NOTEBOOKS if name in ("every", path.stem[:2])]
        assert known.keys() <= {written for path in paths for written, _, _ in told(path)}, name


def test_a_number_that_nothing_shows_is_found(tmp_path: Path) -> None:
    code = nbformat.v4.new_code_cell(
        "print(x)", outputs=[nbformat.v4.new_output("stream", text="a 0.624, 1,941 b 20%")]
    )
    prose = nbformat.v4.new_markdown_cell(
        "0.62 of 1,941, which is 20 % (eq. 34, `0.77`, $0.88$), not 0.63, 1,940 or 21 %"
    )
    path = tmp_path / "99_made_up.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[prose, code]), path)
    assert strangers(path) == {"0.63", "1,940", "21 %"}


@every_notebook
def test_answers_are_folded_behind_their_questions(path: Path) -> None:
    if path.stem.startswith("11"):
        return  # its question is one of taste
    all_cells = nbformat.read(path, as_version=4).cells
    asked = [number for number, cell in enumerate(all_cells) if "**Predict" in cell.source]
    assert asked
    for number in asked:
        after = number + 1
        while all_cells[after].cell_type == "code":
            mimes = {mime for output in all_cells[after].outputs for mime in output.get("data", {})}
            hidden = all_cells[after].metadata.get("jupyter", {}).get("outputs_hidden", False)
            # What is to be touched lies open.
            assert hidden or not all_cells[after].outputs or mimes & LIVE, all_cells[after].source
            after += 1
        assert all_cells[after].source.startswith("<details><summary>What came out</summary>\n\n")
        assert "\n\n</details>" in all_cells[after].source


@every_notebook
def test_what_a_fold_shows_of_an_answer_is_no_answer(path: Path) -> None:
    # JupyterLab writes the first line of the first output on the fold.
    for cell in cells(path, "code"):
        if not cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            continue
        first = cell.outputs[0]
        data = first.get("data", {})
        text = first.get("text") or data.get("text/markdown") or data["text/plain"]
        line = next(line for line in text.splitlines() if line)
        head_of_a_table, picture = line.startswith("| "), line.startswith("<") and "image/png" in data
        assert line.endswith(":") or head_of_a_table or picture, f"{line!r} is on the fold of\n{cell.source}"


def equations(text: str) -> set[int]:
    """The paper's equations that a text names: "eq. 3 to 5", "eq. 29 and 30"."""
    named: set[int] = set()
    for first, word, last in re.findall(r"\beqs?\. (\d+)(?: (to|and) (\d+))?", text):
        named |= set(range(int(first), int(last) + 1)) if word == "to" else {int(first), int(last or first)}
    return named


def equations_shown(path: Path) -> set[int]:
    """Those that a notebook names beside a formula."""
    return set().union(*(equations(cell.source) for cell in cells(path, "markdown") if "$" in cell.source))


@every_notebook
def test_an_equation_that_is_named_is_shown_there_or_where_the_reader_is_sent(path: Path) -> None:
    shown = equations_shown(path)
    for cell in cells(path, "markdown"):
        sent = [other for other in NOTEBOOKS if f"({other.name})" in cell.source]
        known = shown.union(*(equations_shown(other) for other in sent))
        assert equations(cell.source) <= known, f"{equations(cell.source) - known} of {cell.source[:80]!r}"


def test_the_equations_of_every_section_are_in_the_notebooks() -> None:
    # Those that the method's modules name: of segments, TFD, budgets, selection and merging.
    everywhere = set().union(*map(equations_shown, NOTEBOOKS))
    assert {1, 2, *range(3, 13), 21, 22, 23, 29, 30, *range(31, 35)} <= everywhere
    assert equations("eq. 3 to 5, eqs. 7 and 9 (eq. 34)") == {3, 4, 5, 7, 9, 34}


@every_notebook
def test_no_cell_is_longer_than_can_be_read_at_a_glance(path: Path) -> None:
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 20, f"a view of the library's would be shorter:\n{cell.source}"


@every_notebook
def test_cells_show_and_define_nothing(path: Path) -> None:
    kinds = (ast.FunctionDef, ast.ClassDef)
    defined = [
        node.name
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, kinds)
    ]
    assert not defined, "what a notebook needs belongs into the library"


@every_notebook
def test_pictures_have_words_and_nothing_stands_in_red(path: Path) -> None:
    for cell in cells(path, "code"):
        for output in cell.outputs:
            assert output.get("name") != "stderr"
            for mime in {"image/png", "image/jpeg"} & output.get("data", {}).keys():
                assert output.metadata.get(mime, {}).get("alt"), f"no words for a picture of\n{cell.source}"


def test_a_page_of_a_notebook_folds_its_answers_and_gives_pictures_their_words() -> None:
    path = NOTEBOOKS[2]
    page, _ = LivingHTMLExporter().from_filename(str(path))
    outputs = [(cell, output) for cell in cells(path, "code") for output in cell.outputs]
    alts = [output.metadata["image/png"]["alt"] for _, output in outputs if "image/png" in output.get("data", {})]
    assert alts
    assert [html.unescape(words) for words in re.findall(r'<img alt="([^"]+)"', page)] == alts
    folded = [cell for cell in cells(path, "code") if cell.metadata.get("jupyter", {}).get("outputs_hidden")]
    assert page.count("<details><summary>Output</summary>") == len(folded) > 0


def test_a_page_of_a_notebook_draws_its_equations_without_a_network(tmp_path: Path) -> None:
    path = NOTEBOOKS[2]
    page, _ = LivingHTMLExporter().from_filename(str(path))
    blocks = sum(cell.source.count("$$") for cell in cells(path, "markdown")) // 2
    assert page.count('display="block"') == blocks > 0
    assert page.count('display="inline"') > 0
    assert "$$" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    # What is no equation, and dollars in code, stay as they are written.
    odd = nbformat.v4.new_markdown_cell(r"$\left( x$, `$x$`, $x < y$")
    nbformat.write(nbformat.v4.new_notebook(cells=[odd]), tmp_path / "odd.ipynb")
    page, _ = LivingHTMLExporter().from_filename(str(tmp_path / "odd.ipynb"))
    assert r"$\left( x$, <code>$x$</code>, <math" in page
    assert page.count("<math") == 1


def test_the_first_thing_is_a_lens_that_lives_without_a_kernel() -> None:
    path = NOTEBOOKS[0]
    first = cells(path, "code")[0]
    (output,) = first.outputs
    page = output["data"]["text/html"]
    assert html.escape(joined(LENS / "static.js")) in page, "made of an older view: make notebooks"
    assert "<iframe" in page
    assert page.index("data:image/jpeg;base64,") < page.index("<iframe")  # what is left where frames are taken out


def test_00_says_of_answers_what_its_table_says() -> None:
    printed = "".join(output.get("text", "") for cell in cells(NOTEBOOKS[0], "code") for output in cell.outputs)
    verdicts = dict(re.findall(r"InfoMerge against (\w+): .* points, (\w+)", printed))
    assert verdicts == {"fastvid": "higher", "tome": "lower"}  # so the text goes: "more than FastVID, ToMe keeps more"
