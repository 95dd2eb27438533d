"""AnswerView in a browser: what its controls change, and that the page shows what the traits say."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS
from infomerge.widgets import AnswerView
from tests.browser import Record, launched, watch

pytestmark = pytest.mark.browser

NAMES = ("clip", "result", "curve", "question", "method", "ratio", "mark")

# Stands where Jupyter's model would: it holds the traits and tells the view of changes.
PAGE = """<!doctype html><meta charset="utf-8"><title>AnswerView</title><style>%s</style><div id="view"></div>
<script id="state" type="application/json">%s</script>
<script type="module">
%s
const text = document.getElementById("state").textContent;
const bytes = (value) => new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
const traits = JSON.parse(text, (_, value) => (value?.base64 ? bytes(value) : value));
const heard = new Map();
window.saved = [];
window.model = {
  get: (name) => traits[name],
  set(name, value) { traits[name] = value; window.saved.push([name, value]); heard.get(`change:${name}`)?.(); },
  on: (name, act) => heard.set(name, act),
  off: (name) => heard.delete(name),
  save_changes() {},
};
window.end = await render({ model: window.model, el: document.getElementById("view") });
</script>"""


@pytest.fixture(scope="module")
def view() -> Iterator[AnswerView]:
    view = AnswerView(load_testbed(), FORMS["clean"].clip(5, "dev"), ratio=0.03)
    yield view
    view.close()


@pytest.fixture
def page(view: AnswerView, tmp_path: Path) -> Iterator[Page]:
    state = json.dumps(
        {name: getattr(view, name) for name in NAMES}, default=lambda data: {"base64": base64.b64encode(data).decode()}
    )
    path = tmp_path / "view.html"
    path.write_text(PAGE % (view._css, state, view._esm), encoding="utf-8")
    with launched() as browser:
        opened = browser.new_page(viewport={"width": 1000, "height": 1000})
        record: Record = watch(opened)
        opened.goto(path.as_uri())
        opened.wait_for_selector(".answer-view[data-view]")
        yield opened
        assert record.errors == []
        assert record.requests == []


def test_the_page_shows_the_traits_and_its_labelled_controls_set_them(page: Page, view: AnswerView) -> None:
    shown = json.loads(page.locator(".answer-view").get_attribute("data-view") or "")
    assert shown == {"said": view.result["said"], "kept": len(view.result["index"]), "ratio": 0.03}
    words = page.get_by_role("status").inner_text()
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
    page.get_by_label("Method").select_option("farthest")
    page.get_by_label("Question").select_option("2")
    page.get_by_label("mark the tokens").uncheck()
    saved = dict(page.evaluate("window.saved"))
    assert saved == {"ratio": 1, "method": "farthest", "question": 2, "mark": False}
    assert slider.get_attribute("aria-valuetext") == "100 %"


def test_a_new_result_is_shown_and_an_ended_view_hears_no_more(page: Page, view: AnswerView) -> None:
    other = {**view.result, "said": "no such", "needed": None}
    page.evaluate("(result) => model.set('result', result)", other)
    assert "The model says “no such”: wrong" in page.get_by_role("status").inner_text()
    page.evaluate("end()")
    page.evaluate("(result) => model.set('result', result)", view.result)
    assert "no such" in page.get_by_role("status").inner_text()


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
