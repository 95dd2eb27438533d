"""The site as `make site` builds it, and what its pages hold."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import torch

from infomerge import EncodedClip
from infomerge.course.slides import write_deck
from infomerge.page.build import write_page
from infomerge.page.clip_data import clip_data

ROOT = Path(__file__).parent.parent
_LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}


def parts(folder: Path) -> Path:
    """An explorable page of a small clip, and a deck of one slide: made as the large ones are, in a second."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    tokens = torch.from_numpy(rng.normal(size=(8, 16, 8))).float()
    write_page(folder / "page", [clip_data(EncodedClip.from_arrays(tokens, frames=frames, name="small"))])
    source = folder / "slides.md"
    source.write_text("# One slide\n\nNote: and its notes", encoding="utf-8")
    write_deck(source, folder / "slides.html")
    return folder


def build_site(folder: Path, made: Path) -> None:
    """Build the site into a folder, strictly: a warning is an error."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"SITE_PARTS": str(made)}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr


@dataclass
class Html(HTMLParser):
    """What a page leads to, loads and is made of."""

    path: Path
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    headings: list[int] = field(default_factory=list)
    pictures: list[dict[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given[name] or "" for name in ("id", "name") if name in given}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.pictures.append(given)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if given.get(_LOADED.get(tag, "")):
            self.loaded.append(given[_LOADED[tag]] or "")


def pages_of(site: Path) -> dict[Path, Html]:
    """Every page of a site."""
    return {path: Html(path) for path in sorted(site.resolve().rglob("*.html"))}


def dead(pages: dict[Path, Html]) -> list[str]:
    """Links of a site's pages that lead to no file of it, or to no place in one."""
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            address = urlsplit(link)
            if address.scheme:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            place = unquote(address.fragment)
            known = place.startswith("__") or target not in pages or place in {"", *pages[target].ids}
            if not target.is_file() or not known:
                found.append(f"{path.name}: {link}")
    return found
