"""A small lens for its tests, and what a reader does with it and sees of it in a browser."""

import json
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Page

from infomerge import Compression, InfoMergeConfig, compress
from infomerge.widgets import TokenLens
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


def squares_lens(out: Compression) -> TokenLens:
    return TokenLens(out, drawn_frames(), (ROWS, COLUMNS), timestamps=TIMES, title="Squares & <scenes>")


def unpacked(data: dict[str, Any], name: str) -> np.ndarray:
    return np.frombuffer(data[name]["bytes"], dtype=data[name]["dtype"])


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
