"""What axe would look for: names, contrast, headings, labels, targets; in light and dark, wide and narrow."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.page.test_in_browser import opened, settle

pytestmark = pytest.mark.browser

CONTRAST = """() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    // Whatever way a color is written in, and what it comes to on what is behind it.
    const over = (colors) => {
        pen.clearRect(0, 0, 1, 1);
        for (const color of colors) { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
        if (!words.length || !element.checkVisibility({ opacityProperty: true })) continue;
        if (element.closest(":disabled, script, style")) continue;
        const grounds = [];
        for (let behind = element; behind; behind = behind.parentElement) {
            grounds.unshift(getComputedStyle(behind).backgroundColor);
        }
        const ground = over(["#ffffff", ...grounds]);
        const ink = over(["#ffffff", ...grounds, getComputedStyle(element).color]);
        const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), element.tagName + " " + words[0].textContent.trim().slice(0, 30)]);
    }
    return found;
}"""

NAMED = "button, input, canvas, summary, a[href], [role=img], section, nav, fieldset"
NAMELESS = """(named) => [...document.querySelectorAll(named)]
    .filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]"))
    .filter((e) => !(e.getAttribute("aria-label") || e.innerText?.trim() || e.labels?.[0]?.innerText.trim()
        || document.getElementById(e.getAttribute("aria-labelledby") ?? "")?.innerText.trim()))
    .map((e) => e.outerHTML.slice(0, 80))"""

HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5")].filter((e) => e.checkVisibility())
    .map((e) => Number(e.tagName[1]))"""

TARGETS = """() => [...document.querySelectorAll("button, summary, .chips label, input[type=range]")]
    .filter((e) => e.checkVisibility() && !e.closest(".taps"))
    .map((e) => [e.getBoundingClientRect(), e.innerText || e.id]).filter(([r]) => r.width < 24 || r.height < 24)
    .map(([r, name]) => `${name}: ${r.width} x ${r.height}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1366])
def test_words_are_legible_and_everything_has_a_name(
    browser: Browser, page_file: Path, scheme: Any, width: int
) -> None:
    viewport = {"width": width, "height": 800}
    with opened(browser, page_file, "#step=4&compare=1&b.by=length", viewport=viewport, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        page.locator("#choices button").first.click()
        settle(page)
        contrasts = page.evaluate(CONTRAST)
        assert len(contrasts) > 60
        assert [(round(ratio, 2), words) for ratio, words in contrasts if ratio < 4.5] == []
        assert page.evaluate(NAMELESS, NAMED) == []
        assert page.evaluate(TARGETS) == []
        levels = page.evaluate(HEADINGS)
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels


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
