"""BudgetExplorer's view in a real browser, without Jupyter: layout, names, contrast, and what it asks a kernel for."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from infomerge import InfoMergeConfig
from infomerge.widgets.asks import MOST_BYTES
from infomerge.widgets.budget_explorer import BudgetExplorer
from infomerge.widgets.pages import state_json
from tests.browser import launched
from tests.clips import random_clip
from tests.explorer_page import READ
from tests.test_palette import contrast

pytestmark = pytest.mark.browser

MOUNT = """async ([source, style, state, live]) => {
    document.head.insertAdjacentHTML("beforeend", `<style>${style}</style>`);
    const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
    const decoded = (_, value) => (typeof value?.base64 === "string" ? bytes(value.base64) : value);
    const read = (json) => JSON.parse(json, decoded);
    const traits = read(state);
    const listeners = {};
    window.sent = [];
    const model = {
        get: (name) => traits[name],
        set: (name, value) => { traits[name] = value; },
        save_changes: () => {},
        on: (name, act) => { (listeners[name] ??= []).push(act); },
        off: () => {},
        send: (content, callbacks, buffers) =>
            window.sent.push({ ...content, bytes: (buffers ?? []).map((buffer) => buffer.byteLength) }),
    };
    window.kernel = (json) => {
        const changes = read(json);
        Object.assign(traits, changes);
        for (const name of Object.keys(changes)) for (const act of listeners[`change:${name}`] ?? []) act();
    };
    if (!live) delete model.send;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    window.end = (await import(url)).default.render({ model, el: document.getElementById("here") });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def made(segments: int = 5) -> BudgetExplorer:
    generator = torch.Generator().manual_seed(5)
    tokens = random_clip(generator, 32, 16, 8).float()
    frames = torch.randint(0, 256, (32, 36, 64, 3), generator=generator, dtype=torch.uint8)
    config = InfoMergeConfig(min_segments=segments, segment_threshold=-1, retention_ratio=0.3)
    return BudgetExplorer(tokens, frames=frames, timestamps=np.arange(32) / 4, config=config)


@pytest.fixture
def shown() -> Iterator[BudgetExplorer]:
    explorer = made()
    yield explorer
    explorer.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(20_000)
    yield page
    page.close()


def mount(page: Page, shown: BudgetExplorer, live: bool = True) -> None:
    page.set_content("<!doctype html><body style='margin:0'><div id=here></div>")
    page.evaluate(MOUNT, [str(shown._esm), str(shown._css), shown._state(), live])
    page.locator("svg .band").first.wait_for()


def answer(page: Page, shown: BudgetExplorer) -> dict[str, Any]:
    """Answer the oldest ask that was sent, as the kernel does, and give what was asked."""
    page.wait_for_function("window.sent.length > 0")
    asked: dict[str, Any] = page.evaluate("window.sent.shift()")
    shown._handle_custom_msg(asked, [])
    traits = {name: getattr(shown, name) for name in ("clip", "shown", "maps", "tokens", "message", "answered")}
    page.evaluate("(json) => window.kernel(json)", state_json(traits))
    return asked


def test_a_turned_knob_is_asked_for_once_and_drawn_when_it_is_answered(page: Page, shown: BudgetExplorer) -> None:
    mount(page, shown)
    before = page.evaluate(f"({READ})(document.querySelector('.budget-explorer'))")
    slider = page.get_by_label("temperature τ", exact=True)
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    asked = answer(page, shown)
    assert (asked["ask"], asked["option"], asked["value"]) == ("turn", "temperature", 1.3)
    # The answer to an earlier turn does not pull the slider back.
    expect(slider).to_have_value("1.8")
    # Five turns waited for the first one's answer; only the newest counts.
    asked = answer(page, shown)
    assert asked["value"] == 1.8
    expect(page.locator("code")).to_contain_text("temperature=1.8")
    page.wait_for_timeout(300)
    after = page.evaluate(f"({READ})(document.querySelector('.budget-explorer'))")
    assert after["budget"] != before["budget"]
    # When the knobs rest, the tokens are asked for; until they come, no marks are drawn.
    assert not any(after["kept"])
    assert answer(page, shown)["ask"] == "tokens"
    expect(page.locator(".be-frames.be-old")).to_have_count(0)
    assert page.evaluate("window.sent") == []


def test_a_kernel_that_does_not_answer_is_named_and_nothing_moves(page: Page, shown: BudgetExplorer) -> None:
    mount(page, shown)
    places = "() => [...document.querySelectorAll('.be-knob, .be-chart')].map((one) => one.getBoundingClientRect().top)"
    before = page.evaluate(places)
    page.get_by_label("budgets by").select_option("length")
    expect(page.locator(".im-message")).to_contain_text("The kernel has not answered yet")
    assert float(page.locator(".be-answer .be-chart").evaluate("(one) => getComputedStyle(one).opacity")) < 0.6
    assert page.evaluate(places) == before
    answer(page, shown)
    expect(page.locator(".im-message")).to_have_text("")
    page.get_by_label("temperature τ, as a number").fill("-3")
    page.keyboard.press("Enter")
    # Tokens are asked for, too, once the controls have rested for long enough.
    while answer(page, shown)["ask"] != "turn":
        pass
    expect(page.locator(".im-message")).to_contain_text("temperature")
    # The knob goes back to what is true.
    expect(page.get_by_label("temperature τ, as a number")).to_have_value("1.2")


def test_what_has_no_effect_is_grey_and_says_why(page: Page, shown: BudgetExplorer) -> None:
    shown.set(allocation="length", static_prior="none")
    mount(page, shown)
    dead = page.locator(".be-dead").evaluate_all(
        "(all) => all.map((one) => one.querySelector('[data-option]').dataset.option)"
    )
    assert set(dead) == {"temperature", "uniqueness_weight", "richness_weight", "static_ratio", "static_penalty"}
    expect(page.locator(".be-dead", has_text="temperature")).to_contain_text("no effect: budgets are by length")
    expect(page.locator(".be-map")).to_contain_text("nothing counts as static")


def test_the_browser_sends_no_file_that_is_too_large(page: Page, shown: BudgetExplorer) -> None:
    mount(page, shown)
    found = []
    for size in (MOST_BYTES, MOST_BYTES + 1):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Upload").click()
        chooser.value.set_files({"name": "mine.mp4", "mimeType": "video/mp4", "buffer": bytes(size)})
        page.wait_for_function("window.sent.length > 0")
        asked = page.evaluate("window.sent.shift()")
        found.append((asked["ask"], asked["name"], asked.get("size"), asked["bytes"]))
        page.evaluate("(json) => window.kernel(json)", json.dumps({"answered": [asked["view"], asked["number"]]}))
    assert found == [
        ("upload", "mine.mp4", None, [MOST_BYTES]),
        ("too_large", "mine.mp4", MOST_BYTES + 1, []),
    ]


def test_segments_are_chosen_by_pointer_list_and_keyboard_without_the_kernel(page: Page, shown: BudgetExplorer) -> None:
    mount(page, shown)
    chosen = page.get_by_label("Segment", exact=True)
    page.locator(".be-reasons .touch[data-segment='2']").first.click()
    expect(chosen).to_have_value("2")
    page.locator(".be-answer .be-chart").focus()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_have_value("3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(chosen).to_have_value("1")
    chosen.select_option("4")
    expect(page.locator(".be-formula")).to_contain_text(f"→ {int(shown.plan.budget[4])}")
    assert page.evaluate("window.sent") == []
    label = page.locator(".be-answer .be-chart").get_attribute("aria-label")
    assert "Segment 5: frames" in label


@pytest.mark.parametrize("width", [1200, 640], ids=["1366 wide window", "800 wide window"])
def test_knob_and_effect_stand_on_one_screen(page: Page, shown: BudgetExplorer, width: int) -> None:
    """At 1366 x 768 and 800 x 768 JupyterLab leaves a view about 1200 and 640 pixels, and 640 of height."""
    page.set_viewport_size({"width": width, "height": 640})
    mount(page, shown)
    knob = page.get_by_label("temperature τ", exact=True)
    knob.evaluate("(one) => one.scrollIntoView({ block: 'end' })")
    knobs = knob.bounding_box()
    answer = page.locator(".be-answer svg").first.bounding_box()
    assert knobs["y"] + knobs["height"] <= 640.5
    assert answer["y"] >= 0 or knobs["y"] + knobs["height"] - answer["y"] < 640
    strip, budget = (
        page.locator(".be-answer image").first.bounding_box(),
        page.locator(".be-answer .line.context").bounding_box(),
    )
    assert 0 < budget["y"] - (strip["y"] + strip["height"]) < 110, "the budget stands directly under the film strip"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def texts(page: Page) -> list[dict[str, float]]:
    """Where the texts of the panels over time lie."""
    found: list[dict[str, float]] = page.locator(".be-answer text, .be-reasons text").evaluate_all(
        "(all) => all.map((one) => ({ ...one.getBoundingClientRect().toJSON(), words: one.textContent }))"
    )
    return found


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    return across > 1 and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 4


@pytest.mark.parametrize("segments", [5, 16, 32])
def test_words_and_numbers_have_room_and_are_all_there_in_every_width(page: Page, segments: int) -> None:
    shown = made(segments)
    shown.pin()
    mount(page, shown)
    for width in (1400, 700, 480, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        found = texts(page)
        assert max(box["right"] for box in found) <= width
        clashes = [(a["words"], b["words"]) for n, a in enumerate(found) for b in found[:n] if overlap(a, b)]
        assert clashes == []
        words = page.evaluate(f"({READ})(document.querySelector('.budget-explorer'))")["budget"]
        numbers = page.locator(".be-answer :is(.band-number, .number)").all_text_contents()
        assert set(map(str, range(1, segments + 1))) <= set(numbers[: len(numbers) - segments])
        assert words[-segments:] == [str(budget) for budget in shown.plan.budget.tolist()]
    shown.close()


TEXTS = """() => {
    const ground = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (!/rgba\\(.*, 0\\)|transparent/.test(color)) return color;
        }
        return "rgb(255, 255, 255)";
    };
    const root = document.querySelector(".budget-explorer");
    return [...root.querySelectorAll("*")].filter((node) => [...node.childNodes].some((child) =>
        child.nodeType === 3 && child.textContent.trim()) && node.getBoundingClientRect().width > 0
        && !node.closest("option, .band-number") || node.matches("select, input:not([type=range], [type=radio])"))
        .map((node) => {
            const style = getComputedStyle(node);
            const inside = node instanceof SVGElement;
            let opacity = 1;
            for (let at = node; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
            const words = node.textContent.trim() || node.outerHTML;
            return { words, color: inside ? style.fill : style.color, ground: ground(node), opacity };
        });
}"""


def rgb(page: Page, color: str) -> str:
    """A color as the browser paints it, as #rrggbb."""
    drawn: list[int] = page.evaluate(
        """(color) => {
            const ctx = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            ctx.fillStyle = color;
            ctx.fillRect(0, 0, 1, 1);
            return [...ctx.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        color,
    )
    return "#{:02x}{:02x}{:02x}".format(*drawn)


JUPYTER_DARK = {
    "--jp-ui-font-color1": "rgba(255, 255, 255, 1)", "--jp-layout-color0": "#111111", "--jp-layout-color2": "#424242",
    "--jp-border-color1": "#616161", "--jp-ui-font-color2": "rgba(255, 255, 255, 0.7)",
}  # fmt: skip


@pytest.mark.parametrize("live", [True, False], ids=["with a kernel", "without one"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(page: Page, shown: BudgetExplorer, theme: str, live: bool) -> None:
    shown.pin()
    shown.set(allocation="length", static_prior="none")
    mount(page, shown, live)
    page.evaluate("() => document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.locator(".be-dead").count() >= 5
    if theme == "dark":
        page.evaluate(
            """(variables) => {
                document.body.dataset.jpThemeLight = "false";
                for (const [name, value] of Object.entries(variables)) document.body.style.setProperty(name, value);
            }""",
            JUPYTER_DARK,
        )
    page.evaluate(
        "(json) => window.kernel(json)", json.dumps({"message": {"text": "clip.mp4: no video", "failed": True}})
    )
    page.wait_for_timeout(200)
    found = page.evaluate(TEXTS)
    assert len(found) > 60
    assert any(("no video" if live else "Without a kernel") in each["words"] for each in found)
    assert [each["words"] for each in found if each["opacity"] < 1] == []
    low = {
        each["words"]: round(ratio, 2)
        for each in found
        if (ratio := contrast(rgb(page, each["color"]), rgb(page, each["ground"]))) < 4.5
    }
    assert low == {}


def test_every_control_and_picture_has_a_name(page: Page, shown: BudgetExplorer) -> None:
    mount(page, shown)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll(
                "input, select, button, [role=img], [role=application], [role=radiogroup]")]
            .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() && node.tagName === "BUTTON"
                || [...(node.labels ?? [])].some((label) => label.textContent.trim())))
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    # Every control is reached by the keyboard, in the order in which it stands.
    page.locator(".budget-explorer").evaluate("(root) => root.querySelector('select').focus()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
    assert {"temperature τ", "retention ratio r, as a number", "Pin as A", "Upload"} <= reached


def test_a_page_of_its_own_needs_no_kernel(browser: Browser, shown: BudgetExplorer, tmp_path: Any) -> None:
    shown.to_html(tmp_path / "explorer.html")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "explorer.html").as_uri())
    page.locator("svg .band").first.wait_for()
    found = page.evaluate(f"({READ})(document.querySelector('.budget-explorer'))")
    assert found["budget"] == [str(budget) for budget in shown.plan.budget.tolist()]
    assert sum(map(sum, found["kept"])) > 0
    assert page.locator(".be-knob :is(input, select):not(:disabled)").count() == 0
    assert errors == []
    assert base64.b64encode(shown.clip["pictures"][0]).decode()[:60] in (tmp_path / "explorer.html").read_text()
    page.close()
