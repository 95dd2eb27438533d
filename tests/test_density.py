"""Density from the pairs that can matter is that from all pairs, bit for bit."""

import pytest
import torch
from torch import Tensor

from infomerge import density


def _clips() -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    return {
        "random": normal(2, 90, 40),
        "far from the origin": normal(2, 90, 40) + 1e4,
        "tiny": normal(2, 70, 12) * 1e-9,
        "duplicates": normal(2, 10, 20).repeat(1, 9, 1),
        "pairs of duplicates": normal(2, 45, 20).repeat(1, 2, 1),
        "near duplicates": normal(1, 45, 20).repeat(1, 2, 1) + 1e-9 * normal(1, 90, 20),
        "all alike": torch.ones(1, 80, 9, dtype=torch.float64),
        "zero": torch.zeros(1, 80, 9, dtype=torch.float64),
        "whole numbers": torch.randint(-2, 3, (2, 100, 3), generator=g).double(),
        "one outlier": torch.cat((normal(1, 80, 8), 1e6 * normal(1, 1, 8)), dim=1),
        "one channel": normal(2, 80, 1),
    }


@pytest.mark.parametrize("neighbors", [1, 4, 70])
@pytest.mark.parametrize("name", _clips())
def test_few_pairs_give_the_bits_of_all(name: str, neighbors: int) -> None:
    tokens = _clips()[name]
    assert tokens.shape[1] >= density.SHORTLIST_FROM
    for anchors in ("density", "distance"):
        few = density.density_scores(tokens, neighbors, anchors)
        assert torch.equal(few, density._scores_of_all_pairs(tokens, neighbors, anchors))


def test_few_pairs_are_enough_for_ordinary_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = _clips()["random"]
    monkeypatch.setattr(density, "_scores_of_all_pairs", None)
    density.density_scores(tokens, 4)
