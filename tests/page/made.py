"""Small clips with known tokens, and settings under the names that the page has for them."""

import random
from typing import Any

import numpy as np
import torch

from infomerge import EncodedClip, InfoMergeConfig

NAMES = {
    "retentionRatio": "retention_ratio",
    "contextFraction": "context_fraction",
    "minSegments": "min_segments",
    "segmentThreshold": "segment_threshold",
    "staticRatio": "static_ratio",
    "staticPenalty": "static_penalty",
    "uniquenessWeight": "uniqueness_weight",
    "richnessWeight": "richness_weight",
    "temperature": "temperature",
    "anchorInterval": "anchor_interval",
    "neighbors": "neighbors",
    "staticPrior": "static_prior",
    "allocation": "allocation",
    "rounding": "rounding",
}
"""Of the page's settings -> of InfoMergeConfig. Its other options change no owner: merge_weight and merge_scope."""


def settings_of(config: InfoMergeConfig) -> dict[str, Any]:
    return {name: getattr(config, option) for name, option in NAMES.items()}


def presets() -> list[InfoMergeConfig]:
    """Every preset: the rows of Table 7, FastVID at these ratios, and everything."""
    rows = [InfoMergeConfig.paper(ratio) for ratio in (0.05, 0.10, 0.15)]
    return [
        *rows,
        *(InfoMergeConfig.fastvid(ratio) for ratio in (0.05, 0.10, 0.15)),
        InfoMergeConfig(retention_ratio=1),
    ]


def random_settings(count: int, seed: int) -> list[InfoMergeConfig]:
    """Settings from all over the ranges, small ratios more often than large ones."""
    draw = random.Random(seed)
    return [
        InfoMergeConfig(
            retention_ratio=draw.choice([draw.uniform(0.005, 1), draw.uniform(0.02, 0.3)]),
            context_fraction=draw.choice([0, 1, draw.uniform(0, 1)]),
            min_segments=draw.randint(1, 34),
            segment_threshold=draw.uniform(0.5, 1),
            static_ratio=draw.choice([0.09, draw.uniform(0, 1)]),
            static_penalty=draw.choice([0, 12, draw.uniform(0, 20)]),
            uniqueness_weight=draw.uniform(0, 2),
            richness_weight=draw.uniform(0, 2),
            temperature=draw.uniform(0, 6),
            anchor_interval=draw.randint(1, 9),
            neighbors=draw.randint(1, 12),
            static_prior=draw.choice(["tfd", "tfd", "adjacent", "none"]),
            allocation=draw.choice(["caba", "caba", "length"]),
            rounding=draw.choice(["exact", "exact", "paper"]),
        )
        for _ in range(count)
    ]


def small_clip(
    frames: int = 9, grid: tuple[int, int] = (3, 4), channels: int = 6, *, seed: int = 0, name: str = "small"
) -> EncodedClip:
    """Random tokens, of which some stand still, some are equal and one is zero; no pictures."""
    draw = np.random.default_rng(seed)
    tokens = draw.normal(size=(frames, grid[0] * grid[1], channels)).astype(np.float32)
    tokens[:, 0] = tokens[0, 0]
    tokens[:, -1] = tokens[:, -2:][:, 0]
    tokens[-1, -1] = 0
    return EncodedClip.from_arrays(torch.from_numpy(tokens), grid=grid, name=name)
