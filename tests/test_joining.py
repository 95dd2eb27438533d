"""Modules joined into one: each once, in order, with the exports of the last; what cannot be read is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infomerge.widgets.joining import joined
from infomerge.widgets.pages import ANSWERS, EXPLORER, LENS
from infomerge.widgets.token_lens import TokenLens

MODULES = {
    "main.js": 'import { twice } from "./lib/twice.js";\n'
    'import { one } from "./one.js";\n\n'
    "/** A comment for the type checker: @import { X } from './x.js' */\n"
    "export function answer(/** @type {number} */ x) {\n  return twice(x) + one; // stays\n}\n"
    "export default answer;\n",
    "lib/twice.js": 'import { one } from "../one.js";\nimport numbers from "../numbers.json" with { type: "json" };\n'
    "/**\n * Two times.\n */\n/** @type {any} */ (globalThis).two = 2;\n/** Here. */\n"
    "export const twice = (x) => numbers.two * x * one;\n",
    "one.js": "export const one = 1;\nexport default one;\n",
    "numbers.json": '{"two": 2, "words": "a\\u2028b"}',
}


def written(folder: Path, **changes: str) -> Path:
    for name, text in {**MODULES, **{name.replace("__", "/") + ".js": text for name, text in changes.items()}}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.js"


def test_each_module_comes_once_and_before_those_that_use_it(tmp_path: Path) -> None:
    assert joined(written(tmp_path)) == (
        "const one = 1;\n\n"
        'const numbers = {"two": 2, "words": "a\\u2028b"};\n\n'
        "(globalThis).two = 2;\nconst twice = (x) => numbers.two * x * one;\n\n"
        "export function answer(x) {\n  return twice(x) + one; // stays\n}\nexport default answer;\n"
    )


def test_a_comment_before_code_in_its_line_ends_where_it_ends(tmp_path: Path) -> None:
    code = (
        "export function f(x) {\n  /** @type {A} */ (x).a = 1;\n  return x;\n}\n/** Next. */\nexport const one = 1;\n"
    )
    assert "  (x).a = 1;\n  return x;\n}\nconst one = 1;" in joined(written(tmp_path, one=code))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"one": "export const one = 1;\nconst twice = 2;\n"}, "twice: got in one.js and in twice.js"),
        ({"one": 'import { answer } from "./main.js";\nexport const one = 1;\n'}, "main.js: got an import of itself"),
        (
            {"one": 'import * as all from "./lib/twice.js";\nexport const one = 1;\n'},
            "one.js: got 'import \\* as all",
        ),
        ({"one": "const one = 1;\nexport { one };\n"}, "one.js: got 'export { one };'"),
        (
            {"one": 'import n from "./numbers.json" with { type: "json" };\nexport const one = n.two;\n'},
            "got .* for n",
        ),
    ],
)
def test_what_would_be_joined_wrongly_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        joined(written(tmp_path, **changes))


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        joined(written(tmp_path, one='import { x } from "./gone.js";\nexport const one = x;\n'))


@pytest.mark.parametrize("folder", [LENS, EXPLORER, ANSWERS], ids=["lens", "explorer", "answers"])
@pytest.mark.parametrize(("entry", "exported"), [("view.js", "render, default"), ("static.js", "mountPage")])
def test_a_view_is_one_module_that_asks_for_no_other(folder: Path, entry: str, exported: str) -> None:
    text = joined(folder / entry)
    assert not re.search(r"^import\b|\bimport\(|@import|</script", text, re.MULTILINE)
    for name in exported.split(", "):
        assert re.search(rf"^export (?:default|(?:async )?function {name}\b)", text, re.MULTILINE)
    palette = json.loads((LENS.parent.parent / "palette.json").read_text(encoding="utf-8"))
    assert json.loads(re.search(r"^const palette = (.*);$", text, re.MULTILINE).group(1)) == palette


def test_every_process_joins_the_same_text() -> None:
    code = "import sys; from infomerge.widgets import TokenLens; sys.stdout.write(TokenLens._esm)"
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert again.stdout == str(TokenLens._esm)


def test_no_module_of_the_views_is_over_400_lines() -> None:
    for path in (*LENS.iterdir(), *EXPLORER.iterdir(), *ANSWERS.iterdir(), *LENS.parent.glob("*.js")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name
