"""TokenLens: what it is given to draw, and what the page without a kernel shows of it."""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
import traitlets
from ipywidgets.widgets.widget import _remove_buffers
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import Page

from infomerge import Compression, InfoMergeConfig, compress
from infomerge.methods import METHODS, get_method
from infomerge.methods.result import MethodCompression
from infomerge.widgets import TokenLens
from infomerge.widgets.token_lens import colour_range, config_line, find_grid, group_colours, lens_data
from tests.browser import Record, launched, watch
from tests.clips import random_clip

FRAMES, ROWS, COLUMNS = 12, 4, 6
HEIGHT, WIDTH = 67, 122  # no multiples of the grid
TIMES = [0.4 * frame for frame in range(FRAMES)]


def drawn_frames() -> np.ndarray:
    """A moving square over a gradient, in three scenes of different tint."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[...] = np.stack([x * 2, y * 3, np.full_like(x, 60 * (number // 4))], axis=-1)
        frame[20:40, 8 * number : 8 * number + 20] = 255 - 15 * number, 90, 40
    return frames


def compressed(frames: int = FRAMES) -> Compression:
    """Random tokens in five segments, of one to four frames."""
    tokens = random_clip(torch.Generator().manual_seed(3), frames, ROWS * COLUMNS, 16)
    return compress(tokens, InfoMergeConfig(retention_ratio=0.2, segment_threshold=-1, min_segments=5))


def unpacked(data: dict[str, Any], name: str) -> np.ndarray:
    return np.frombuffer(data[name]["bytes"], dtype=data[name]["dtype"])


@pytest.fixture(scope="module")
def out() -> Compression:
    return compressed()


@pytest.fixture(scope="module")
def lens(out: Compression) -> TokenLens:
    return TokenLens(out, drawn_frames(), (ROWS, COLUMNS), timestamps=TIMES, title="Squares & <scenes>")


def test_every_patch_goes_to_the_token_at_its_owners_index(out: Compression, lens: TokenLens) -> None:
    owners = unpacked(lens.data, "index")[unpacked(lens.data, "assignment")]
    assert owners.tolist() == out.index[out.assignment].tolist()
    for token in range(out.kept):
        members = np.flatnonzero(unpacked(lens.data, "assignment") == token)
        assert members.tolist() == out.members(token).tolist()
    assert unpacked(lens.data, "is_context").astype(bool).tolist() == out.is_context.tolist()


def test_counts_and_maps_are_those_of_the_compression(out: Compression, lens: TokenLens) -> None:
    data = lens.data
    assert (data["frames"], data["rows"], data["columns"]) == (FRAMES, ROWS, COLUMNS)
    assert (data["kept"], data["requested"]) == (out.kept, out.requested)
    assert unpacked(data, "segments").tolist() == out.trace.segments.flatten().tolist()
    assert unpacked(data, "static").astype(bool).tolist() == out.trace.static.flatten().tolist()
    np.testing.assert_allclose(unpacked(data, "tfd"), out.trace.tfd.flatten(), rtol=1e-6)
    np.testing.assert_allclose(unpacked(data, "saliency"), out.trace.saliency.flatten(), rtol=1e-6)
    assert data["timestamps"] == TIMES
    assert InfoMergeConfig(**data["config"]) == out.config
    assert data["method"] == "infomerge"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_its_name_and_the_configuration_that_it_has(name: str) -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), FRAMES, ROWS * COLUMNS, 16)
    out = METHODS[name](tokens, 0.2)
    data = TokenLens(out, drawn_frames(), (ROWS, COLUMNS)).data
    assert data["method"] == name
    assert unpacked(data, "assignment").tolist() == out.assignment.tolist()
    if isinstance(out, MethodCompression):
        assert data["config"] is None
        assert eval(data["line"], {"get_method": get_method}) is METHODS[name]
    else:
        assert InfoMergeConfig(**data["config"]) == out.config
        assert eval(data["line"], {"InfoMergeConfig": InfoMergeConfig}) == out.config


def test_group_colours_are_the_mean_of_all_pixels_of_a_group(out: Compression) -> None:
    frames = drawn_frames()
    pixels: list[list[np.ndarray]] = [[] for _ in range(out.kept)]
    for frame in range(FRAMES):
        for row in range(ROWS):
            for column in range(COLUMNS):
                rows = slice(row * HEIGHT // ROWS, (row + 1) * HEIGHT // ROWS)
                columns = slice(column * WIDTH // COLUMNS, (column + 1) * WIDTH // COLUMNS)
                patch = frame * ROWS * COLUMNS + row * COLUMNS + column
                pixels[out.assignment[patch]].append(frames[frame, rows, columns].reshape(-1, 3))
    slow = [np.concatenate(group).astype(float).mean(axis=0).round() for group in pixels]
    fast = group_colours(frames, (ROWS, COLUMNS), out.assignment.numpy(), out.kept)
    np.testing.assert_array_equal(fast, slow)


def test_pictures_are_the_frames_shrunk_to_448_pixels() -> None:
    frames = np.repeat(np.repeat(drawn_frames(), 8, axis=1), 8, axis=2)
    picture = Image.open(io.BytesIO(lens_data(compressed(), frames, (ROWS, COLUMNS))["images"][5]))
    assert picture.size == (448, round(448 * HEIGHT / WIDTH))
    small = np.asarray(picture.convert("RGB"), dtype=float)
    expected = np.asarray(Image.fromarray(frames[5]).resize(picture.size, Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(small - expected).mean() < 6


def test_tfd_of_a_segment_of_one_frame_has_no_colours(out: Compression, lens: TokenLens) -> None:
    ranges = lens.data["tfd_ranges"]
    lengths = (out.trace.segments[:, 1] - out.trace.segments[:, 0]).tolist()
    assert 1 in lengths
    assert [found is None for found in ranges] == [length == 1 for length in lengths]


def test_colour_range_leaves_out_the_outermost_hundredths() -> None:
    assert colour_range(np.arange(101.0)) == (1.0, 99.0)
    assert colour_range(np.array([1.0, np.nan])) is None


def test_config_line_is_python_that_makes_the_config() -> None:
    config = InfoMergeConfig(retention_ratio=0.15, temperature=2.0, static_prior="adjacent")
    line = config_line(config)
    assert line == "InfoMergeConfig(retention_ratio=0.15, temperature=2.0, static_prior='adjacent')"
    assert eval(line) == config


def test_grid_is_square_unless_given() -> None:
    assert find_grid(196) == (14, 14)
    assert find_grid(24, (4, 6)) == (4, 6)
    with pytest.raises(ValueError, match=r"grid: found none, and 24 positions make no square"):
        find_grid(24)
    with pytest.raises(ValueError, match=r"grid: found 5 x 5; accepted is .* 24 positions"):
        find_grid(24, (5, 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": drawn_frames()[1:]}, r"frames: found 11; accepted are the 12 frames"),
        ({"frames": drawn_frames()[:, :3]}, r"frames: found 3 x 122 pixels; accepted is at least .* 4 x 6"),
        ({"grid": (5, 5)}, r"grid: found 5 x 5; accepted is .* 24 positions"),
        ({"timestamps": TIMES[1:]}, r"timestamps: found 11; accepted are 12"),
        ({"timestamps": [*TIMES[1:], float("nan")]}, r"timestamps: found NaN or infinity"),
    ],
)
def test_arguments_that_do_not_fit_are_named(out: Compression, change: dict[str, Any], message: str) -> None:
    arguments = {"frames": drawn_frames(), "grid": (ROWS, COLUMNS)} | change
    with pytest.raises(ValueError, match=message):
        TokenLens(out, **arguments)


def test_frame_and_pinned_stay_within_the_clip(out: Compression) -> None:
    lens = TokenLens(out, drawn_frames(), (ROWS, COLUMNS))
    lens.frame, lens.pinned, lens.mode = FRAMES - 1, out.kept - 1, "tfd"
    for name, value in {"frame": FRAMES, "pinned": out.kept, "mode": "heat"}.items():
        with pytest.raises(traitlets.TraitError):
            setattr(lens, name, value)


def test_arrays_travel_as_binary_buffers(lens: TokenLens) -> None:
    state, _, buffers = _remove_buffers(lens.get_state())
    assert sum(map(len, buffers)) > sum(map(len, lens.data["images"]))
    assert len(json.dumps(state["data"])) < 5_000


def test_page_is_self_contained_and_its_data_cannot_end_the_script(lens: TokenLens, tmp_path: Path) -> None:
    path = tmp_path / "lens.html"
    page = lens.to_html(path)
    assert path.read_text(encoding="utf-8") == page
    assert [entry.name for entry in tmp_path.iterdir()] == ["lens.html"]
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|\bimport\(|\bfetch\(|from\s+["']""", page)
    assert page.count("</script") == 2
    state = json.loads(re.search(r'type="application/json">(.*?)</script>', page).group(1))
    assert state["data"]["title"] == "Squares & <scenes>"
    assert base64.b64decode(state["data"]["index"]["bytes"]["base64"]) == lens.data["index"]["bytes"]


def test_32_frames_of_448_pixels_make_a_page_below_1200_kilobytes() -> None:
    # Noise and fine texture everywhere are heavier than what cameras take.
    noise = np.random.default_rng(0).normal(0, 12, (32, 448, 448, 3))
    y, x = np.mgrid[:448, :448]
    picture = 128 + 60 * np.sin(x / 9) * np.cos(y / 7)
    frames = np.clip(picture[None, :, :, None] + noise, 0, 255).astype(np.uint8)
    tokens = random_clip(torch.Generator().manual_seed(0), 32, 196, 8)
    page = TokenLens(compress(tokens), frames).to_html()
    assert len(page) < 1_200_000


def test_the_notebook_stores_the_page_beside_the_widget(lens: TokenLens) -> None:
    data, _ = lens._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lens.model_id
    assert data["text/html"] == lens.as_html().data
    assert data["text/html"].count("<iframe") == 1


def test_a_notebook_exported_without_widget_state_keeps_a_living_view(lens: TokenLens, tmp_path: Path) -> None:
    data, _ = lens._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("lens", outputs=[output])])
    path = tmp_path / "notebook.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    with launched() as browser:
        page = browser.new_page()
        # nbconvert's own page asks for MathJax and the like; the view has to live without.
        page.route(re.compile("^https?:"), lambda route: route.abort())
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        inside = page.frame_locator("iframe[title=TokenLens]")
        inside.locator(".token-lens[data-view]").wait_for()
        inside.locator(".tl-stage").press("ArrowRight")
        inside.locator(".token-lens[data-view*='\"frame\":1']").wait_for()
        inside.locator(".tl-stage").press("n")
        inside.locator(".tl-stage[aria-label*='stands for']").wait_for()
        height = inside.locator("body").evaluate("body => body.getBoundingClientRect().height")
        assert page.locator("iframe").bounding_box()["height"] == pytest.approx(height, abs=1)


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
    page, record = browser_page
    page.set_viewport_size({"width": 1000, "height": 900})
    page.mouse.move(0, 0)
    page.reload()
    page.wait_for_selector(".token-lens[data-view]")
    yield page
    assert record.errors == []
    assert record.requests == []


def view(page: Page) -> dict[str, Any]:
    """What the view says that it shows, once it has drawn what happened before."""
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return json.loads(page.get_attribute(".token-lens", "data-view"))


def label(page: Page) -> str:
    return page.get_attribute(".tl-stage", "aria-label")


def point_at(page: Page, position: int, *, click: bool = False) -> None:
    box = page.locator(".tl-stage").bounding_box()
    x = box["x"] + box["width"] * (position % COLUMNS + 0.5) / COLUMNS
    y = box["y"] + box["height"] * (position // COLUMNS + 0.5) / ROWS
    page.mouse.click(x, y) if click else page.mouse.move(x, y)


def words_for(out: Compression, token: int) -> str:
    frame, position = int(out.frame[token]), int(out.position[token])
    members = out.members(token)
    frames = len(set((members // out.positions).tolist()))
    kind = "context" if out.is_context[token] else "salient"
    many = f"{len(members)} patches on {frames} frame{'s' * (frames > 1)}"
    reach = "this patch alone" if len(members) == 1 else many
    place = f"frame {frame} ({TIMES[frame]:.1f} s), row {position // COLUMNS}, column {position % COLUMNS}"
    return f"{place}: {kind} token, stands for {reach}"


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


def test_ownership_fills_each_patch_with_its_groups_colour(out: Compression, lens: TokenLens, page: Page) -> None:
    page.locator(".tl-modes label", has_text="Ownership").click()
    assert view(page)["mode"] == "ownership"
    colours = unpacked(lens.data, "colours").reshape(-1, 3)
    read = """(canvas, [x, y]) => [...canvas.getContext("2d")
        .getImageData(Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data.slice(0, 3)]"""
    for position in range(out.positions):
        spot = [(position % COLUMNS + 0.2) / COLUMNS, (position // COLUMNS + 0.25) / ROWS]
        seen = page.locator(".tl-stage").evaluate(read, spot)
        assert seen == colours[out.assignment[position]].tolist()


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
    out = METHODS["tome"](tokens, 0.2)
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


def assert_is_one_picture(pdf: bytes, size: tuple[int, int]) -> None:
    """The file's own table leads to each of its objects, and the last of them holds a JPEG of this size."""
    table = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    entries = pdf[table:].split(b"trailer")[0].splitlines()[3:]
    for number, entry in enumerate(entries, start=1):
        assert pdf[int(entry.split()[0]) :].startswith(b"%d 0 obj" % number)
    stream = pdf[int(entries[-1].split()[0]) :].split(b"stream\n", 1)[1]
    with Image.open(io.BytesIO(stream)) as picture:
        assert (picture.format, picture.size) == ("JPEG", size)


def test_exports_are_a_picture_the_config_and_a_line_of_python(out: Compression, page: Page, tmp_path: Path) -> None:
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save PNG").click()
    picture.value.save_as(tmp_path / "view.png")
    size = Image.open(tmp_path / "view.png").size
    assert picture.value.suggested_filename == "token-lens-frame-0.png"
    assert min(size) > 1000
    with page.expect_download() as paper:
        page.get_by_role("button", name="Save PDF").click()
    paper.value.save_as(tmp_path / "view.pdf")
    assert_is_one_picture((tmp_path / "view.pdf").read_bytes(), size)
    with page.expect_download() as config:
        page.get_by_role("button", name="Save config.json").click()
    config.value.save_as(tmp_path / "config.json")
    assert InfoMergeConfig(**json.loads((tmp_path / "config.json").read_text())) == out.config
    assert eval(page.inner_text(".tl-line")) == out.config
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()


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
        """async () => {
            const source = document.querySelector("script[type=module]").textContent;
            const module = source.slice(0, source.lastIndexOf("mountPage("));
            const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
            const el = document.createElement("div");
            const model = { get: () => undefined };
            await (await import(url)).default.render({ model, el });
            return el.textContent;
        }"""
    )
    assert text.startswith("TokenLens cannot be shown: the clip's data is not here. Run the cell")


def test_the_package_loads_no_widget_library_until_it_is_asked() -> None:
    code = "import sys, infomerge.widgets; print('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
