"""What axe says of the pages that the views make without a kernel, in both themes, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS
from infomerge.widgets import AnswerView
from infomerge.widgets.view import View
from tests.axe import faults
from tests.browser import launched
from tests.explorer_page import made
from tests.token_lens.squares import compressed, squares_lens

pytestmark = pytest.mark.browser


def views() -> Iterator[tuple[str, View]]:
    yield "explorer", made()
    compared = made()
    compared.pin()
    compared.set(allocation="length", static_prior="none")
    compared.picture = "difference"
    yield "compared", compared
    yield "lens", squares_lens(compressed())
    yield "answers", AnswerView(load_testbed(), FORMS["clean"].clip(5, "dev"), ratio=0.03)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder: Path = tmp_path_factory.mktemp("pages")
    for name, view in views():
        view.to_html(folder / f"{name}.html")
        view.close()
    return {path.stem: path for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.mark.parametrize("name", ["explorer", "compared", "lens", "answers"])
def test_axe_finds_no_grave_fault(browser: Browser, pages: dict[str, Path], name: str) -> None:
    schemes: tuple[Any, ...] = ("light", "dark")
    for scheme, width in zip(schemes, (1366, 480), strict=True):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(pages[name].as_uri())
        page.wait_for_selector(":is([data-drawn], [data-view])")
        page.evaluate("() => document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert faults(page) == [], f"{scheme}, {width} px wide"
        page.close()
