"""What axe looks for, and what it leaves out: headings, targets; in light and dark, wide and narrow."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from infomerge.page.answers import Answers
from infomerge.page.build import ONE_FILE, write_page
from infomerge.page.clip_data import clip_data
from tests.axe import faults
from tests.page.made import small_clip
from tests.page.test_build import ANSWERS
from tests.page.test_in_browser import opened, settle

pytestmark = pytest.mark.browser

HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5")].filter((e) => e.checkVisibility())
    .map((e) => Number(e.tagName[1]))"""

TARGETS = """() => [...document.querySelectorAll("button, summary, .chips label, input[type=range]")]
    .filter((e) => e.checkVisibility() && !e.closest(".taps"))
    .map((e) => [e.getBoundingClientRect(), e.innerText || e.id]).filter(([r]) => r.width < 24 || r.height < 24)
    .map(([r, name]) => `${name}: ${r.width} x ${r.height}`)"""


STATES = {
    "a prediction": "#step=4&clip=1",
    "dots": "#step=3&clip=2",
    "lit": "#step=7&clip=1&token=500&frame=3",
    "free play": "#step=9&clip=1",
    "side by side": "#step=9&clip=1&compare=1&b.by=length",
    "an answer": "#step=9&clip=4&r=0.05",
}


@pytest.fixture(scope="module")
def asked_page(sample_clips: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the samples with a fourth clip that is asked about."""
    asked = small_clip(name="asked")
    answers = json.loads(json.dumps(ANSWERS))
    answers["questions"][0]["clip"] = "asked"
    folder = tmp_path_factory.mktemp("asked")
    write_page(folder, [*sample_clips, clip_data(asked)], Answers.model_validate(answers))
    return folder / ONE_FILE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1920])
def test_axe_finds_no_grave_fault_in_any_state(browser: Browser, asked_page: Path, scheme: Any, width: int) -> None:
    viewport = {"width": width, "height": 800}
    for state, hash_ in STATES.items():
        with opened(browser, asked_page, hash_, viewport=viewport, color_scheme=scheme) as page:
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            if state == "a prediction":
                page.locator("#choices button").first.click()
            settle(page)
            # The formulas are written with the next picture.
            assert page.locator("#formula-rows td").count() > 10
            assert page.is_visible("#answers") is (state == "an answer")
            assert faults(page) == [], state
            assert page.evaluate(TARGETS) == [], state
            levels = page.evaluate(HEADINGS)
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in pairwise(levels)), (state, levels)


def test_axe_finds_what_is_wrong(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        page.evaluate("document.querySelector('#knob-retentionRatio').closest('.knob').querySelector('label').remove()")
        page.evaluate("document.querySelector('.brand p').style.color = '#bbbbbb'")
        settle(page)
        assert {fault.split(":")[0] for fault in faults(page)} >= {"color-contrast", "label"}


def test_every_theme_is_there_at_the_press_of_a_button(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, color_scheme="light") as page:
        ground = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(ground)
        page.click("#theme")
        settle(page)
        assert page.evaluate(ground) != before
        page.click("#theme")
        assert page.evaluate(ground) == before


def test_what_is_reached_by_tab_is_seen_in_its_order(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, "#step=4") as page:
        reached = []
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("(({ id, name }) => id || name)(document.activeElement)"))
        for name in ("clip", "compare", "next", "knob-temperature", "view", "frame", "stage"):
            assert name in reached
