"""What mkdocs cannot know by itself: the repository's pages in their own places, notebooks, and a page for every room.

README.md, docs/, notebooks/README.md and so on link to each other and to files by relative paths. On the site each has
the same path, and what they link to comes along, so that a link that holds in the repository holds there too.
`SITE_PARTS` names the folder with what is built first: the explorable page in page/, and slides.html.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from site_downloads import PARTS, downloads  # noqa: E402  after the path is known
from site_notebooks import NotebookPage, notebook_page, notebook_paths  # noqa: E402

from infomerge.formulas import drawn  # noqa: E402
from tests.rooms import LAYERS  # noqa: E402

NOTEBOOK = re.compile(r"(\]\([\w./-]+)\.ipynb((?:#[^)]*)?\))(?!\{: download)")
WIDE = re.compile(r'(<math [^>]*display="block"|<div class="drawing")>')
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)|(?:src|href)="([^"#]+)"')
NAMED = re.compile(r"\[`([\w.]+)`\]\(((?:\.\./)*)infomerge/(\w+)\S*?\.py\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add notebooks, units and downloads to the navigation, and the reference, from the user's rooms to the ground."""
    assert config.nav is not None
    for entry in config.nav:
        for title, first in entry.items():
            if isinstance(first, str) and first.startswith("notebooks/"):
                entry[title] = [first, *_chapters(Path(first).parent)]
    config.nav.append({"Downloads": "downloads.md"})
    reference: list[Any] = ["api/infomerge.md"]
    reference += [{layer: [_page(room) for room in rooms]} for layer, rooms in reversed(LAYERS.items())]
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
    for place, made in _notebooks().items():
        files.append(File.generated(config, place, content=made.text))
        notebook = place.removesuffix(".md") + ".ipynb"
        if notebook not in added:
            files.append(File.generated(config, notebook, abs_src_path=str(ROOT / notebook)))
        for name, content in made.pictures.items():
            files.append(File.generated(config, str(Path(place).with_name(name)), content=content))
    page, archives = downloads(config.extra["parts"])
    files.append(File.generated(config, "downloads.md", content=page))
    for name, content in archives.items():
        files.append(File.generated(config, name, content=content))
    files.append(File.generated(config, "api/infomerge.md", content="# infomerge\n\n" + _entry(ROOT / "infomerge")))
    for rooms in LAYERS.values():
        for room in rooms:
            content = f"# {room}\n\n" + "\n".join(map(_entry, _modules(ROOT / "infomerge" / room)))
            files.append(File.generated(config, _page(room), content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """A name that links to its file leads to its entry in the reference, a link to a notebook to its page."""
    if page.file.src_uri == "docs/page.md" and config.extra["parts"]:
        title, _, rest = markdown.partition("\n")
        markdown = f"{title}\n\n[Open the page](../{PARTS['page']}){{: .md-button .md-button--primary }}\n{rest}"
    if not markdown.startswith("# "):  # written to stand inside another page, under its headings
        markdown = f"# {page.title}\n\n" + markdown.replace("\n### ", "\n## ")
    markdown = NOTEBOOK.sub(r"\1.md\2", markdown)
    return NAMED.sub(r"[`\1`](\2api/\3.md#infomerge.\1)", markdown)


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """Equations as MathML, outputs of notebooks in their places; what is wide can be scrolled by keyboard."""
    made = _notebooks().get(page.file.src_uri)
    content = WIDE.sub(r'\1 tabindex="0">', drawn(content))
    return made.filled(content) if made else content


def on_post_page(output: str, **_: Any) -> str:
    """What the theme leaves out: a name for its dialog of the search."""
    return output.replace('role="dialog">', 'role="dialog" aria-label="Search">')


def on_post_build(config: MkDocsConfig) -> None:
    """Without a server nobody is shown the page of what is not found, whose links begin at its root."""
    Path(config.site_dir, "404.html").unlink(missing_ok=True)


@cache
def _notebooks() -> dict[str, NotebookPage]:
    """Pages of notebooks by their place in the site."""
    return {f"{path.relative_to(ROOT).with_suffix('')}.md": notebook_page(path) for path in notebook_paths()}


def _chapters(folder: Path) -> list[Any]:
    """What the navigation says of the notebooks in a folder, and of those in its folder of solutions."""
    chapters: list[Any] = []
    for place, made in _notebooks().items():
        if Path(place).parent == folder:
            heading = made.text.partition("\n")[0].removeprefix("# ")
            number = Path(place).stem[:2]
            title = (
                f"{number} {heading.partition(':')[0].removeprefix(number).strip()}" if number.isdigit() else heading
            )
            chapters.append({title: place})
    solutions = folder / "solutions"
    return [*chapters, {"Solutions": _chapters(solutions)}] if (ROOT / solutions).is_dir() else chapters


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


def _modules(room: Path) -> list[Path]:
    """A room's modules, packages before what is in them; those whose names begin with _ are its own affair."""
    if not room.is_dir():
        return [room.with_suffix(".py")]
    files = [path for path in room.rglob("*.py") if not re.search(r"/_[a-z]", str(path.relative_to(ROOT)))]
    modules = [path.parent if path.name == "__init__.py" else path for path in files]
    return sorted(modules, key=lambda path: path.with_suffix("").parts)


def _entry(module: Path) -> str:
    """A module in the reference. A package shows what is defined in it, and lists what it offers from its modules."""
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
    if not module.is_dir():
        return f"::: {name}\n"
    tree = ast.parse((module / "__init__.py").read_text(encoding="utf-8"))
    own = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]
    (offered,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ] or [[]]
    elsewhere = [offer for offer in offered if offer not in own and offer[0] != "_"]
    rows = "\n".join(f"| {_link(f'{name}.{offer}')} | {_summary(name, offer)} |" for offer in elsewhere)
    text = f"::: {name}\n    options:\n      members: {own or 'false'}\n"
    return f"{text}\n| It offers | |\n|---|---|\n{rows}\n" if rows else text


def _link(path: str) -> str:
    """To a name's entry, where it has one: constants without a docstring have none."""
    return f'<autoref identifier="{path}" optional><code>{path.rpartition(".")[2]}</code></autoref>'


def _summary(module: str, offer: str) -> str:
    """The first line of what stands behind a name, which may be imported from elsewhere."""
    try:
        docstring = _package()[f"{module}.{offer}".partition(".")[2]].docstring
    except (KeyError, griffe.AliasResolutionError):
        return ""
    return docstring.value.partition("\n")[0].replace("|", "&#124;") if docstring else ""


@cache
def _package() -> Any:
    return griffe.load("infomerge", search_paths=[ROOT])
