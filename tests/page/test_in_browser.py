"""The page opened from disk with the network cut, driven by mouse, keyboard and touch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from infomerge import EncodedClip, compress
from infomerge.page.answers import Answers
from infomerge.page.build import FOLDER_PAGE, ONE_FILE, write_page
from infomerge.page.clip_data import clip_data
from infomerge.page.reduction import Reduced, reduce
from tests.browser import watch
from tests.page.made import small_clip
from tests.page.test_build import ANSWERS, HOSTILE

pytestmark = pytest.mark.browser

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 360, "height": 740}

PICTURE = "(canvas) => canvas.toDataURL()"


@pytest.fixture(scope="module")
def tour() -> Reduced:
    return reduce(EncodedClip.read("tour"))


@contextmanager
def opened(browser: Browser, file: Path, hash_: str = "", **context: Any) -> Iterator[Page]:
    """The page without a network; it may complain of nothing and ask for nothing."""
    with browser.new_context(offline=True, viewport=context.pop("viewport", DESK), **context) as within:
        page = within.new_page()
        record = watch(page)
        page.goto(file.as_uri() + hash_)
        page.wait_for_selector("body[data-ready]")
        settle(page)
        yield page
        assert record.errors == []
        assert record.requests == []


def settle(page: Page) -> None:
    """Wait until what was asked for has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def kept(page: Page, pane: str = "a") -> int:
    return int(page.inner_text(f"#pane-{pane} .kept b").replace(",", ""))


def budgets(page: Page, pane: str = "a") -> list[int]:
    labels = page.locator(f"#pane-{pane} .taps button").evaluate_all(
        "(buttons) => buttons.map((button) => button.getAttribute('aria-label'))"
    )
    return [int(label.split(": ")[1].split(" ")[0].replace(",", "")) for label in labels]


def turn(page: Page, knob: str, value: float) -> None:
    page.locator(f"#knob-{knob}").fill(str(value))
    settle(page)


def test_it_begins_with_every_token_and_a_slider_moves_budgets(
    browser: Browser, page_file: Path, tour: Reduced
) -> None:
    with opened(browser, page_file) as page:
        assert kept(page) == 6272
        assert page.inner_text("#step-title") == "6,272 tokens, every one is read"
        before = page.locator("#pane-a .strip").evaluate(PICTURE)
        slider = page.locator("#knob-retentionRatio")
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        settle(page)
        assert page.inner_text("[data-knob=retentionRatio] output") == "97 %"
        assert kept(page) == 6084
        turn(page, "retentionRatio", 0.15)
        out = compress(tour.features, retention_ratio=0.15, saliency=tour.saliency, frame_features=tour.frame_features)
        assert kept(page) == out.kept == 941
        assert budgets(page) == out.trace.budget.tolist()
        assert page.locator("#pane-a .strip").evaluate(PICTURE) != before
        assert page.inner_text("#pane-a .flops b") == "6.32 T"
        assert page.inner_text("#pane-a .time b") == "29 ms"


def test_the_path_leads_through_eight_steps_with_predictions(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        titles = []
        for step in range(1, 9):
            titles.append(page.inner_text("#step-title"))
            choices = page.locator("#choices button")
            assert choices.count() == 3
            assert page.inner_text("#step-try")
            assert page.inner_text(".answer") == ""
            choices.nth(step % 3).click()
            assert page.inner_text(".answer").startswith(("Right. ", "Not so: “"))
            assert page.locator("#choices .right").count() == 1
            page.click("#next")
            settle(page)
        assert len(set(titles)) == 8
        assert titles[-1] == "941 that stand for all"
        assert page.inner_text("#step-title").startswith("Free play")
        assert page.locator("#next").is_disabled()
        page.click("#path li:nth-child(1) button")
        settle(page)
        assert "right" in page.inner_text(".answer").lower()
        assert "12.9 %" in page.inner_text(".answer")


def test_pointing_at_a_patch_names_all_that_its_token_stands_for(
    browser: Browser, page_file: Path, tour: Reduced
) -> None:
    out = compress(tour.features, retention_ratio=0.15, saliency=tour.saliency, frame_features=tour.frame_features)
    owner = out.index[out.assignment]
    with opened(browser, page_file, "#clip=1&step=7") as page:
        dark = page.locator("#pane-a .strip").evaluate(PICTURE)
        boxes = page.evaluate("infomergeApp.panes.a.strip.boxes")
        for frame, position in ((0, 0), (17, 90), (31, 195)):
            box = boxes[frame]
            x = box["x"] + (position % 14 + 0.5) * box["width"] / 14
            y = box["y"] + (position // 14 + 0.5) * box["height"] / 14
            page.locator("#pane-a .strip").hover(position={"x": x, "y": y})
            settle(page)
            token = int(owner[frame * 196 + position])
            members = (owner == token).nonzero().squeeze(1)
            said = page.inner_text("#say")
            kind = "context" if out.is_context[out.index == token].item() else "salient"
            assert said.startswith(f"A {kind} token of frame {token // 196 + 1}")
            if len(members) > 1:
                frames = len({int(i) // 196 for i in members})
                assert f"stands for {len(members)} patches in {frames} frame" in said
            assert page.locator("#pane-a .strip").evaluate(PICTURE) != dark
        page.mouse.move(5, 5)
        settle(page)
        assert page.inner_text("#say").startswith("Point at a patch")
        assert page.locator("#pane-a .strip").evaluate(PICTURE) == dark


def test_the_keyboard_reaches_every_patch_and_every_segment(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, "#clip=1&step=7") as page:
        page.focus("#stage")
        for key in ("ArrowRight", "ArrowDown", "PageDown", "Enter"):
            page.keyboard.press(key)
        settle(page)
        assert page.evaluate("infomergeApp.state.token") == 196 + 15
        assert page.inner_text("#place").startswith("Frame 2 of 32")
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        settle(page)
        assert page.evaluate("[infomergeApp.state.token, infomergeApp.cursor]") == [None, 13 * 14 + 1]
        page.locator("#formulas summary").press("Enter")
        page.locator("#pane-a .taps button").nth(9).press("Enter")
        settle(page)
        table = page.inner_text("#formula-rows")
        assert table.startswith("Segment 10, frames 16 to 21")
        assert f"→ {budgets(page)[9]}" in table
        page.focus("#play")
        page.keyboard.press("Enter")
        page.wait_for_function("infomergeApp.state.frame !== 15")
        page.keyboard.press("Enter")
        assert page.inner_text("#play") == "Play"


def test_a_finger_turns_knobs_and_picks_patches_on_a_phone(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        below = "document.querySelector('.river canvas').getBoundingClientRect().bottom"
        dock = "document.querySelector('#dock').getBoundingClientRect().top"
        assert page.evaluate(f"{below} > {dock}")
        page.locator("#presets button", has_text="15 %").tap()
        settle(page)
        assert kept(page) == 941
        # The budgets come into sight with the first turn of a knob.
        page.wait_for_function(f"{below} < {dock}")
        box = page.locator("#knob-retentionRatio").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE["height"]
        page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
        settle(page)
        assert 2500 < kept(page) < 3900
        page.locator("#stage").tap(position={"x": 100, "y": 60})
        settle(page)
        assert page.evaluate("infomergeApp.state.token") is not None
        assert "token of frame" in page.inner_text("#say")


@pytest.mark.parametrize("width", [360, 800, 1366, 1920])
def test_nothing_is_wider_than_the_screen(browser: Browser, page_file: Path, width: int) -> None:
    with opened(browser, page_file, "#step=9&compare=1&b.by=length", viewport={"width": width, "height": 900}) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_two_settings_stand_side_by_side_and_a_link_brings_all_of_it_back(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, "#clip=3&step=9") as page:
        assert not page.is_visible("#pane-b")
        page.click("#compare")
        settle(page)
        assert page.inner_text("#pane-b .pane-name") == "Setting B: budgets by length"
        turn(page, "retentionRatio", 0.05)
        assert (kept(page), kept(page, "b")) == (941, 314)
        page.locator("label", has_text="setting A").click()
        turn(page, "temperature", 3)
        page.locator("label", has_text="merged").click()
        page.wait_for_timeout(300)
        address = page.url
        seen = [budgets(page), budgets(page, "b"), page.locator("#pane-b .strip").evaluate(PICTURE)]
    with opened(browser, page_file, "#" + address.split("#")[1]) as page:
        assert [budgets(page), budgets(page, "b"), page.locator("#pane-b .strip").evaluate(PICTURE)] == seen
        assert page.is_checked("input[name=view][value=merged]")
        page.evaluate("location.hash = '#step=4&clip=1'")
        page.wait_for_function("infomergeApp.state.step === 4 && document.body.dataset.ready === '1'")


def test_a_hostile_address_gives_the_beginning(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, "#step=<img src=x onerror=alert(1)>&clip=__proto__&r=Infinity") as page:
        assert kept(page) == 6272
    with opened(browser, page_file, "#step=9&clip=77&frame=99999&token=1e9&r=5&view=constructor") as page:
        assert kept(page) == 941
        assert page.evaluate("infomergeApp.state.frame") == 0


def test_tokens_flow_unless_the_reader_wants_no_motion(browser: Browser, page_file: Path) -> None:
    for wish, flows in (("no-preference", True), ("reduce", False)):
        with opened(browser, page_file, "#step=4&clip=1", reduced_motion=wish) as page:
            page.evaluate("infomergeApp.turn({ temperature: 4 }); infomergeApp.draw()")
            assert page.evaluate("infomergeApp.panes.a.river.drops.length > 0") is flows
            assert page.evaluate("infomergeApp.panes.a.river.waiting !== 0") is flows
            page.wait_for_function("infomergeApp.panes.a.river.drops.length === 0")


def test_own_tokens_with_answers_and_a_hostile_name(browser: Browser, tmp_path: Path) -> None:
    answers = json.loads(json.dumps(ANSWERS))
    answers["questions"][0]["clip"] = HOSTILE
    answers["questions"][0]["text"] = HOSTILE
    write_page(tmp_path, [clip_data(small_clip(name=HOSTILE))], Answers.model_validate(answers))
    for name in (ONE_FILE, FOLDER_PAGE):
        with opened(browser, tmp_path / name) as page:
            assert page.inner_text("#clips label") == HOSTILE.split(":")[0]
            assert page.locator("img").count() == 0
            assert kept(page) == 108
            for step in range(2, 10):
                page.click("#next")
                settle(page)
                assert page.inner_text("#step-title")
                assert "NaN" not in page.inner_text("main")
                assert "undefined:" not in page.inner_text("#guide"), step
            page.click("#path li:nth-child(1) button")
            settle(page)
            shown = page.locator("#answers")
            assert HOSTILE in shown.inner_text()
            assert "InfoMerge at 100 %: blue (right), probability 1.00" in shown.inner_text()
            turn(page, "retentionRatio", 0.05)
            assert "InfoMerge at 5 %: red (wrong), probability 0.75" in shown.inner_text()


def test_without_answers_there_is_no_panel(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        assert not page.is_visible("#answers")
