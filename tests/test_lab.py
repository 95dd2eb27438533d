"""The notebooks as their readers use them: a real JupyterLab in a real browser, mouse and keyboard."""

import functools
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from infomerge import InfoMergeConfig, compress
from infomerge.encoders import EfficientNetEncoder
from infomerge.video import sample_clip
from infomerge.widgets.upload import MOST_BYTES
from tests.browser import Record, launched, watch
from tests.lab import ARTIFACTS, PATIENCE_MS, ROOT, failed_outputs, open_and_run, serving

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


def drawn(explorer: Locator) -> list[Any]:
    """The values of every line and bar over time that plotly holds in the page."""
    return explorer.locator(".js-plotly-plot").evaluate_all(
        "(plots) => plots.flatMap((plot) => plot.data.map((trace) => Array.from(trace.y ?? [])))"
    )


def wait_until_changed(page: Page, explorer: Locator, before: list[Any]) -> list[Any]:
    for _ in range(PATIENCE_MS // 50):
        after = drawn(explorer)
        if after != before:
            return after
        page.wait_for_timeout(50)
    pytest.fail(f"the pictures did not change within {PATIENCE_MS // 1000} seconds")


def shown_explorer(page: Page) -> Locator:
    """The page's explorer, once it is drawn and in view."""
    explorer = page.locator(".infomerge-explorer")
    for plot in range(2):  # the map and the panels
        explorer.locator(".js-plotly-plot").nth(plot).locator(".main-svg").first.wait_for()
    explorer.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    return explorer


def assert_slider_follows(page: Page, explorer: Locator) -> None:
    """Turn the temperature by keyboard, then by mouse: numbers, pictures and the line of Python follow."""
    code = explorer.locator("code").first
    slider = explorer.locator(".widget-slider", has_text="temperature").locator(".noUi-handle")
    start = drawn(explorer)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    wait_until_changed(page, explorer, start)
    expect(slider).to_have_attribute("aria-valuenow", "1.7")
    expect(code).to_contain_text("temperature=1.7")
    page.wait_for_timeout(500)
    assert slider.evaluate("(handle) => document.activeElement === handle"), "the focus has left the slider"
    by_keyboard, said = drawn(explorer), code.inner_text()

    slider.scroll_into_view_if_needed()
    handle = slider.bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(x + 5 * step, y)
    page.mouse.up()
    wait_until_changed(page, explorer, by_keyboard)
    expect(code).not_to_have_text(said)
    page.wait_for_timeout(800)


def test_04_the_explorer_follows_keyboard_and_mouse_and_exports_what_it_shows(opened: Callable, folder: Path) -> None:
    page, record = opened("04_budgets")
    explorer = shown_explorer(page)
    assert_slider_follows(page, explorer)
    keep_screenshot(page, "04_explorer")

    code = explorer.locator("code").first
    shown = eval(code.inner_text(), {"InfoMergeConfig": InfoMergeConfig})  # the line is there to be pasted
    explorer.get_by_role("button", name="Config (JSON)").click()
    explorer.get_by_text("Written:").wait_for()
    (exported,) = (folder / "notebooks" / "figures").glob("config-*.json")
    assert InfoMergeConfig(**json.loads(exported.read_text())) == shown
    explorer.get_by_role("button", name="Chart (PDF, PNG)").click()
    explorer.get_by_text(".png").wait_for()
    (pdf,) = (folder / "notebooks" / "figures").glob("*.pdf")
    assert pdf.read_bytes().startswith(b"%PDF-")
    with Image.open(pdf.with_suffix(".png")) as picture:
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


def write_explorer_notebook(folder: Path) -> None:
    """A notebook with nothing but an explorer of random tokens."""
    source = """
        import torch
        from infomerge.widgets import BudgetExplorer
        BudgetExplorer(torch.randn(16, 49, 16, generator=torch.Generator().manual_seed(0)).cumsum(0))
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(inspect.cleandoc(source))])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "notebooks" / "explorer.ipynb")


# Plotly's code takes three seconds to be read, more than the two that anywidget gives a model to begin.
SLOW_PLOTLY = """
    const Stock = Blob;
    window.Blob = class extends Stock {
        constructor(parts, options) {
            const isPlotly = typeof parts?.[0] === "string" && parts[0].length > 1e6;
            super(isPlotly ? ["await new Promise((go) => setTimeout(go, 3000));", ...parts] : parts, options);
        }
    };
"""


def test_a_slow_browser_draws_the_explorer_and_follows_it(opened: Callable, folder: Path) -> None:
    write_explorer_notebook(folder)
    page, record = opened("explorer", SLOW_PLOTLY)
    explorer = page.locator(".infomerge-explorer")
    expect(explorer.get_by_text("Loading plotly")).to_have_count(2)
    explorer = shown_explorer(page)
    before = drawn(explorer)
    assert len(before) == 4 + 19
    explorer.get_by_label("budgets by").select_option("length")
    wait_until_changed(page, explorer, before)
    assert_clean(page, record)


def test_06_runs_from_top_to_bottom_and_its_explorer_is_alive(opened: Callable) -> None:
    page, record = opened("06_budgets_across_a_video")
    explorer = shown_explorer(page)
    before = drawn(explorer)
    explorer.get_by_label("budgets by").select_option("length")
    wait_until_changed(page, explorer, before)
    keep_screenshot(page, "06_explorer")
    assert_clean(page, record)


@pytest.fixture
def opened_in_notebook_7(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], tuple[Page, Record]]]:
    if importlib.util.find_spec("notebook") is None:
        pytest.skip("Notebook 7 is not installed; pip install notebook to test the views there")
    page = browser.new_page(viewport={"width": 1400, "height": 1500})
    page.set_default_timeout(PATIENCE_MS)
    with serving(tmp_path, "notebook") as address:
        write_explorer_notebook(tmp_path)

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
