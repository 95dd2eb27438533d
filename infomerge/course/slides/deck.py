"""Slides in Markdown, made into one HTML file with reveal.js in it.

The grammar is reveal.js's own: a line `---` between slides, `Note:` before what only the speaker reads, and
`<!-- .slide: class="NAME" -->` for a slide's layout, a class of deck.css. Numbers come from `measured` by Jinja's
`{{ }}`, equations stand between dollars, and a picture is a file, or `drawn:NAME`. reveal.js comes from the wheel of
pyreveal, so that neither Node nor a network is needed.
"""

import base64
import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from infomerge.extras import needs
from infomerge.files import replaced
from infomerge.formulas import EXTENSION, SETTINGS, drawn

SIZE = (1280, 720)
"""Width and height of a slide in CSS pixels; the page scales it to the screen."""
DRAWN = "drawn:"
_LAYOUT = re.compile(r'<!-- \.slide: class="([\w -]+)" -->\n*')
_IMAGE = re.compile(r'(<img\b[^>]*?\bsrc=")([^"]+)(")')
_DPI = 220


@dataclass(frozen=True)
class Slide:
    """One slide, in Markdown."""

    text: str
    notes: str
    layout: str
    """Names of classes; empty for none."""

    @property
    def title(self) -> str:
        """Its first heading, or nothing."""
        found = re.search(r"^#+ (.+)$", self.text, re.MULTILINE)
        return found[1] if found else ""


def read_slides(text: str, numbers: Mapping[str, Any] | None = None) -> list[Slide]:
    """The slides of a deck.

    Args:
        text: its Markdown.
        numbers: what may stand between `{{` and `}}`; those of `measured` if none are given.

    Raises:
        MissingExtraError: Jinja is not installed.
        ValueError: a slide has no notes, or names a number that is not there.
    """
    with needs("docs"):
        import jinja2
    if numbers is None:
        from infomerge.course.slides import measured

        numbers = measured.NUMBERS
    try:
        filled = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(numbers)
    except jinja2.UndefinedError as error:
        raise ValueError(f"text: got {error}; expected one of {', '.join(numbers)}") from error
    slides: list[Slide] = []
    for part in re.split(r"^---$", filled, flags=re.MULTILINE):
        body, mark, notes = part.partition("\nNote:")
        layout = _LAYOUT.search(body)
        slide = Slide(_LAYOUT.sub("", body).strip(), notes.strip(), layout[1] if layout else "")
        if not mark or not slide.notes:
            raise ValueError(f"slide {len(slides) + 1} ({slide.title}): got no notes; expected a line Note: and some")
        slides.append(slide)
    return slides


def deck_page(slides: list[Slide], folder: str | os.PathLike[str]) -> str:
    """A deck as HTML: everything that it needs is in it.

    Args:
        slides: in their order.
        folder: where the paths of pictures begin.

    Raises:
        FileNotFoundError: a picture is not there.
        MissingExtraError: what makes slides is not installed.
        ValueError: a picture has no words in its place.
    """
    with needs("docs"):
        import jinja2
        import markdown
        from pyreveal import __file__ as pyreveal
    here = files("infomerge.course.slides")
    reveal = Path(pyreveal).parent / "revealjs" / "dist"
    rendered = []
    for slide in slides:
        body, notes = (
            markdown.markdown(
                text,
                extensions=["attr_list", "md_in_html", "tables", EXTENSION],
                extension_configs={EXTENSION: SETTINGS},
            )
            for text in (slide.text, slide.notes)
        )
        body = _IMAGE.sub(lambda found: found[1] + _embedded(found[2], Path(folder)) + found[3], drawn(body))
        if re.search(r'<img\b(?![^>]*\balt="[^"]+")', body):
            raise ValueError(f"slide {slide.title}: got a picture without words; expected ![what it shows](...)")
        rendered.append({"body": body, "notes": drawn(notes), "layout": slide.layout})
    page = jinja2.Template((here / "deck.html.j2").read_text(encoding="utf-8"))
    return page.render(
        title=slides[0].title,
        slides=rendered,
        size=SIZE,
        styles=[(reveal / "reveal.css").read_text(encoding="utf-8"), (here / "deck.css").read_text(encoding="utf-8")],
        scripts=[_inline(reveal / "reveal.js"), _inline(reveal / "plugin" / "notes.js")],
    )


def write_deck(source: str | os.PathLike[str], out: str | os.PathLike[str]) -> int:
    """Write the deck of a Markdown file as one HTML file, in place of an earlier one.

    Returns:
        How many slides it has.

    Raises:
        FileNotFoundError: the source or a picture is not there.
        MissingExtraError: what makes slides is not installed.
        ValueError: a slide is not as this module says.
    """
    source, out = Path(source), Path(out)
    slides = read_slides(source.read_text(encoding="utf-8"))
    page = deck_page(slides, source.parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return len(slides)


def _embedded(place: str, folder: Path) -> str:
    """A picture as an address that holds it."""
    if place.startswith(DRAWN):
        from infomerge.course.slides.measured import PICTURES

        name = place.removeprefix(DRAWN)
        if name not in PICTURES:
            raise ValueError(f"picture: got {place}; expected {DRAWN} and one of {', '.join(PICTURES)}")
        buffer = io.BytesIO()
        PICTURES[name]().savefig(buffer, dpi=_DPI)
        content = buffer.getvalue()
    else:
        content = (folder / place).read_bytes()
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _inline(script: Path) -> str:
    """A script as it may stand in a page: what would end it early is written otherwise."""
    return script.read_text(encoding="utf-8").replace("</script", r"<\/script")
