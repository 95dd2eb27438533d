"""What mkdocs cannot know by itself: the repository's pages in their own places, and a page for every room.

README.md, docs/, notebooks/README.md and so on link to each other and to files by relative paths. On the site each has
the same path, and what they link to comes along, so that a link that holds in the repository holds there too.
"""

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.rooms import LAYERS  # noqa: E402  after the path is known

LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)|(?:src|href)="([^"#]+)"')
NAMED = re.compile(r"\[`([\w.]+)`\]\(((?:\.\./)*)infomerge/(\w+)\S*?\.py\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Append the reference to the navigation, from the room that is nearest to the user down to the ground."""
    reference: list[Any] = ["api/infomerge.md"]
    reference += [{layer: [_page(room) for room in rooms]} for layer, rooms in reversed(LAYERS.items())]
    assert config.nav is not None
    config.nav.append({"Reference": reference})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of the navigation, what they link to, and the reference."""
    for file in [file for file in files if file.src_dir == config.docs_dir]:  # each has its place in the repository
        files.remove(file)
    places = {*_strings(config.nav), *config.extra_css, *map(str, config.extra["polyfills"])}
    wanted = [place for place in places if (ROOT / place).is_file()]
    added = set()
    while wanted:
        place = wanted.pop()
        if place in added:
            continue
        added.add(place)
        files.append(File.generated(config, place, abs_src_path=str(ROOT / place)))
        if place.endswith(".md") and place in places:
            wanted += _linked(place)
    files.append(File.generated(config, "api/infomerge.md", content="# infomerge\n\n" + _module("infomerge")))
    for rooms in LAYERS.values():
        for room in rooms:
            content = f"# {room}\n\n" + "\n".join(map(_module, _modules(room)))
            files.append(File.generated(config, _page(room), content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A name that links to its file in the repository leads to its entry in the reference."""
    return NAMED.sub(r"[`\1`](\2api/\3.md#infomerge.\1)", markdown)


def _page(room: str) -> str:
    return f"api/{room}.md"


def _strings(nav: Any) -> list[str]:
    """All paths in a navigation."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [path for part in parts for path in _strings(part)]


def _linked(place: str) -> list[str]:
    """Files of the repository that a page links to."""
    found = []
    for pair in LINK.findall((ROOT / place).read_text(encoding="utf-8")):
        path = ((ROOT / place).parent / "".join(pair)).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            found.append(str(path.relative_to(ROOT)))
    return found


def _modules(room: str) -> list[str]:
    """Dotted names of a room's modules, the package itself first; those whose names begin with _ are its own affair."""
    top = ROOT / "infomerge" / room
    paths = sorted(top.rglob("*.py"), key=lambda path: (path.name != "__init__.py", path)) if top.is_dir() else []
    paths = paths or [top.with_suffix(".py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if "._" not in name.removesuffix(".__init__")]


def _module(name: str) -> str:
    return f"::: {name}\n"
