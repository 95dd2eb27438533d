"""The small lens that its tests share, and its page in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from infomerge import Compression
from infomerge.widgets import TokenLens
from tests.browser import Record, launched, watch
from tests.token_lens.squares import compressed, squares_lens


@pytest.fixture(scope="package")
def out() -> Compression:
    return compressed()


@pytest.fixture(scope="module")
def lens(out: Compression) -> TokenLens:
    return squares_lens(out)


@pytest.fixture(scope="module")
def browser_page(lens: TokenLens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Record]]:
    path = tmp_path_factory.mktemp("lens") / "lens.html"
    lens.to_html(path)
    with launched() as browser:
        context = browser.new_context(viewport={"width": 1000, "height": 900}, accept_downloads=True)
        context.set_default_timeout(10_000)
        page = context.new_page()
        record = watch(page)
        page.goto(path.as_uri())
        yield page, record


@pytest.fixture
def page(browser_page: tuple[Page, Record]) -> Iterator[Page]:
    """The page as it was when it was opened; by the end nothing was complained of or asked of the network."""
    page, record = browser_page
    page.set_viewport_size({"width": 1000, "height": 900})
    page.mouse.move(0, 0)
    page.reload()
    page.wait_for_selector(".token-lens[data-view]")
    yield page
    assert record.errors == []
    assert record.requests == []
