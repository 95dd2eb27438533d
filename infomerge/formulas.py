"""Equations without a script: LaTeX becomes MathML, which browsers draw, for slides, site and pages of notebooks."""

import html
import re
from typing import Literal

from infomerge.extras import needs

EXTENSION = "pymdownx.arithmatex"
SETTINGS = {"generic": True, "smart_dollar": True}
"""With these it wraps `$x$` and `$$x$$` as `drawn` expects them."""
_MARKED = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def mathml(latex: str, display: Literal["inline", "block"] = "inline") -> str:
    """An equation as MathML, with its LaTeX beside it for readers aloud.

    Args:
        latex: without the dollars.
        display: within a line, or on lines of its own.

    Raises:
        MissingExtraError: latex2mathml is not installed.
        ValueError: it is no LaTeX that latex2mathml reads.
    """
    with needs("docs"):
        from latex2mathml.converter import convert
    try:
        drawn = convert(latex.strip(), display=display)
    except Exception as error:
        # Its errors have no base of their own, and what is cut short ends in an IndexError.
        raise ValueError(f"latex: got {latex!r} ({type(error).__name__}); expected an equation") from error
    # A negative space has no number in latex2mathml's answer, and a number it must have.
    return drawn.replace("negativethinmathspace", "-0.167em")


def drawn(page: str) -> str:
    """HTML in which every equation that arithmatex marked stands as `mathml` draws it.

    Args:
        page: HTML of Markdown that was converted with `EXTENSION` and `SETTINGS`.

    Raises:
        MissingExtraError: latex2mathml is not installed.
        ValueError: an equation cannot be read.
    """
    return _MARKED.sub(lambda found: mathml(html.unescape(found[2]), "block" if found[1] == "div" else "inline"), page)
