"""The page, put together: one file that holds everything, and the same as a folder of small files."""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from infomerge.files import replaced
from infomerge.page.answers import Answers
from infomerge.page.costs import costs
from infomerge.widgets.joining import joined

HERE = Path(__file__).parent

ONE_FILE = "infomerge.html"
"""The page in one file, to be sent."""
FOLDER_PAGE = "index.html"
"""The same beside its parts, for a web site."""
PARTS = "parts"

LARGEST = 12_000_000
"""Bytes that a page may have to be sent and opened on a phone."""

TITLE = "What does a model see of a video?"


def page_parts(clips: Sequence[dict[str, Any]], answers: Answers | None = None) -> dict[str, str]:
    """The texts that a page is made of, by file name: style.css, data.js, clip-1.js and so on, page.js.

    The scripts are classic ones in this order, since browsers refuse modules to pages opened from disk.

    Args:
        clips: what `clip_data` gives, in the order in which they are offered.
        answers: of a Video-LLM, where there are any.

    Raises:
        ValueError: there is no clip.
    """
    if not clips:
        raise ValueError("clips: got none; expected at least one clip")
    common: dict[str, Any] = {
        "clips": [],
        "costs": costs(),
        "answers": None if answers is None else answers.model_dump(),
    }
    return {
        "style.css": "\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "css").glob("*.css"))),
        "data.js": f"window.infomergePage = {_literal(common)};\n",
        **{
            f"clip-{number}.js": f"window.infomergePage.clips.push({_literal(clip)});\n"
            for number, clip in enumerate(clips, 1)
        },
        "page.js": f'(() => {{\n"use strict";\n{joined(HERE / "js" / "main.js")}}})();\n',
    }


def page(parts: dict[str, str]) -> str:
    """The whole page as one HTML text that asks for nothing else."""
    scripts = (f"<script>\n{text}</script>" for name, text in parts.items() if name.endswith(".js"))
    return _filled(f"<style>\n{parts['style.css']}</style>", "\n".join(scripts))


def folder_page(parts: dict[str, str]) -> str:
    """The same, with its parts beside it."""
    scripts = (f'<script src="{PARTS}/{name}"></script>' for name in parts if name.endswith(".js"))
    return _filled(f'<link rel="stylesheet" href="{PARTS}/style.css">', "\n".join(scripts))


def write_page(
    folder: Path, clips: Sequence[dict[str, Any]], answers: Answers | None = None, *, force: bool = False
) -> list[Path]:
    """Write infomerge.html, index.html and the folder of its parts, each whole or not at all.

    Returns:
        What was written.

    Raises:
        FileExistsError: one of them is there, and `force` is not given.
        ValueError: there is no clip, or the page is larger than `LARGEST`.
        OSError: from the file system.
    """
    parts = page_parts(clips, answers)
    whole = page(parts)
    size = len(whole.encode())
    if size > LARGEST:
        raise ValueError(
            f"clips: got a page of {size / 1e6:.1f} MB; expected at most {LARGEST / 1e6:.0f}: fewer clips, fewer frames"
        )
    texts = {ONE_FILE: whole, FOLDER_PAGE: folder_page(parts)}
    texts |= {f"{PARTS}/{name}": text for name, text in parts.items()}
    if not force:
        for name in (ONE_FILE, FOLDER_PAGE, PARTS):
            if (folder / name).exists():
                raise FileExistsError(f"{folder / name}: already exists")
    (folder / PARTS).mkdir(parents=True, exist_ok=True)
    for old in (folder / PARTS).glob("clip-*.js"):
        if f"{PARTS}/{old.name}" not in texts:
            old.unlink()  # of a page with more clips, whose index.html is replaced below
    written = []
    for name, text in texts.items():
        with replaced(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def _filled(style: str, scripts: str) -> str:
    pane = Template((HERE / "pane.html").read_text(encoding="utf-8").rstrip())
    panes = (
        pane.substitute(name=name, label=name.upper(), hidden=hidden) for name, hidden in (("a", ""), ("b", " hidden"))
    )
    template = Template((HERE / "template.html").read_text(encoding="utf-8"))
    return template.substitute(title=html.escape(TITLE), style=style, panes="\n        ".join(panes), scripts=scripts)


def _literal(value: Any) -> str:
    """JSON that is JavaScript too, and in which nothing can end a script element or begin a comment of HTML."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)
