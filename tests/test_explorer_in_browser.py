"""Parts of BudgetExplorer in a real browser, without a kernel: what has room, and what is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from infomerge.widgets.upload import MOST_BYTES, Upload
from playwright.sync_api import Browser, Page

from infomerge import InfoMergeConfig
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.browser import launched
from tests.clips import random_clip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def test_the_browser_sends_no_file_that_is_too_large(page: Page) -> None:
    page.set_content("<div id=here></div>")
    page.evaluate(
        """async ([source, traits]) => {
            window.sent = [];
            const model = {
                get: (name) => traits[name],
                send: (content, callbacks, buffers) =>
                    window.sent.push({ ...content, bytes: buffers.map((buffer) => buffer.byteLength) }),
            };
            const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            (await import(url)).default.render({ model, el: document.getElementById("here") });
        }""",
        [str(Upload._esm), {"most": MOST_BYTES}],
    )
    for size in (MOST_BYTES, MOST_BYTES + 1, 5):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Upload").click()
        chooser.value.set_files({"name": "mine.mp4", "mimeType": "video/mp4", "buffer": bytes(size)})
    page.wait_for_function("window.sent.length === 3")
    assert page.evaluate("window.sent") == [
        {"name": "mine.mp4", "size": MOST_BYTES, "sent": True, "bytes": [MOST_BYTES]},
        {"name": "mine.mp4", "size": MOST_BYTES + 1, "sent": False, "bytes": []},
        {"name": "mine.mp4", "size": 5, "sent": True, "bytes": [5]},
    ]


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    """Where the figure's elements that can be seen lie, in pixels."""
    found = page.locator(f"#figure {selector}").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect())")
    return [box for box in found if box["width"] > 0]


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    return across > 0.5 and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 0.5


def test_words_and_numbers_have_room_in_a_narrow_window_and_after_it(page: Page, tmp_path: Path) -> None:
    tokens = random_clip(torch.Generator().manual_seed(5), 32, 16, 8).float()
    shown = BudgetExplorer(tokens, config=InfoMergeConfig(min_segments=16, segment_threshold=-1))
    shown.pin()
    path = tmp_path / "figure.html"
    options = {"responsive": True, "displayModeBar": False}
    path.write_text(shown.figure.to_html(include_plotlyjs=True, config=options, div_id="figure"), encoding="utf-8")
    page.goto(path.as_uri())
    numbers = []
    for width in (1000, 360, 1000):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            f"document.querySelector('#figure .main-svg').getBoundingClientRect().width > {width - 40}"
        )
        page.wait_for_function(f"document.querySelector('#figure .main-svg').getBoundingClientRect().width <= {width}")
        page.wait_for_timeout(300)
        headings, texts = boxes(page, ".annotation-text"), boxes(page, ".bartext")
        assert len(headings) == 6
        assert max(box["right"] for box in headings) <= width - 8
        (legend,), (title,) = boxes(page, ".legend"), boxes(page, ".xtitle")
        figure = boxes(page, ".main-svg")[0]
        assert legend["bottom"] <= figure["bottom"]
        for box in (title, *boxes(page, ".xtick text")):
            assert not overlap(legend, box)
            assert box is title or not overlap(title, box)
        assert not any(overlap(a, b) for n, a in enumerate(texts) for b in texts[:n])
        numbers.append(len(texts))
    assert numbers[0] == numbers[2] == 2 * len(shown.trace.segments)
    assert 0 < numbers[1] < numbers[0]
