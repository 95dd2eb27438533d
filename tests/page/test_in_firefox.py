"""The page opened from disk in Firefox: what Chromium shows, without an error and without a request."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.firefox import Firefox, Page, launched
from tests.page import test_in_browser as chromium

pytestmark = pytest.mark.browser

SHOWN = """(() => {
    const { result } = infomergeApp.panes.a;
    return {
        kept: document.querySelector("#pane-a .kept b").textContent,
        flops: document.querySelector("#pane-a .flops b").textContent,
        time: document.querySelector("#pane-a .time b").textContent,
        taps: [...document.querySelectorAll("#pane-a .taps button")].map((button) => button.getAttribute("aria-label")),
        segments: result.segments,
        budget: result.budget,
        owner: [...result.owner],
        salient: [...result.isSalient],
        view: document.querySelector("input[name=view]:checked").value,
        place: document.querySelector("#place").textContent,
        said: document.querySelector("#say").textContent,
    };
})()"""

LINKS = (
    "#clip=1&step=4&frame=5&segment=3&view=kept",
    "#clip=2&step=9&r=0.05&tau=2&rho=0.05&token=700&frame=4&view=kind",
    "#clip=3&step=9&r=0.33&d=0.7&lambda=3&every=2&k=7&cut=0.95&still=adjacent&view=still",
    "#clip=1&step=9&r=0.1&by=length&rho=0.3&compare=1&b.r=0.02&view=merged",
)

PICTURE = "document.querySelector('#pane-a .strip').toDataURL().length"


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    with launched() as firefox:
        yield firefox


@contextmanager
def opened(firefox: Firefox, file: Path, hash_: str = "", width: int = 1366, height: int = 768) -> Iterator[Page]:
    """The page without a network; it may complain of nothing and ask for nothing."""
    with firefox.page(width, height) as page:
        page.goto(file.as_uri() + hash_)
        page.wait_for("document.body.dataset.ready")
        page.settle()
        yield page
        assert page.record.errors == []
        assert page.record.requests == []


def test_a_link_shows_the_same_numbers_as_in_chromium(firefox: Firefox, browser: Browser, page_file: Path) -> None:
    for hash_ in LINKS:
        with opened(firefox, page_file, hash_) as page:
            shown = page.evaluate(SHOWN)
        with chromium.opened(browser, page_file, hash_) as other:
            assert shown == other.evaluate(SHOWN), hash_
    assert shown["kept"] == "627"


def test_a_key_on_the_slider_moves_the_budgets_and_the_address(firefox: Firefox, page_file: Path) -> None:
    with opened(firefox, page_file) as page:
        assert page.evaluate(SHOWN)["kept"] == "6,272"
        page.evaluate("document.querySelector('#knob-retentionRatio').focus()")
        page.press(*["ArrowLeft"] * 3)
        page.settle()
        before = page.evaluate(SHOWN)
        assert before["kept"] == "6,084"
        page.click("#presets button:nth-child(2)")
        after = page.evaluate(SHOWN)
        assert after["kept"] == "941"
        assert after["budget"] != before["budget"]
        page.wait_for("location.hash.includes('step=1')")
        address = page.evaluate("location.hash")
    with opened(firefox, page_file, address) as page:
        assert page.evaluate(SHOWN) == after


def test_the_mouse_lights_what_a_token_stands_for(firefox: Firefox, page_file: Path) -> None:
    with opened(firefox, page_file, "#clip=1&step=7") as page:
        page.evaluate("document.querySelector('#pane-a .strip').scrollIntoView({ block: 'center' })")
        dark = page.evaluate(PICTURE)
        middle = """(() => {
            const box = document.querySelector("#pane-a .strip").getBoundingClientRect();
            const frame = infomergeApp.panes.a.strip.boxes[17];
            return [box.x + frame.x + frame.width / 2, box.y + frame.y + frame.height / 2];
        })()"""
        page.move(*page.evaluate(middle))
        page.settle()
        assert "token of frame" in page.evaluate(SHOWN)["said"]
        assert page.evaluate(PICTURE) != dark
        page.move(2, 2)
        page.settle()
        assert page.evaluate(PICTURE) == dark


def test_it_plays_and_leads_through_the_steps(firefox: Firefox, page_file: Path) -> None:
    with opened(firefox, page_file, width=360, height=740) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        for _ in range(8):
            page.click("#choices button")
            assert page.evaluate("document.querySelector('.answer').textContent.length") > 20
            page.click("#next")
        assert page.evaluate("document.querySelector('#step-title').textContent").startswith("Free play")
        page.click("#play")
        page.wait_for("infomergeApp.state.frame > 1")
        page.click("#play")
        page.click("#compare")
        assert page.evaluate("document.querySelector('#pane-b').checkVisibility()")
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_same_as_a_folder_of_small_files(firefox: Firefox, page_file: Path) -> None:
    with opened(firefox, page_file.parent / "index.html", "#clip=1&step=4") as page:
        assert page.evaluate(SHOWN)["kept"] == "941"
