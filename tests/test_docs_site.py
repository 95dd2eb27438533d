"""The documentation as `make docs` builds it: no warning, a page for every room, nothing from the network."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import launched, watch
from tests.rooms import ROOMS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_room_has_its_page_and_every_equation_leads_there(site: Path) -> None:
    for room in ROOMS:
        assert f'id="infomerge.{room}' in (site / "api" / f"{room}.html").read_text(encoding="utf-8")
    architecture = (site / "docs" / "architecture.html").read_text(encoding="utf-8")
    links = re.findall(r'href="\.\./(api/\w+\.html)#(infomerge\.[\w.]+)"', architecture)
    assert ("api/budget.html", "infomerge.budget.content_weight") in links
    for page, name in links:
        assert f'id="{name}"' in (site / page).read_text(encoding="utf-8")


def test_shapes_keep_their_quotes(site: Path) -> None:
    page = (site / "api" / "budget.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert 'uniqueness: Float[Tensor, "segments"]' in text
    assert 'tokens: Float[Tensor, "frames positions channels"]' in text


def test_no_page_names_anything_to_fetch(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(ROOMS)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="?(https?:[^">\s]+)', text)
        assert not fetched, f"{page.relative_to(site)} fetches {fetched[0]}"


def test_opened_from_disk_the_search_finds_and_the_page_fits_a_phone(site: Path) -> None:
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        record = watch(page)
        page.goto((site / "index.html").as_uri())
        page.locator(".md-search__input").click()
        page.locator(".md-search__input").press_sequentially("transition_similarity")
        first = page.locator(".md-search-result__link").first
        first.wait_for(timeout=60_000)
        assert "api/segmentation.html" in str(first.get_attribute("href"))
        for name in ("index", "docs/architecture", "docs/results", "api/pipeline"):
            narrow = browser.new_page(viewport={"width": 400, "height": 900})
            narrow.goto((site / f"{name}.html").as_uri())
            assert narrow.evaluate("document.documentElement.scrollWidth") == 400
            narrow.close()
        assert not record.errors
        assert not record.requests
