"""Explorers of small clips for tests, and what they show."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from infomerge import InfoMergeConfig
from infomerge.encoders import Encoding
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import random_clip

PANELS = ("similarity", "uniqueness", "richness", "weight", "budget")


def tokens(frames: int = 14, positions: int = 16, channels: int = 8, seed: int = 5) -> Tensor:
    return random_clip(torch.Generator().manual_seed(seed), frames, positions, channels).float()


def explorer(config: InfoMergeConfig | None = None, **options: Any) -> BudgetExplorer:
    return BudgetExplorer(tokens(), config=config or InfoMergeConfig(retention_ratio=0.4, min_segments=4), **options)


def drawn(shown: BudgetExplorer, trace: str, attribute: str = "y") -> Any:
    return getattr(shown._times.trace(trace), attribute)


def whole_figure(shown: BudgetExplorer) -> list[dict[str, Any]]:
    """Everything that is drawn, as it would be drawn by a browser that is told of it now."""
    return [figure.to_plotly_json() for figure in (shown.figure, shown.map_figure)]


class FakeEncoder:
    """Four tokens per frame, of its mean colours."""

    name = "fake"

    def __call__(self, frames: np.ndarray) -> Encoding:
        halves = [
            part.mean(axis=(1, 2)) for rows in np.array_split(frames, 2, 1) for part in np.array_split(rows, 2, 2)
        ]
        found = torch.from_numpy(np.stack(halves, axis=1)).float()
        return Encoding(found, found.norm(dim=-1), None, (2, 2), "brightness")
