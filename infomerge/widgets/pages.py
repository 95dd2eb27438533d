"""Views without a kernel: a page of their own, and what a notebook stores of one to make that page again."""

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from infomerge.widgets.joining import joined

LENS_MIME = "application/vnd.infomerge.lens+json"
"""Under this type a notebook holds the state of a lens: what `state_json` gives, as JSON."""
EXPLORER_MIME = "application/vnd.infomerge.explorer+json"
"""The same of an explorer."""
ANSWERS_MIME = "application/vnd.infomerge.answers+json"
"""The same of an AnswerView."""

_FOLDER = Path(__file__).parent
LENS, EXPLORER, ANSWERS = _FOLDER / "lens", _FOLDER / "explorer", _FOLDER / "answers"
"""The views' JavaScript and style sheets."""


@dataclass(frozen=True)
class Kind:
    """One kind of view: its name, its folder, its style sheet, its class in a page, and where its title is."""

    name: str
    folder: Path
    sheet: str
    css_class: str
    title: tuple[str, str]

    @property
    def style(self) -> str:
        """What all views share, and the view's own."""
        return "\n".join(path.read_text(encoding="utf-8") for path in (_FOLDER / "theme.css", self.folder / self.sheet))

    @property
    def module(self) -> str:
        """What Jupyter runs."""
        return joined(self.folder / "view.js")


KINDS = {
    LENS_MIME: Kind("TokenLens", LENS, "lens.css", "token-lens", ("data", "title")),
    EXPLORER_MIME: Kind("BudgetExplorer", EXPLORER, "explorer.css", "budget-explorer", ("clip", "name")),
    ANSWERS_MIME: Kind("AnswerView", ANSWERS, "view.css", "answer-view", ("clip", "title")),
}
"""By the type under which notebooks hold their states."""

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style
</style>
</head>
<body class="infomerge-page $page_class">
<main id="view"><noscript>This view is drawn by JavaScript, which is switched off here.</noscript></main>
<script id="state" type="application/json">$state</script>
<script type="module">
$module
mountPage(document.getElementById("view"), document.getElementById("state").textContent);
</script>
</body>
</html>
""")

_FRAME = Template(
    '<div style="display:grid">$below<iframe title="$name" allow="clipboard-write" '
    'style="grid-area:1/1;display:block;width:100%;height:720px;border:0;background:Canvas" '
    'srcdoc="$page"></iframe></div>'
)
_BELOW = Template('<img style="grid-area:1/1;width:100%" alt="$alt" src="data:image/jpeg;base64,$picture">')


def state_json(state: dict[str, Any]) -> str:
    """A view's traits as JSON, in which bytes are `{"base64": ...}`."""
    return json.dumps(state, default=lambda value: {"base64": base64.b64encode(value).decode()})


def page(mime: str, title: str, state: str) -> str:
    """One self-contained page that draws the view of this `state_json`, without server, kernel or network."""
    kind = KINDS[mime]
    return _PAGE.substitute(
        title=html.escape(title),
        style=kind.style,
        module=joined(kind.folder / "static.js"),
        page_class=f"{kind.css_class}-page",
        # Inside a script element, `<` could begin its end tag.
        state=state.replace("<", "\\u003c"),
    )


def page_of_stored(mime: str, state: dict[str, Any]) -> str:
    """The page, framed, of the state that a notebook holds."""
    kind = KINDS[mime]
    trait, name = kind.title
    return framed(page(mime, state[trait][name], json.dumps(state)), kind.name)


def framed(page: str, name: str, picture: str = "", alt: str = "") -> str:
    """A page inside another one, as an element that neither's style sheets or keys reach across.

    Over a picture, a JPEG in base64, if one is given: that is what is seen where frames are taken out of pages, as on
    GitHub and in a notebook that JupyterLab does not trust.
    """
    below = _BELOW.substitute(picture=picture, alt=html.escape(alt)) if picture else ""
    return _FRAME.substitute(page=html.escape(page), name=name, below=below)
