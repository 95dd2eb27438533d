"""TokenLens without a kernel: a page of its own, and what of a view is stored in a notebook to make that page again."""

import base64
import html
import json
from pathlib import Path
from string import Template
from typing import Any

from infomerge.widgets.joining import joined

LENS_MIME = "application/vnd.infomerge.lens+json"
"""Under this type a notebook holds the state of a lens: what `state_json` gives, as JSON."""

LENS = Path(__file__).parent / "lens"
"""The view's JavaScript and its style sheet."""

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
<body class="token-lens-page">
<main id="lens"><noscript>This view is drawn by JavaScript, which is switched off here.</noscript></main>
<script id="state" type="application/json">$state</script>
<script type="module">
$module
mountPage(document.getElementById("lens"), document.getElementById("state").textContent);
</script>
</body>
</html>
""")

_FRAME = Template(
    '<div style="display:grid">$below<iframe title="TokenLens" allow="clipboard-write" '
    'style="grid-area:1/1;display:block;width:100%;height:720px;border:0;background:Canvas" '
    'srcdoc="$page"></iframe></div>'
)
_BELOW = Template('<img style="grid-area:1/1;width:100%" alt="$alt" src="data:image/jpeg;base64,$picture">')


def state_json(state: dict[str, Any]) -> str:
    """The traits of a lens (`data`, `frame`, `mode`, `pinned`) as JSON, in which bytes are `{"base64": ...}`."""
    return json.dumps(state, default=lambda value: {"base64": base64.b64encode(value).decode()})


def page(title: str, state: str) -> str:
    """One self-contained page that draws the lens of this `state_json`, without server, kernel or network."""
    return _PAGE.substitute(
        title=html.escape(title),
        style=(LENS / "lens.css").read_text(encoding="utf-8"),
        module=joined(LENS / "static.js"),
        # Inside a script element, `<` could begin its end tag.
        state=state.replace("<", "\\u003c"),
    )


def framed(page: str, picture: str = "", alt: str = "") -> str:
    """A page inside another one, as an element that neither's style sheets or keys reach across.

    Over a picture, a JPEG in base64, if one is given: that is what is seen where frames are taken out of pages, as on
    GitHub and in a notebook that JupyterLab does not trust.
    """
    below = _BELOW.substitute(picture=picture, alt=html.escape(alt)) if picture else ""
    return _FRAME.substitute(page=html.escape(page), below=below)
