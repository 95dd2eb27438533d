"""What the GPU kernels know before they start: counts and memory. No GPU is needed."""

import itertools

import pytest
import torch

from infomerge import InfoMergeConfig
from infomerge.fast.kernels.layout import TILE, carve, layout, shaped, views


@pytest.mark.parametrize("channels", [100, 400, 5000])
@pytest.mark.parametrize("least", [1, 3])
def test_memory_holds_the_gram_matrices_of_every_cut(channels: int, least: int) -> None:
    frames, positions = 7, 150

    def needed(lengths: tuple[int, ...]) -> int:
        return sum((-(-min(n * positions, channels) // TILE) * TILE) ** 2 for n in lengths)

    most = 0
    for count in range(least, frames + 1):
        for cuts in itertools.combinations(range(1, frames), count - 1):
            edges = (0, *cuts, frames)
            most = max(most, needed(tuple(b - a for a, b in itertools.pairwise(edges))))
    config = InfoMergeConfig(retention_ratio=0.1, min_segments=least)
    assert layout((frames, positions, channels), config).gram_elements == most


def test_results_and_scratch_do_not_overlap() -> None:
    sizes = layout((9, 30, 64), InfoMergeConfig(retention_ratio=0.25))
    assert sizes.requested == sizes.salient_per_frame * 9 + sizes.context
    for spec in (sizes.results(), sizes.scratch(), sizes.matrices()):
        named = shaped(spec, views(spec, carve(spec, torch.device("cpu"))))
        for number, value in enumerate(named.values()):
            value.fill_(number)
        for number, (name, value) in enumerate(named.items()):
            assert value.shape == spec[name][1]
            assert value.dtype == spec[name][0]
            assert (value == number).all(), name
