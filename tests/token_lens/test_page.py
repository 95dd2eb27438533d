"""TokenLens without a kernel: its page, what a notebook stores of it, and the page that is made of a notebook."""

import base64
import importlib
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from PIL import Image

from infomerge import Compression, compress, plots
from infomerge.widgets import TokenLens
from infomerge.widgets.notebook_page import LivingHTMLExporter, LivingLenses
from infomerge.widgets.pages import LENS_MIME
from tests.browser import launched
from tests.clips import random_clip
from tests.token_lens.squares import COLUMNS, FRAMES, ROWS, drawn_frames

pytestmark = pytest.mark.browser


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


def bundle(lens: TokenLens) -> dict[str, Any]:
    data, _ = lens._repr_mimebundle_()
    return data


def test_a_notebook_stores_the_state_and_a_picture_and_not_the_source(lens: TokenLens) -> None:
    data = bundle(lens)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lens.model_id
    stored = data[LENS_MIME]
    assert {name: stored[name] for name in ("frame", "mode", "pinned")} == {
        "frame": 0,
        "mode": "overlay",
        "pinned": None,
    }
    assert base64.b64decode(stored["data"]["assignment"]["bytes"]["base64"]) == lens.data["assignment"]["bytes"]
    assert "text/html" not in data
    assert "function" not in json.dumps(data)
    with Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))) as picture:
        assert picture.width == 7 * 120


def test_the_stored_picture_shows_the_kept_tokens_and_the_frames_numbers_where_there_are_no_times(
    out: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    stock = plots.contact_sheet

    def draw(*arguments: Any, **options: Any) -> Figure:
        drawn.append(stock(*arguments, **options))
        return drawn[-1]

    monkeypatch.setattr(plots, "contact_sheet", draw)
    bundle(TokenLens(out, drawn_frames(), (ROWS, COLUMNS)))
    (sheet,) = drawn
    words = [text.get_text() for text in sheet.axes[0].texts]
    assert [f"frame {frame}" for frame in range(FRAMES)] == [word for word in words if word.startswith("frame")]
    dots = [found for found in sheet.axes[0].collections if isinstance(found, PatchCollection)]
    assert sum(len(found.get_paths()) for found in dots) == int(out.is_context.sum())


def exported(lens: TokenLens, exporter: HTMLExporter, path: Path) -> str:
    output = nbformat.v4.new_output("display_data", bundle(lens))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("lens", outputs=[output])])
    nbformat.validate(notebook)
    path.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    return path.read_text(encoding="utf-8")


def test_nbconverts_own_page_shows_the_picture(lens: TokenLens, tmp_path: Path) -> None:
    page = exported(lens, HTMLExporter(), tmp_path / "notebook.html")
    assert "<iframe" not in page
    assert page.count("data:image/jpeg;base64") == 1


def test_the_exporter_is_found_under_its_name() -> None:
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["entry-points"]
    module, name = scripts["nbconvert.exporters"]["infomerge"].split(":")
    assert getattr(importlib.import_module(module), name) is LivingHTMLExporter


@pytest.mark.parametrize("exporter", ["own", "preprocessor"])
def test_an_exported_notebook_keeps_a_living_view(lens: TokenLens, tmp_path: Path, exporter: str) -> None:
    path = tmp_path / "notebook.html"
    html = HTMLExporter(preprocessors=[LivingLenses]) if exporter == "preprocessor" else LivingHTMLExporter()
    exported(lens, html, path)
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
