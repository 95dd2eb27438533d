"""The notebooks as their readers use them: a real JupyterLab in a real browser, mouse and keyboard."""

import functools
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from infomerge import InfoMergeConfig, compress
from infomerge.encoders import EfficientNetEncoder
from infomerge.video import sample_clip
from infomerge.widgets.asks import MOST_BYTES
from tests.browser import Record, launched, watch
from tests.explorer_page import READ, settled, write_notebook
from tests.lab import ARTIFACTS, PATIENCE_MS, ROOT, failed_outputs, open_and_run, serving
from tests.notebooks import execute

pytestmark = pytest.mark.browser

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def address(browser: Browser, folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[[str], tuple[Page, Record]]]:
    page = browser.new_page(viewport={"width": 1400, "height": 1500})
    page.set_default_timeout(PATIENCE_MS)
    record = watch(page)

    def open_notebook(name: str, script: str = "") -> tuple[Page, Record]:
        page.add_init_script(script)
        open_and_run(page, address, name)
        return page, record

    yield open_notebook
    page.close()


def assert_clean(page: Page, record: Record) -> None:
    assert failed_outputs(page) == []
    assert record.errors == []
    assert record.requests_off("127.0.0.1") == []


def keep_screenshot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")


def test_00_runs_from_top_to_bottom(opened: Callable) -> None:
    page, record = opened("00_start_here")
    assert_clean(page, record)
    # The lens's picture, which lies under the lens, and two figures: to run a cell is to open its output.
    assert page.locator(".jp-OutputArea-output img:visible").count() == 3
    page.frame_locator("iframe[title=TokenLens]").locator(".token-lens[data-view]").wait_for()
    page.locator(".jp-Notebook h2", has_text="Keep 15 %").scroll_into_view_if_needed()
    keep_screenshot(page, "00_start_here")


def shown_explorer(page: Page) -> Locator:
    """The page's explorer, once it is drawn and in view."""
    explorer = page.locator(".budget-explorer").first
    explorer.locator("svg .band").first.wait_for()
    explorer.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    return explorer


def assert_slider_follows(page: Page, explorer: Locator) -> None:
    """Turn the temperature by keyboard, then by mouse: numbers, pictures and the line of Python follow."""
    code = explorer.locator("code")
    slider = explorer.get_by_label("temperature τ", exact=True)
    start = settled(explorer)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("1.7")
    expect(code).to_contain_text("temperature=1.7")
    by_keyboard = settled(explorer)
    assert by_keyboard["budget"] != start["budget"]
    assert by_keyboard["heights"]["weight"] != start["heights"]["weight"]
    assert slider.evaluate("(input) => document.activeElement === input"), "the focus has left the slider"

    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"] + 8 + 0.17 * (box["width"] - 16), box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(x + 5 * step, y)
    page.mouse.up()
    expect(code).not_to_have_text(by_keyboard["code"])
    by_mouse = settled(explorer)
    assert by_mouse["knobs"]["temperature"] > 2.5
    assert f"temperature={by_mouse['knobs']['temperature']:g}" in by_mouse["code"]
    assert by_mouse["budget"] != by_keyboard["budget"]


def test_04_the_explorer_follows_keyboard_and_mouse_and_exports_what_it_shows(opened: Callable, folder: Path) -> None:
    page, record = opened("04_budgets")
    explorer = shown_explorer(page)
    assert_slider_follows(page, explorer)
    keep_screenshot(page, "04_explorer")

    shown = eval(
        explorer.locator("code").inner_text(), {"InfoMergeConfig": InfoMergeConfig}
    )  # it is there to be pasted
    export = explorer.get_by_label("Export")
    export.select_option("config")
    explorer.get_by_role("button", name="Save to").click()
    explorer.get_by_text("Written:").wait_for()
    (exported,) = (folder / "notebooks" / "figures").glob("config-*.json")
    assert InfoMergeConfig(**json.loads(exported.read_text())) == shown
    export.select_option("pdf")
    with page.expect_download() as told:
        explorer.get_by_role("button", name="Download").click()
    assert told.value.suggested_filename == "budget-tour.pdf"
    assert told.value.path().read_bytes().startswith(b"%PDF-")
    export.select_option("png")
    with page.expect_download() as told:
        explorer.get_by_role("button", name="Download").click()
    with Image.open(told.value.path()) as picture:
        assert picture.width > 1000

    with page.expect_file_chooser() as chooser:
        explorer.get_by_role("button", name="Upload").click()
    chooser.value.set_files({"name": "big.mp4", "mimeType": "video/mp4", "buffer": bytes(MOST_BYTES + 1)})
    explorer.get_by_text("got big.mp4").wait_for()
    assert_clean(page, record)


@functools.cache
def compressed_tour() -> tuple[np.ndarray, int]:
    """The tour's assignment under notebook 05's configuration, computed here, and its positions per frame."""
    encoding = EfficientNetEncoder()(sample_clip("tour").frames)
    out = compress(encoding.tokens, InfoMergeConfig.paper(0.15), saliency=encoding.saliency)
    return out.assignment.numpy(), out.positions


def assert_lens_follows(page: Page, lens: Locator) -> None:
    """Scrub by keyboard, point at patches, and compare what lights up with the assignment."""
    assignment, positions = compressed_tour()
    stage = lens.locator(".tl-stage")
    stage.scroll_into_view_if_needed()
    stage.focus()
    frame = 16
    for _ in range(frame):
        page.keyboard.press("ArrowRight")
    box = stage.bounding_box()
    for row, column in ((12, 9), (3, 4), (0, 13), (8, 6)):
        page.mouse.move(box["x"] + box["width"] * (column + 0.5) / 14, box["y"] + box["height"] * (row + 0.5) / 14)
        token = int(assignment[frame * positions + row * 14 + column])
        page.wait_for_timeout(250)
        expect(lens).to_have_attribute("data-view", re.compile(rf'"frame":{frame},.*"token":{token}[,}}]'))
        shown = json.loads(lens.get_attribute("data-view"))
        assert shown["lit"] == np.flatnonzero(assignment == token).tolist()


def test_05_the_lens_lights_what_a_token_stands_for(opened: Callable) -> None:
    page, record = opened("05_retained_tokens")
    lens = page.locator(".token-lens").first
    lens.wait_for()
    assert_lens_follows(page, lens)
    keep_screenshot(page, "05_lens")
    assert_clean(page, record)


def test_06_runs_from_top_to_bottom_and_its_explorer_is_alive(opened: Callable) -> None:
    page, record = opened("06_budgets_across_a_video")
    explorer = shown_explorer(page)
    before = settled(explorer)
    explorer.get_by_label("budgets by").select_option("length")
    expect(explorer.locator("code")).to_contain_text("allocation='length'")
    assert settled(explorer)["budget"] != before["budget"]
    expect(explorer.locator(".be-dead", has_text="temperature")).to_contain_text("no effect: budgets are by length")
    keep_screenshot(page, "06_explorer")
    assert_clean(page, record)


@pytest.fixture
def opened_in_notebook_7(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], tuple[Page, Record]]]:
    if importlib.util.find_spec("notebook") is None:
        pytest.skip("Notebook 7 is not installed; pip install notebook to test the views there")
    page = browser.new_page(viewport={"width": 1400, "height": 1500})
    page.set_default_timeout(PATIENCE_MS)
    with serving(tmp_path, "notebook") as address:
        write_notebook(tmp_path / "notebooks" / "explorer.ipynb", "made()")

        def open_notebook(name: str) -> tuple[Page, Record]:
            open_and_run(page, address, name)
            return page, record

        record = watch(page)
        yield open_notebook
    page.close()


def test_notebook_7_leaves_the_views_their_keys(opened_in_notebook_7: Callable) -> None:
    page, record = opened_in_notebook_7("explorer")
    assert_slider_follows(page, shown_explorer(page))
    keep_screenshot(page, "04_notebook_7")
    assert failed_outputs(page) == []
    page, record = opened_in_notebook_7("05_retained_tokens")
    lens = page.locator(".token-lens").first
    lens.wait_for()
    assert_lens_follows(page, lens)
    keep_screenshot(page, "05_notebook_7")
    assert failed_outputs(page) == []
    # Notebook 7.6 says this once for every page that it opens, an empty notebook too.
    assert set(record.errors) <= {"Cannot read properties of undefined (reading 'schema')"}
    assert record.requests_off("127.0.0.1") == []


def test_05_as_an_exported_page_without_a_server_still_scrubs_and_lights(browser: Browser, tmp_path: Path) -> None:
    notebook = ROOT / "notebooks" / "05_retained_tokens.ipynb"
    exporter = "infomerge.widgets.notebook_page.LivingHTMLExporter"
    command = [sys.executable, "-m", "nbconvert", "--to", exporter, "--output-dir", str(tmp_path), str(notebook)]
    subprocess.run(command, check=True, capture_output=True)
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    # The page's own frame asks for MathJax and the like; without a network it must do without.
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "05_retained_tokens.html").as_uri())
    holder = (
        page.frame_locator("iframe").locator(".token-lens")
        if page.locator("iframe").count()
        else page.locator(".token-lens")
    )
    holder.first.wait_for(timeout=30_000)
    assert_lens_follows(page, holder.first)
    keep_screenshot(page, "05_exported")
    page.close()


def test_04_as_an_exported_page_shows_the_explorer_and_chooses_segments(browser: Browser, tmp_path: Path) -> None:
    notebook = tmp_path / "04_budgets.ipynb"
    nbformat.write(execute(ROOT / "notebooks" / "04_budgets.ipynb"), notebook)
    exporter = "infomerge.widgets.notebook_page.LivingHTMLExporter"
    command = [sys.executable, "-m", "nbconvert", "--to", exporter, "--output-dir", str(tmp_path), str(notebook)]
    subprocess.run(command, check=True, capture_output=True)
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "04_budgets.html").as_uri())
    explorer = page.frame_locator('iframe[title="BudgetExplorer"]').locator(".budget-explorer")
    explorer.locator("svg .band").first.wait_for(timeout=30_000)
    found = explorer.evaluate(READ)
    assert found["loaded"]
    assert sum(map(sum, found["kept"])) > 0
    explorer.locator(".be-answer .touch").nth(2).click()
    expect(explorer.get_by_label("Segment", exact=True)).to_have_value("2")
    expect(explorer.locator(".im-message")).to_contain_text("Without a kernel nothing can be turned")
    expect(explorer.get_by_label("temperature τ", exact=True)).to_be_disabled()
    keep_screenshot(page, "04_exported")
    page.close()
