"""TokenLens at work in a browser: what keys, pointer and buttons do, read from the page and its pixels."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from infomerge import Compression, compress
from infomerge.widgets import TokenLens
from tests.browser import Record, watch
from tests.clips import random_clip
from tests.token_lens.squares import (
    COLUMNS,
    FRAMES,
    ROWS,
    compressed,
    drawn_frames,
    label,
    point_at,
    unpacked,
    view,
    words_for,
)

pytestmark = pytest.mark.browser


def test_pointing_at_any_patch_lights_all_that_its_token_stands_for(out: Compression, page: Page) -> None:
    page.focus(".tl-stage")
    for frame in range(5):
        for position in range(ROWS * COLUMNS):
            point_at(page, position)
            token = int(out.assignment[frame * out.positions + position])
            shown = view(page)
            assert (shown["frame"], shown["token"], shown["pinned"]) == (frame, token, None)
            assert shown["lit"] == out.members(token).tolist()
            assert label(page) == words_for(out, token)
        page.keyboard.press("ArrowRight")


def test_lit_patches_are_brighter_than_the_rest_on_stage_and_strip(out: Compression, page: Page) -> None:
    token = int(torch.bincount(out.assignment).argmax())
    frame = int(out.frame[token])
    page.locator("input[type=range]").fill(str(frame))
    read = """(canvas, spots) => { const [w, h] = [canvas.width, canvas.height]; const ctx = canvas.getContext("2d");
        return spots.map(([x, y]) => ctx.getImageData(Math.round(x * w), Math.round(y * h), 1, 1).data
            .slice(0, 3).reduce((a, b) => a + b)); }"""
    # A fifth into each patch: clear of rims and marks.
    spots = [[(p % COLUMNS + 0.22) / COLUMNS, (p // COLUMNS + 0.3) / ROWS] for p in range(out.positions)]
    page.locator(".tl-modes label", has_text="Ownership").click()
    view(page)
    before = page.locator(".tl-stage").evaluate(read, spots)
    point_at(page, int(out.position[token]))
    view(page)
    after = page.locator(".tl-stage").evaluate(read, spots)
    lit = (out.assignment.view(FRAMES, -1)[frame] == token).tolist()
    assert any(lit)
    assert not all(lit)
    for position in range(out.positions):
        assert (after[position] == before[position]) == lit[position]


def test_ownership_fills_each_patch_with_its_groups_color(out: Compression, lens: TokenLens, page: Page) -> None:
    page.locator(".tl-modes label", has_text="Ownership").click()
    assert view(page)["mode"] == "ownership"
    colors = unpacked(lens.data, "colors").reshape(-1, 3)
    read = """(canvas, [x, y]) => [...canvas.getContext("2d")
        .getImageData(Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data.slice(0, 3)]"""
    for position in range(out.positions):
        spot = [(position % COLUMNS + 0.2) / COLUMNS, (position // COLUMNS + 0.25) / ROWS]
        seen = page.locator(".tl-stage").evaluate(read, spot)
        assert seen == colors[out.assignment[position]].tolist()


def test_keys_walk_through_frames_and_kept_tokens(out: Compression, page: Page) -> None:
    page.focus(".tl-stage")
    for key in ["ArrowRight"] * 4 + ["ArrowLeft"]:
        page.keyboard.press(key)
    assert view(page)["frame"] == 3
    assert re.fullmatch(r"frame 3 \(1\.2 s\), segment \d+: \d+ salient, \d+ context tokens kept", label(page))
    tokens = (out.frame == 3).nonzero().squeeze(1).tolist()
    walked = []
    for key in ["n", "ArrowDown"] * len(tokens):
        page.keyboard.press(key)
        walked.append(view(page)["pinned"])
    assert walked == tokens * 2
    page.keyboard.press("p")
    page.keyboard.press("ArrowUp")
    assert view(page)["pinned"] == tokens[-3]
    assert page.inner_text(".tl-live") == words_for(out, tokens[-3])
    page.keyboard.press("ArrowRight")
    assert view(page)["lit"] == out.members(tokens[-3]).tolist()
    page.keyboard.press("Escape")
    assert view(page)["lit"] == []


SHORTCUTS = """() => {
    // As Lumino looks for shortcuts: before the page sees the key, from the focused element up to the first attribute.
    window.taken = [];
    document.addEventListener("keydown", (event) => {
        for (let element = event.target; element; element = element.parentElement) {
            if (element.hasAttribute("data-lm-suppress-shortcuts")) return;
            if (element.matches(":focus")) {
                window.taken.push(event.key);
                event.preventDefault();
                event.stopPropagation();
                return;
            }
        }
    }, true);
}"""


def test_an_application_that_looks_for_shortcuts_first_leaves_the_view_its_keys(page: Page) -> None:
    page.evaluate(SHORTCUTS)
    page.focus(".tl-stage")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "n"):
        page.keyboard.press(key)
    shown = view(page)
    assert (shown["frame"], shown["pinned"] is None) == (1, False)
    page.focus("input[type=range]")
    page.keyboard.press("ArrowRight")
    assert view(page)["frame"] == 2
    assert page.evaluate("window.taken") == []
    page.keyboard.press("Shift+Enter")
    page.focus(".tl-stage")
    page.keyboard.press("Control+s")
    page.keyboard.press("b")
    assert page.evaluate("window.taken") == ["Shift", "Enter", "Control", "s", "b"]


def test_a_view_of_a_method_without_a_configuration(browser_page: tuple[Page, Record], tmp_path: Path) -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), FRAMES, ROWS * COLUMNS, 16)
    out = compress(tokens, "tome", retention_ratio=0.2)
    path = tmp_path / "lens.html"
    TokenLens(out, drawn_frames(), (ROWS, COLUMNS)).to_html(path)
    page = browser_page[0].context.new_page()
    record = watch(page)
    page.goto(path.as_uri())
    page.wait_for_selector(".token-lens[data-view]")
    point_at(page, 9)
    assert view(page)["lit"] == out.members(int(out.assignment[9])).tolist()
    assert page.inner_text("header p").startswith(f"tome: {out.kept} of {len(out.assignment)} tokens kept")
    assert page.inner_text(".tl-line") == "get_method('tome')"
    assert page.get_by_role("button", name="Save config.json").count() == 0
    assert page.get_by_role("button", name="Save PNG").count() == 1
    assert record.errors == []
    page.close()


def test_a_click_pins_and_a_second_click_lets_go(out: Compression, page: Page) -> None:
    point_at(page, 7, click=True)
    token = int(out.assignment[7])
    point_at(page, 20)
    assert view(page)["token"] == view(page)["pinned"] == token
    point_at(page, 7, click=True)
    assert view(page)["pinned"] is None


def test_a_click_in_the_strip_goes_to_that_frame(page: Page) -> None:
    page.locator(".tl-strip").scroll_into_view_if_needed()
    box = page.locator(".tl-strip").bounding_box()
    page.mouse.click(box["x"] + 8, box["y"] + 40)
    assert view(page)["frame"] == 0
    page.mouse.click(box["x"] + 200, box["y"] + 40)
    assert view(page)["frame"] == 1


def test_space_plays_and_pauses(page: Page) -> None:
    page.focus(".tl-stage")
    page.keyboard.press("Space")
    assert view(page)["playing"]
    page.wait_for_function("JSON.parse(document.querySelector('.token-lens').dataset.view).frame >= 2")
    page.keyboard.press("Space")
    paused = view(page)
    assert not paused["playing"]
    page.wait_for_timeout(400)
    assert view(page)["frame"] == paused["frame"]


def test_modes_have_their_legends(page: Page) -> None:
    legends = {
        "Kept tokens": r"Salient token.*Context token",
        "Ownership": r"Mean colour of a token.s patches",
        "TFD": r"Temporal fingerprint difference",
        "Saliency": r"Saliency.*Salient token",
    }
    for name, legend in legends.items():
        page.locator(".tl-modes label", has_text=name).click()
        view(page)
        assert re.search(legend, page.inner_text(".tl-legend"), re.DOTALL)


def test_heat_maps_give_the_value_under_the_pointer_and_say_where_there_is_none(out: Compression, page: Page) -> None:
    lengths = (out.trace.segments[:, 1] - out.trace.segments[:, 0]).tolist()
    assert 1 in lengths
    assert max(lengths) > 1
    for segment, (start, length) in enumerate(zip(out.trace.segments[:, 0].tolist(), lengths, strict=True)):
        page.locator("input[type=range]").fill(str(start))
        page.locator(".tl-modes label", has_text="TFD").click()
        point_at(page, 3)
        view(page)
        found = page.inner_text(".tl-readout").splitlines()[-1].removeprefix("TFD at row 0, column 3: ")
        assert (f"TFD of segment {segment + 1} (no unit)" in page.inner_text(".tl-legend")) == (length > 1)
        if length == 1:
            assert found == "undefined"
        else:
            assert float(found) == pytest.approx(float(out.trace.tfd[segment, 3]), rel=6e-3)
        page.locator(".tl-modes label", has_text="Saliency").click()
        point_at(page, 3)
        view(page)
        found = page.inner_text(".tl-readout").splitlines()[-1].removeprefix("Saliency at row 0, column 3: ")
        assert float(found) == pytest.approx(float(out.trace.saliency[start, 3]), rel=6e-3)


def test_the_view_fits_a_narrow_window(page: Page) -> None:
    for width in (1000, 640, 340):
        page.set_viewport_size({"width": width, "height": 900})
        view(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        point_at(page, 9)
        assert view(page)["lit"]


@pytest.fixture
def long_page(browser_page: tuple[Page, Record], tmp_path: Path) -> Iterator[Page]:
    """A clip of so many frames that the film strip scrolls."""
    frames = np.tile(drawn_frames(), (8, 1, 1, 1))
    path = tmp_path / "long.html"
    TokenLens(compressed(len(frames)), frames, (ROWS, COLUMNS)).to_html(path)
    page = browser_page[0].context.new_page()
    record = watch(page)
    page.goto(path.as_uri())
    page.wait_for_selector(".token-lens[data-view]")
    yield page
    assert record.errors == []
    page.close()


def scrolled(page: Page) -> tuple[float, float, float]:
    """Of the film strip: what is out of sight above, the height in sight, the whole height."""
    return tuple(page.locator(".tl-scroll").evaluate("(e) => [e.scrollTop, e.clientHeight, e.scrollHeight]"))


def test_a_narrow_window_hides_no_frame(long_page: Page) -> None:
    long_page.set_viewport_size({"width": 480, "height": 900})
    view(long_page)
    _, seen, whole = scrolled(long_page)
    assert seen == whole > 800


def test_a_strip_that_scrolls_follows_the_frame_and_else_leaves_the_reader_alone(long_page: Page) -> None:
    long_page.set_viewport_size({"width": 1000, "height": 900})
    view(long_page)
    above, seen, whole = scrolled(long_page)
    assert above == 0
    assert whole > seen + 100
    scrubber = long_page.locator("input[type=range]")
    scrubber.fill(str(8 * FRAMES - 1))
    view(long_page)
    assert sum(scrolled(long_page)[:2]) >= whole - 4
    long_page.locator(".tl-scroll").evaluate("(e) => { e.scrollTop = 0; }")
    point_at(long_page, 9)
    view(long_page)
    assert scrolled(long_page)[0] == 0
    long_page.locator(".tl-scroll").evaluate("(e) => { e.scrollTop = 100; }")
    scrubber.fill("0")
    view(long_page)
    assert scrolled(long_page)[0] == 0


def test_missing_data_is_said_and_not_blank(page: Page) -> None:
    text = page.evaluate(
        """async (module) => {
            const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
            const el = document.createElement("div");
            const model = { get: () => undefined };
            await (await import(url)).default.render({ model, el });
            return el.textContent;
        }""",
        TokenLens._esm,
    )
    assert text.startswith("TokenLens cannot be shown: the clip's data is not here. Run the cell")
