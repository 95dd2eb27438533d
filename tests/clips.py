"""Token clips for the tests of the core: random ones, and those that break implementations."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from infomerge import InfoMergeConfig

RATIOS = (0.01, 0.05, 0.1, 0.15, 0.25, 0.5, 0.9, 1.0)


def random_clip(generator: torch.Generator, frames: int, positions: int, channels: int) -> Tensor:
    """A few scenes of still positions with noise on them, cut hard: what a real clip's tokens look like."""
    scenes = int(torch.randint(1, max(2, frames // 3 + 1), (), generator=generator))
    scene = torch.randint(0, scenes, (frames,), generator=generator).sort().values
    still = torch.randn(scenes, positions, channels, generator=generator, dtype=torch.float64)
    noise = torch.randn(frames, positions, channels, generator=generator, dtype=torch.float64)
    moving = torch.rand(positions, 1, generator=generator, dtype=torch.float64)
    return still[scene] + moving * noise


def structured_clips() -> Iterator[tuple[str, Tensor]]:
    """Clips full of ties, degenerate shapes and extreme values, by name."""
    g = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    yield "constant", torch.ones(9, 6, 4, dtype=torch.float64)
    yield "all zero", torch.zeros(5, 4, 3, dtype=torch.float64)
    yield "zero tokens among others", normal(8, 9, 5) * (torch.rand(8, 9, 1, generator=g) > 0.4)
    yield "one frame repeated", normal(1, 16, 8).expand(12, 16, 8).clone()
    yield "two frames alternating", normal(2, 9, 6).repeat(6, 1, 1)
    yield "one token everywhere in a frame", normal(10, 1, 7).expand(10, 12, 7).clone()
    yield "small integers", torch.randint(-1, 2, (13, 8, 3), generator=g).double()
    yield "signs", torch.randint(0, 2, (16, 9, 4), generator=g).double() * 2 - 1
    yield "duplicates within frames", normal(9, 4, 6).repeat(1, 4, 1)
    yield "one position", normal(17, 1, 5)
    yield "one channel", normal(11, 7, 1)
    yield "one frame", normal(1, 25, 6)
    yield "one of each", normal(1, 1, 1)
    yield "two tokens per frame", normal(10, 2, 3)
    yield "large norm", normal(9, 10, 6) * 1e4
    yield "tiny norm", normal(9, 10, 6) * 1e-6
    yield "more channels than tokens", normal(4, 3, 64)
    yield "long, few positions", normal(60, 3, 4)
    yield (
        "hard cuts of one frame",
        torch.eye(8, dtype=torch.float64)[:, None, :].expand(8, 9, 8) + 0.01 * normal(8, 9, 8),
    )


def configurations(generator: torch.Generator, ratio: float) -> InfoMergeConfig:
    """A configuration drawn from all of them."""

    def pick(*choices: Any) -> Any:
        return choices[int(torch.randint(0, len(choices), (), generator=generator))]

    return InfoMergeConfig(
        retention_ratio=ratio,
        context_fraction=pick(0.4, 0.4, 0.0, 0.25, 1.0),
        min_segments=pick(1, 2, 4, 8),
        segmentation=pick("fixed", "fixed", "adaptive"),
        segment_threshold=pick(0.9, 0.5, -1.0),
        static_ratio=pick(0.1, 0.3, 1.0),
        static_penalty=pick(12.0, 0.5),
        uniqueness_weight=pick(0.9, 0.0),
        richness_weight=pick(0.1, 1.0),
        temperature=pick(1.2, 2.0, 10.0, 0.0),
        anchor_interval=pick(4, 1, 3),
        merge_weight=pick(0.6, 0.0, 1.0),
        neighbors=pick(4, 1, 9),
        static_prior=pick("tfd", "tfd", "adjacent", "none", "aligned"),
        allocation=pick("caba", "caba", "length"),
        rounding=pick("exact", "exact", "paper"),
        merge_scope=pick("segment", "anchor_frame"),
        salient_split=pick("floor", "floor", "exact", "clip"),
        anchors=pick("density", "density", "distance", "farthest"),
    )
