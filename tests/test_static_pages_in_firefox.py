"""The pages that views write of themselves, opened from disk in Firefox: drawn, without an error or a request."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.widgets import TokenLens
from infomerge.widgets.view import View
from tests.clips import random_clip
from tests.explorer_page import made
from tests.firefox import Firefox, launched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    with launched() as firefox:
        yield firefox


def lens() -> TokenLens:
    frames = np.random.default_rng(0).integers(0, 256, (6, 28, 42, 3), dtype=np.uint8)
    return TokenLens(compress(random_clip(torch.Generator().manual_seed(0), 6, 49, 8), retention_ratio=0.3), frames)


@pytest.mark.parametrize("view", [made, lens])
def test_a_page_is_drawn_and_complains_of_nothing(view: Callable[[], View], firefox: Firefox, tmp_path: Path) -> None:
    path = tmp_path / "view.html"
    shown = view()
    shown.to_html(path)
    shown.close()
    with firefox.page(1000, 900) as page:
        page.goto(path.as_uri())
        page.wait_for("document.querySelectorAll('svg rect, canvas').length > 0")
        page.settle()
        assert len(page.evaluate("document.body.innerText")) > 100
        page.screenshot(tmp_path / "seen.png")
        assert page.record.errors == []
        assert page.record.requests == []
