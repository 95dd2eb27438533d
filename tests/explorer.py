"""Explorers of small clips for tests, what they show, and what a page asks of them."""

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infomerge import InfoMergeConfig
from infomerge.encoders import Encoding
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import random_clip

SHOWN = ("clip", "shown", "maps", "frame", "picture")
"""The traits that pictures are drawn of."""

_NUMBERS = itertools.count(1)


def tokens(frames: int = 14, positions: int = 16, channels: int = 8, seed: int = 5) -> Tensor:
    return random_clip(torch.Generator().manual_seed(seed), frames, positions, channels).float()


def explorer(config: InfoMergeConfig | None = None, **options: Any) -> BudgetExplorer:
    return BudgetExplorer(tokens(), config=config or InfoMergeConfig(retention_ratio=0.4, min_segments=4), **options)


def tell(shown: BudgetExplorer, ask: str, buffers: list[memoryview] | None = None, **more: Any) -> None:
    """Ask as a page does; the ask must be answered."""
    number = next(_NUMBERS)
    shown._handle_custom_msg({"ask": ask, "view": "page", "number": number, **more}, buffers or [])
    assert shown.answered == ["page", number]


def turn(shown: BudgetExplorer, option: str, value: Any) -> None:
    """Turn a knob as a page does."""
    tell(shown, "turn", option=option, value=value)


def said(shown: BudgetExplorer) -> str:
    """What stands in the place for messages."""
    return str(shown.message["text"])


def failed(shown: BudgetExplorer) -> bool:
    return bool(shown.message["failed"])


def picture(shown: BudgetExplorer) -> dict[str, Any]:
    """Everything that is drawn, as a page that is loaded now would be told of it."""
    return {name: shown.get_state(name)[name] for name in SHOWN}


def unpacked(packed: dict[str, Any], *shape: int) -> np.ndarray:
    return np.frombuffer(packed["bytes"], packed["dtype"]).reshape(shape)


class FakeEncoder:
    """Four tokens per frame, of its mean colours."""

    name = "fake"

    def __call__(self, frames: np.ndarray) -> Encoding:
        halves = [
            part.mean(axis=(1, 2)) for rows in np.array_split(frames, 2, 1) for part in np.array_split(rows, 2, 2)
        ]
        found = torch.from_numpy(np.stack(halves, axis=1)).float()
        return Encoding(found, found.norm(dim=-1), None, (2, 2), "brightness")
