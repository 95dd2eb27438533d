"""Equations without a script: what `pymdownx.arithmatex` found in Markdown becomes MathML, which browsers draw."""

import html
import re

from infomerge.extras import needs

EXTENSION = "pymdownx.arithmatex"
SETTINGS = {"generic": True, "smart_dollar": True}
"""With these it wraps `$x$` and `$$x$$` as `drawn` expects them."""
_MARKED = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def drawn(page: str) -> str:
    """HTML in which every equation that arithmatex marked stands as MathML, with its LaTeX beside it for readers aloud.

    Args:
        page: HTML of Markdown that was converted with `EXTENSION` and `SETTINGS`.

    Raises:
        MissingExtraError: latex2mathml is not installed.
    """
    with needs("docs"):
        from latex2mathml.converter import convert

    def mathml(found: re.Match[str]) -> str:
        display = "block" if found[1] == "div" else "inline"
        # A negative space has no number in latex2mathml's answer, and a number it must have.
        return convert(html.unescape(found[2]).strip(), display=display).replace("negativethinmathspace", "-0.167em")

    return _MARKED.sub(mathml, page)
