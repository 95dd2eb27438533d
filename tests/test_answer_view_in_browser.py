"""AnswerView in a browser: what its controls change, and that the page shows what the traits say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS
from infomerge.widgets import AnswerView
from infomerge.widgets.answer_view import TURNED
from tests.browser import Record, launched, watch

pytestmark = pytest.mark.browser

# Stands where Jupyter's model would: it holds the traits, and tells the view of what a kernel would change.
PAGE = """<!doctype html><meta charset="utf-8"><title>AnswerView</title><style>%s</style><div id="view"></div>
<script id="state" type="application/json">%s</script>
<script type="module">
%s
const text = document.getElementById("state").textContent;
const bytes = (value) => new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
const traits = JSON.parse(text, (_, value) => (value?.base64 ? bytes(value) : value));
const heard = new Map();
window.sent = [];
window.model = {
  get: (name) => traits[name],
  on: (name, act) => heard.set(name, act),
  off: (name) => heard.delete(name),
  send: (content) => window.sent.push(content),
};
window.kernel = (changes) => {
  Object.assign(traits, changes);
  for (const name of Object.keys(changes)) heard.get(`change:${name}`)?.();
};
window.end = await render({ model: window.model, el: document.getElementById("view") });
</script>"""


@pytest.fixture(scope="module")
def made() -> Iterator[AnswerView]:
    view = AnswerView(load_testbed(), FORMS["clean"].clip(5, "dev"), ratio=0.03)
    yield view
    view.close()


@pytest.fixture
def view(made: AnswerView) -> AnswerView:
    made.question, made.method, made.ratio, made.mark = 0, "infomerge", 0.03, True
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, view: AnswerView, tmp_path: Path) -> Iterator[Page]:
    path = tmp_path / "view.html"
    path.write_text(PAGE % (view._css, view._state(), view._esm), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1000, "height": 1000})
    record: Record = watch(opened)
    opened.goto(path.as_uri())
    opened.wait_for_selector(".answer-view[data-view]")
    yield opened
    assert record.errors == []
    assert record.requests == []
    opened.close()


def shown(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator(".answer-view").get_attribute("data-view") or "")
    return found


def viewed(view: AnswerView) -> dict[str, Any]:
    """What a page says that it shows."""
    result = {name: view.result[name] for name in ("said", "question", "method", "ratio")}
    return result | {"kept": len(view.result["index"])}


def answer(page: Page, view: AnswerView) -> dict[str, Any]:
    """Answer the oldest ask that was sent, as the kernel does, and give what was asked."""
    page.wait_for_function("window.sent.length > 0")
    asked: dict[str, Any] = page.evaluate("window.sent.shift()")
    view._handle_custom_msg(asked, [])
    traits = {name: getattr(view, name) for name in ("result", "curve", *TURNED, "message", "answered")}
    page.evaluate("(changes) => kernel(changes)", traits)
    return asked


def test_the_page_shows_the_traits_and_its_labelled_controls_ask_for_others(page: Page, view: AnswerView) -> None:
    assert shown(page) == viewed(view)
    words = page.locator(".av-says").inner_text()
    assert words.startswith(f"{len(view.result['index'])} of 1,568 tokens kept. The model says “{view.result['said']}”")
    bars = page.locator(".av-bar")
    assert bars.count() == len(view.result["choices"])
    wide = page.locator(".av-fill").evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
    room = page.locator(".av-room").first.bounding_box()
    assert room is not None
    for got, choice in zip(wide, view.result["choices"], strict=True):
        assert got == pytest.approx(choice["probability"] * room["width"], abs=1)

    slider = page.get_by_role("slider", name="Tokens kept")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "100 %")
    page.get_by_label("Method").select_option("farthest")
    page.get_by_label("Question").select_option("2")
    page.get_by_label("mark the tokens").uncheck()
    assert shown(page)["ratio"] == 0.03, "what is drawn is what was answered, not what is asked"
    asked = [answer(page, view) for _ in range(4)]
    assert {each["option"]: each["value"] for each in asked} == {
        "ratio": 1, "method": "farthest", "question": 2, "mark": False
    }  # fmt: skip
    rest = answer(page, view)
    assert rest["ask"] == "rest"
    page.wait_for_function("document.querySelector('.answer-view').dataset.idle === 'true'")
    assert shown(page) == viewed(view)
    assert shown(page)["method"] == "farthest"
    expect(page.locator(".av-line")).to_have_count(1)
    page.wait_for_timeout(500)
    assert page.evaluate("window.sent") == []


def test_a_new_result_is_shown_and_an_ended_view_hears_no_more(page: Page, view: AnswerView) -> None:
    other = {**view.result, "said": "no such", "needed": None}
    page.evaluate("(result) => kernel({ result })", other)
    expect(page.locator(".av-says")).to_contain_text("The model says “no such”: wrong")
    page.evaluate("end()")
    page.evaluate("(result) => kernel({ result })", view.result)
    page.wait_for_timeout(200)
    assert "no such" in page.locator(".av-says").inner_text()


def test_a_kernel_that_does_not_answer_is_named(page: Page, view: AnswerView) -> None:
    before = page.locator(".av-controls").bounding_box()
    page.get_by_label("Method").select_option("tome")
    expect(page.locator(".im-message")).to_contain_text("The kernel has not answered yet")
    assert page.locator(".av-controls").bounding_box() == before
    assert page.locator(".answer-view.av-behind").count() == 1
    answer(page, view)
    expect(page.locator(".im-message")).to_have_text("")
    assert page.locator(".answer-view.av-behind").count() == 0


def test_a_page_of_its_own_needs_no_kernel(page: Page, view: AnswerView, tmp_path: Path) -> None:
    view.to_html(tmp_path / "answers.html")
    page.goto((tmp_path / "answers.html").as_uri())
    page.wait_for_selector(".answer-view[data-view]")
    assert shown(page) == viewed(view)
    expect(page.locator(".im-message")).to_contain_text("Without a kernel nothing can be asked")
    assert page.locator(".answer-view :is(select, input):not(:disabled)").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_frame_is_drawn_with_the_kept_tokens_in_color(page: Page, view: AnswerView, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    colored = page.evaluate(
        """() => {
          const canvas = document.querySelector(".answer-view canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let opaque = 0;
          for (let k = 3; k < data.length; k += 4) opaque += data[k] > 250;
          return opaque / (data.length / 4);
        }"""
    )
    # Kept tokens are opaque, everything else is faded; marks of needed tokens reach beyond them by little.
    assert 0.02 < colored < 0.15
    ink, paper = page.evaluate(
        """() => [getComputedStyle(document.querySelector(".answer-view")).color, matchMedia("(prefers-color-scheme: dark)").matches]"""  # noqa: E501
    )
    assert paper == (scheme == "dark")
    bright = sum(int(part) for part in ink.removeprefix("rgb(").removesuffix(")").split(",")) > 382
    assert bright == (scheme == "dark")
