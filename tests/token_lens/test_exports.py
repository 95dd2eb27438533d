"""What TokenLens saves: pictures as PNG and as vector graphics, its configuration, its line of Python."""

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Page

from infomerge import Compression, InfoMergeConfig
from infomerge.palette import CONTEXT, SALIENT
from tests.token_lens.squares import (
    FRAMES,
    TIMES,
    point_at,
    view,
)


def test_exports_are_a_picture_the_config_and_a_line_of_python(out: Compression, page: Page, tmp_path: Path) -> None:
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save PNG").click()
    picture.value.save_as(tmp_path / "view.png")
    size = Image.open(tmp_path / "view.png").size
    assert picture.value.suggested_filename == "token-lens-frame-0.png"
    assert min(size) > 1000
    with page.expect_download() as config:
        page.get_by_role("button", name="Save config.json").click()
    config.value.save_as(tmp_path / "config.json")
    assert InfoMergeConfig(**json.loads((tmp_path / "config.json").read_text())) == out.config
    assert eval(page.inner_text(".tl-line")) == out.config
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()


SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def saved_svg(page: Page, path: Path) -> ElementTree.Element:
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save SVG").click()
    picture.value.save_as(path)
    return ElementTree.parse(path).getroot()


def boxes_of(root: ElementTree.Element, color: str) -> int:
    """Outlines of this color and of the width of a mark."""
    strokes = root.iter(f"{SVG}path")
    return sum(path.get("stroke", "").lower() == color.lower() and path.get("stroke-width") == "2" for path in strokes)


def test_the_saved_svg_is_vector_but_for_the_frames(out: Compression, page: Page, tmp_path: Path) -> None:
    kept = [int((out.frame == frame).sum()) for frame in range(FRAMES)]
    context = [int((out.is_context & (out.frame == frame)).sum()) for frame in range(FRAMES)]
    frame = max(range(FRAMES), key=context.__getitem__)
    page.locator("input[type=range]").fill(str(frame))
    view(page)
    root = saved_svg(page, tmp_path / "view.svg")
    # Each frame is in the file once, and shown in the strip; one of them in large, too.
    pictures = {picture.get("id"): picture.get(f"{XLINK}href") for picture in root.iter(f"{SVG}image")}
    assert len(pictures) == FRAMES
    assert all(address.startswith("data:image/jpeg;base64,") for address in pictures.values())
    assert sum(use.get(f"{XLINK}href")[1:] in pictures for use in root.iter(f"{SVG}use")) == FRAMES + 1
    # Every frame's marks in the strip, the large frame's, and one of each kind in the legend.
    assert boxes_of(root, SALIENT) == sum(kept) - sum(context) + kept[frame] - context[frame] + 1
    assert boxes_of(root, CONTEXT) == sum(context) + context[frame] + 1
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert words[0] == "Squares & <scenes>"
    assert words[2].startswith(f"Shown: frame {frame} ({TIMES[frame]:.1f} s)")
    assert [f"{time:.1f} s" for time in TIMES] == [word for word in words if re.fullmatch(r"\d+\.\d s", word)]


def test_the_saved_svg_looks_like_the_saved_png(out: Compression, page: Page, tmp_path: Path) -> None:
    token = int(torch.bincount(out.assignment).argmax())
    page.locator("input[type=range]").fill(str(int(out.frame[token])))
    for mode in ("Kept tokens", "Ownership", "TFD", "Saliency"):
        page.locator(".tl-modes label", has_text=mode).click()
        point_at(page, int(out.position[token]), click=True)
        view(page)
        saved_svg(page, tmp_path / "view.svg")
        with page.expect_download() as picture:
            page.get_by_role("button", name="Save PNG").click()
        picture.value.save_as(tmp_path / "view.png")
        with Image.open(tmp_path / "view.png") as png:
            expected = np.asarray(png.convert("RGB"), dtype=float)
        height, width = expected.shape[0] // 2, expected.shape[1] // 2
        rendering = page.context.browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=2)
        rendering.goto((tmp_path / "view.svg").as_uri())
        found = np.asarray(Image.open(io.BytesIO(rendering.screenshot())).convert("RGB"), dtype=float)
        rendering.close()
        difference = np.abs(found - expected)
        # Frames are JPEGs here and WebPs there, and lines are smoothed by other hands; nothing is elsewhere.
        assert difference.mean() < 1.5, mode
        assert (difference.max(axis=2) > 60).mean() < 0.01, mode


def test_exports_are_black_on_white_in_a_dark_page_too(page: Page, tmp_path: Path) -> None:
    saved_svg(page, tmp_path / "light.svg")
    page.emulate_media(color_scheme="dark")
    try:
        ground = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
        assert ground != "rgb(255, 255, 255)"
        saved_svg(page, tmp_path / "dark.svg")
        with page.expect_download() as told:
            page.get_by_role("button", name="Save PNG").click()
        with Image.open(told.value.path()) as picture:
            corners = [picture.convert("RGB").getpixel(at) for at in ((1, 1), (picture.width - 2, picture.height - 2))]
        assert corners == [(255, 255, 255)] * 2
    finally:
        page.emulate_media(color_scheme="light")
    assert (tmp_path / "dark.svg").read_text(encoding="utf-8") == (tmp_path / "light.svg").read_text(encoding="utf-8")
