"""What the views show in a real JupyterLab is true whatever a person does to page, notebook and kernel.

Values are read off the page's elements, and computed anew for comparison.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from infomerge import InfoMergeConfig
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS
from infomerge.widgets import AnswerView
from tests.browser import Record, launched, watch
from tests.explorer_page import assert_true, press, settled, write_notebook
from tests.lab import ARTIFACTS, PATIENCE_MS, failed_outputs, open_and_run, open_notebook, serving

pytestmark = pytest.mark.browser

expect.set_options(timeout=PATIENCE_MS)

START = InfoMergeConfig(retention_ratio=0.3)

LENS = """from infomerge.widgets import TokenLens
shown = made()
TokenLens(shown.encoded, shown.compression())"""

ANSWERS = """from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS
from infomerge.widgets import AnswerView
view = AnswerView(load_testbed(), FORMS["clean"].clip(5, "dev"), ratio=0.03)
view"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, str, Record]]:
    folder: Path = tmp_path_factory.mktemp("lab")
    with launched() as browser, serving(folder) as address:
        write_notebook(folder / "notebooks" / "explorer.ipynb", "explorer = made()\nexplorer")
        write_notebook(folder / "notebooks" / "lens.ipynb", LENS)
        write_notebook(folder / "notebooks" / "answers.ipynb", ANSWERS)
        write_notebook(folder / "notebooks" / "views.ipynb", "explorer = made()\nexplorer", LENS, ANSWERS)
        page = browser.new_page(viewport={"width": 1366, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        yield page, address, watch(page)
        page.close()


@pytest.fixture
def page(lab: tuple[Page, str, Record]) -> Page:
    return lab[0]


@pytest.fixture
def address(lab: tuple[Page, str, Record]) -> str:
    return lab[1]


def command(page: Page, name: str) -> None:
    page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)


def save(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")


def run_cell(page: Page, number: int) -> None:
    """Run one cell, and wait until it has run."""
    page.evaluate(
        """async (number) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = number;
            await window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        number,
    )


def delete_and_undo(page: Page, number: int, view: str) -> None:
    """Delete the cell of a view by its keys, see the view go, and undo the deletion."""
    page.evaluate(
        """async (number) => {
            const { shell, commands } = window.jupyterapp;
            shell.activateById(shell.currentWidget.id);
            shell.currentWidget.content.activeCellIndex = number;
            await commands.execute("notebook:enter-command-mode");
        }""",
        number,
    )
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(view)).to_have_count(0)
    page.keyboard.press("z")
    expect(page.locator(view)).to_have_count(1)


def explorer_of(page: Page) -> Locator:
    explorer = page.locator(".budget-explorer:not(.im-notice)").last
    explorer.locator("svg .band").first.wait_for()
    return explorer


def assert_true_and_turning(page: Page, explorer: Locator, before: InfoMergeConfig) -> InfoMergeConfig:
    """What is shown is true, and stays true when a knob is turned."""
    assert_true(settled(explorer), before)
    press(page, explorer, "temperature", "ArrowRight", 3)
    after = replace(before, temperature=round(before.temperature + 0.3, 6))
    expect(explorer.locator("code")).to_have_text(after.to_python())
    assert_true(settled(explorer), after)
    return after


def test_a_page_that_is_loaded_again_shows_what_the_kernel_has(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    turned = assert_true_and_turning(page, explorer_of(page), START)
    save(page)
    page.reload()
    open_notebook(page, address, "explorer")
    turned = assert_true_and_turning(page, explorer_of(page), turned)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "explorer_reloaded.png")
    assert failed_outputs(page) == []


def test_what_is_typed_in_a_field_is_taken_at_enter(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    explorer = explorer_of(page)
    explorer.get_by_label("temperature τ, as a number").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    turned = replace(START, temperature=2.5)
    expect(explorer.locator("code")).to_have_text(turned.to_python())
    explorer.get_by_label("Path of a video file").click()
    page.keyboard.type("no such clip.mp4")
    page.keyboard.press("Enter")
    message = explorer.locator(".im-message.im-failed")
    expect(message).to_contain_text("no such clip.mp4")
    expect(message).to_contain_text("Still showing mine.")
    assert_true(settled(explorer), turned)


def test_a_second_view_and_a_view_of_the_output_show_the_same(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    first = explorer_of(page)
    press(page, first, "temperature", "ArrowRight", 2)
    turned = replace(START, temperature=1.4)
    expect(first.locator("code")).to_have_text(turned.to_python())
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    command(page, "notebook:create-output-view")
    views = page.locator(".budget-explorer")
    expect(views).to_have_count(2)
    for view in (views.nth(0), views.nth(1)):
        assert_true(settled(view), turned)
    press(page, views.nth(1), "temperature", "ArrowLeft", 5)
    turned = replace(START, temperature=0.9)
    for view in (views.nth(0), views.nth(1)):
        expect(view.locator("code")).to_have_text(turned.to_python())
        assert_true(settled(view), turned)


def test_a_cell_that_is_run_again_begins_anew_and_ends_what_it_made_before(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    assert_true_and_turning(page, explorer_of(page), START)
    for _ in range(2):
        run_cell(page, 1)
    expect(page.locator(".budget-explorer")).to_have_count(1)
    assert_true_and_turning(page, explorer_of(page), START)


def test_a_notebook_that_was_closed_and_is_opened_again_shows_the_truth(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    turned = assert_true_and_turning(page, explorer_of(page), START)
    save(page)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    expect(page.locator(".budget-explorer")).to_have_count(0)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:open', {path: 'notebooks/explorer.ipynb'})")
    assert_true_and_turning(page, explorer_of(page), turned)


def test_after_the_kernel_was_restarted_one_line_says_what_to_run(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    explorer = explorer_of(page)
    assert_true(settled(explorer), START)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(explorer.locator(".im-message")).to_contain_text("run this cell again")
    expect(page.locator(".infomerge-standin:visible")).to_have_count(0)
    # Loaded again, the page has nothing to draw: a line says what to run, and goes once it was run.
    save(page)
    page.reload()
    open_notebook(page, address, "explorer")
    line = page.locator(".infomerge-standin")
    expect(line).to_contain_text("If nothing is drawn above, run this cell.")
    expect(line).to_be_visible()
    expect(page.locator(".budget-explorer")).to_have_count(0)
    run_cell(page, 0)
    run_cell(page, 1)
    assert_true_and_turning(page, explorer_of(page), START)
    expect(page.locator(".infomerge-standin:visible")).to_have_count(0)


def lens_view(page: Page) -> dict[str, object]:
    lens = page.locator(".token-lens").last
    lens.wait_for()
    page.wait_for_timeout(700)
    found: dict[str, object] = json.loads(lens.get_attribute("data-view") or "{}")
    return found


def pin_in_frame_3(page: Page) -> dict[str, object]:
    """Go there and pin a token by keyboard; what the lens shows then."""
    page.locator(".token-lens .tl-stage").last.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    found = lens_view(page)
    assert found["frame"] == 3
    assert found["pinned"] is not None
    assert found["lit"]
    return found


def stays_through_a_reload_and_a_second_view(
    page: Page, address: str, notebook: str, selector: str, view: Callable[[Page], dict[str, object]]
) -> None:
    """What a view shows is the same after both; then its cell is run again, and one view is left."""
    before = view(page)
    save(page)
    page.reload()
    open_notebook(page, address, notebook)
    assert view(page) == before
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    command(page, "notebook:create-output-view")
    expect(page.locator(selector)).to_have_count(2)
    assert view(page) == before
    page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    run_cell(page, 1)
    expect(page.locator(selector)).to_have_count(1)


def test_the_lens_is_true_after_a_reload_in_a_second_view_and_when_run_again(page: Page, address: str) -> None:
    open_and_run(page, address, "lens")
    pin_in_frame_3(page)
    stays_through_a_reload_and_a_second_view(page, address, "lens", ".token-lens", lens_view)
    assert lens_view(page)["frame"] == 0


def answers_view(page: Page) -> dict[str, object]:
    """What the page of answers shows, once nothing is asked any more and the rest has been worked out."""
    root = page.locator(".answer-view").last
    expect(root.locator(".av-line")).to_have_count(1)
    expect(root.locator(".av-needs")).not_to_contain_text("Leaving out each token")
    expect(root).to_have_attribute("data-idle", "true")
    found: dict[str, object] = json.loads(root.get_attribute("data-view") or "{}")
    words = root.locator(".av-says").inner_text()
    assert words.startswith(f"{found['kept']} of 1,568 tokens kept. The model says “{found['said']}”")
    assert root.get_by_label("Method").input_value() == found["method"]
    assert root.get_by_label("Question").input_value() == str(found["question"])
    return found | {
        "curve": root.locator(".av-line").get_attribute("d"),
        "needs": root.locator(".av-needs").inner_text(),
    }


def true_answers(question: int, method: str, ratio: float) -> dict[str, object]:
    """The same, computed anew."""
    view = AnswerView(load_testbed(), FORMS["clean"].clip(5, "dev"), question, method, ratio)
    result = view.result
    view.close()
    return {name: result[name] for name in ("said", "question", "method", "ratio")} | {"kept": len(result["index"])}


def test_the_answers_are_true_after_a_reload_in_a_second_view_and_when_run_again(page: Page, address: str) -> None:
    open_and_run(page, address, "answers")
    expected = true_answers(0, "infomerge", 0.03)
    assert expected.items() <= answers_view(page).items()
    root = page.locator(".answer-view").last
    root.get_by_label("Question").select_option("2")
    root.get_by_label("Method").select_option("tome")
    expected = true_answers(2, "tome", 0.03)
    expect(root).to_have_attribute("data-view", re.compile('"question":2,"method":"tome"'))
    assert expected.items() <= answers_view(page).items()
    stays_through_a_reload_and_a_second_view(page, address, "answers", ".answer-view", answers_view)
    assert true_answers(0, "infomerge", 0.03).items() <= answers_view(page).items()
    assert failed_outputs(page) == []
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(page.locator(".answer-view .im-message")).to_contain_text("run this cell again")
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "answers_after_a_restart.png")


def test_a_cell_whose_deletion_was_undone_shows_the_truth(page: Page, address: str) -> None:
    open_and_run(page, address, "views")
    turned = assert_true_and_turning(page, explorer_of(page), START)
    pinned = pin_in_frame_3(page)
    page.locator(".answer-view").get_by_label("Method").select_option("tome")
    expect(page.locator(".answer-view")).to_have_attribute("data-view", re.compile('"method":"tome"'))
    asked = answers_view(page)
    assert true_answers(0, "tome", 0.03).items() <= asked.items()

    delete_and_undo(page, 1, ".budget-explorer")
    assert_true_and_turning(page, explorer_of(page), turned)
    delete_and_undo(page, 2, ".token-lens")
    assert lens_view(page) == pinned
    delete_and_undo(page, 3, ".answer-view")
    assert answers_view(page) == asked
    page.locator(".answer-view").get_by_label("Method").select_option("infomerge")
    expect(page.locator(".answer-view")).to_have_attribute("data-view", re.compile('"method":"infomerge"'))
    assert true_answers(0, "infomerge", 0.03).items() <= answers_view(page).items()
    assert failed_outputs(page) == []


def change_theme(page: Page, name: str) -> None:
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)


def downloaded(page: Page, explorer: Locator, kind: str) -> bytes:
    explorer.get_by_label("Export").select_option(kind)
    with page.expect_download() as told:
        explorer.get_by_role("button", name="Download").click()
    return told.value.path().read_bytes()


def corners(png: bytes) -> set[tuple[int, ...]]:
    with Image.open(io.BytesIO(png)) as picture:
        right, bottom = picture.width - 2, picture.height - 2
        return {picture.convert("RGBA").getpixel(at) for at in ((1, 1), (right, 1), (1, bottom), (right, bottom))}


def test_what_is_downloaded_has_a_white_ground_in_the_dark_theme_too(page: Page, address: str) -> None:
    open_and_run(page, address, "explorer")
    explorer = explorer_of(page)
    in_light = {kind: downloaded(page, explorer, kind) for kind in ("pdf", "png")}
    change_theme(page, "JupyterLab Dark")
    try:
        ground = explorer.evaluate("(root) => getComputedStyle(root.closest('.jp-Notebook')).backgroundColor")
        assert max(map(int, re.findall(r"\d+", ground)[:3])) < 60
        in_dark = {kind: downloaded(page, explorer, kind) for kind in ("pdf", "png", "svg")}
        assert corners(in_dark["png"]) == {(255, 255, 255, 255)}
        assert in_light.items() <= in_dark.items()
        # The ground is the first that is drawn.
        assert re.search(rb'<path [^>]*style="([^"]*)"', in_dark["svg"])[1] == b"fill: #ffffff"
        open_and_run(page, address, "lens")
        with page.expect_download() as told:
            page.locator(".token-lens").get_by_role("button", name="Save PNG").click()
        assert corners(told.value.path().read_bytes()) == {(255, 255, 255, 255)}
    finally:
        change_theme(page, "JupyterLab Light")
