"""The site as `make site` builds it: whole, without a dead link, without a network, and open to everyone."""

import html
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.axe import faults
from tests.browser import launched, watch
from tests.rooms import ROOMS
from tests.site import Html, build_site, dead, pages_of, parts

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
KINDS = {
    "the start": "index",
    "a notebook": "notebooks/00_start_here",
    "a unit": "notebooks/course/unit_2_fingerprints",
    "a guide": "docs/architecture",
    "the figures": "figures/index",
    "downloads": "downloads",
    "the reference": "api/budget",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder, parts(tmp_path_factory.mktemp("parts")))
    return folder.resolve()


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Html]:
    return pages_of(site)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_every_room_has_its_page_and_every_equation_leads_there(site: Path) -> None:
    for room in ROOMS:
        assert f'id="infomerge.{room}' in (site / "api" / f"{room}.html").read_text(encoding="utf-8")
    architecture = (site / "docs" / "architecture.html").read_text(encoding="utf-8")
    links = re.findall(r'href="\.\./(api/\w+\.html)#(infomerge\.[\w.]+)"', architecture)
    assert ("api/budget.html", "infomerge.budget.content_weight") in links
    for page, name in links:
        assert f'id="{name}"' in (site / page).read_text(encoding="utf-8")


def test_shapes_keep_their_quotes(site: Path) -> None:
    text = text_of(site / "api" / "budget.html")
    assert 'uniqueness: Float[Tensor, "segments"]' in text
    assert 'tokens: Float[Tensor, "frames positions channels"]' in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: "/".join(path.with_suffix("").parts[-2:]))
def test_every_notebook_is_a_page_with_its_code_its_outputs_and_itself(site: Path, path: Path) -> None:
    place = site / path.relative_to(ROOT)
    assert place.read_bytes() == path.read_bytes()
    page, shown = Html(place.with_suffix(".html")), text_of(place.with_suffix(".html"))
    words, pictures, formulas = "".join(shown.split()), 0, 0
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            formulas += len(re.findall(r"\$\$.+?\$\$", source, re.DOTALL))
        else:
            assert "".join(source.split()) in words
        for output in cell.get("outputs", []):
            assert "".join("".join(output.get("text", "")).split()) in words
            pictures += "image/png" in output.get("data", {}) and "text/html" not in output["data"]
    assert sum(str(picture["src"]).startswith(path.stem) for picture in page.pictures) >= pictures
    raw = place.with_suffix(".html").read_text(encoding="utf-8")
    assert raw.count('display="block"') == formulas
    assert not re.search(r"\$\$|\\\(|\\frac", re.sub(r"srcdoc=\"[^\"]*\"|<code.*?</code>", "", raw, flags=re.DOTALL))
    assert path.name in page.links


def test_every_link_leads_somewhere(pages: dict[Path, Html]) -> None:
    assert len(pages) > len(ROOMS) + len(NOTEBOOKS)
    assert not dead(pages)


def test_a_dead_link_would_be_noticed(tmp_path: Path) -> None:
    for name, text in (("a", '<a href="b.html#c">c</a><a href="b.html">b</a>'), ("b", '<h1 id="d">d</h1>')):
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    (tmp_path / "c.html").write_text('<img src="e.png">', encoding="utf-8")
    assert dead(pages_of(tmp_path)) == ["a.html: b.html#c", "c.html: e.png"]


def test_no_page_names_anything_to_fetch(pages: dict[Path, Html], site: Path) -> None:
    for path, page in pages.items():
        fetched = [address for address in page.loaded if urlsplit(address).scheme not in ("", "data")]
        assert not fetched, f"{path.relative_to(site)} fetches {fetched[0]}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?https?:", sheet.read_text(encoding="utf-8")), sheet.name


def test_headings_are_in_order_and_pictures_have_words(pages: dict[Path, Html], site: Path) -> None:
    for path, page in pages.items():
        if path.relative_to(site).parts[0] in ("page", "slides.html"):
            continue  # they have tests of their own
        assert page.headings.count(1) == 1, path
        assert all(after <= before + 1 for before, after in pairwise(page.headings)), path
        assert all("alt" in picture for picture in page.pictures), path
        if path.with_suffix(".ipynb").exists():
            assert all(picture["alt"] for picture in page.pictures), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_grave_and_the_page_fits_a_phone(
    site: Path, browser: Browser, kind: str, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    record = watch(page)
    page.goto((site / f"{KINDS[kind]}.html").as_uri())
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert faults(page) == []
    assert not record.errors
    assert not record.requests
    context.close()


def test_axe_would_find_a_fault(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        '<title>A</title><main><h1>A</h1><p style="color: #ccc; background: #fff">pale</p><img src="data:,"></main>'
    )
    assert [fault.partition(":")[0] for fault in faults(page)] == ["color-contrast", "html-has-lang", "image-alt"]
    page.close()


def test_the_search_finds_code_and_the_text_of_notebooks(site: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    record = watch(page)
    page.goto((site / "index.html").as_uri())
    asked = {"transition_similarity": "api/segmentation.html", "fingerprint matrix": "unit_2_fingerprints.html"}
    for words, place in asked.items():
        page.locator(".md-search__input").click()
        page.locator(".md-search__input").fill("")
        page.locator(".md-search__input").press_sequentially(words)
        page.locator(f".md-search-result__link[href*='{place}']").first.wait_for(timeout=60_000)
    assert not record.errors
    assert not record.requests
    page.close()


def test_it_is_read_by_keyboard_in_light_and_dark(site: Path, browser: Browser) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light").new_page()
    page.goto((site / "notebooks" / "00_start_here.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.md-skip')")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('article') !== null")
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "default"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("label[title=Dark]").click()
    page.wait_for_function(f"{scheme} === 'slate'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground
    fold = page.locator("article details summary").first
    fold.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('article details').open")
    page.context.close()


@pytest.mark.parametrize("name", ["00_start_here", "05_retained_tokens"])
def test_the_lens_lives_without_a_kernel(site: Path, browser: Browser, name: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    record = watch(page)
    page.goto((site / "notebooks" / f"{name}.html").as_uri())
    frame = page.locator("iframe").first
    frame.scroll_into_view_if_needed()
    inside = frame.content_frame
    inside.get_by_text("Ownership", exact=True).click()
    inside.locator("canvas.tl-stage").click(position={"x": 200, "y": 120})
    inside.locator(".tl-readout").get_by_text("Stands for").wait_for()
    assert not record.errors
    assert not record.requests
    page.close()


def test_what_was_built_before_is_offered(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    record = watch(page)
    page.goto((site / "docs" / "page.html").as_uri())
    page.get_by_role("link", name="Open the page").click()
    page.wait_for_url("**/page/infomerge.html*")
    page.goto((site / "downloads.html").as_uri())
    page.get_by_role("link", name="The slides").click()
    page.get_by_role("heading", name="One slide").wait_for()
    assert not record.errors
    assert not record.requests
    for name in ("notebooks.zip", "figures.zip", "results.zip"):
        assert (site / name).read_bytes()[:2] == b"PK"
    page.close()
