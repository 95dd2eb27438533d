"""OmniSelect's visual half against loops, its rates, and its relevance."""

from math import exp, sqrt

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods.omniselect import pruning_rates
from tests.methods.against_reference import (
    STRUCTURED,
    assert_equals,
    normal,
    random_sizes,
    random_tokens,
    structured_names,
)
from tests.methods.whole_shares import whole_shares
from tests.methods_reference import prune


def rates(scores: list[float], sizes: list[int], total: int) -> list[float]:
    """The pruning rates of groups, from the scores that the question gives them."""
    mean = sum(scores) / len(scores)
    spread = sqrt(sum((s - mean) ** 2 for s in scores) / (len(scores) - 1)) if len(scores) > 1 else 0
    if spread < 1e-8:
        return [total / sum(sizes)] * len(sizes)
    p = [1 / (1 + exp((s - mean) / spread)) for s in scores]
    scale = total / sum(a * n for a, n in zip(p, sizes, strict=True))
    p = [min(1.0, a * scale) for a in p]
    for _ in range(5):
        missing = total - sum(a * n for a, n in zip(p, sizes, strict=True))
        inside = [g for g, a in enumerate(p) if 0 < a < 1]
        if abs(missing) < 1e-3 or not inside:
            break
        step = missing / sum(sizes[g] for g in inside)
        p = [min(1.0, max(0.0, a + step)) if g in inside else a for g, a in enumerate(p)]
    return p


def omniselect(H: np.ndarray, kept: int, relevance: list[float] | None = None, **_: object) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    groups = [list(range(start * N, min(start + 4, L) * N)) for start in range(0, L, 4)]
    sizes = [len(group) for group in groups]
    shares = [float(n) for n in sizes]
    if relevance is not None:
        pooled = [float(np.mean(relevance[start : start + 4])) for start in range(0, L, 4)]
        p = rates(pooled, sizes, L * N - kept)
        shares = [(1 - a) * n for a, n in zip(p, sizes, strict=True)]
    counts = whole_shares(shares, kept, sizes)
    chosen: set[int] = set()
    for group, count in zip(groups, counts, strict=True):
        U = {i: X[i] / (sqrt(float(X[i] @ X[i])) or 1) for i in group}
        score = {i: round(float(np.mean([U[i] @ U[j] for j in group])), 6) for i in group}
        chosen |= set(sorted(group, key=lambda i: (score[i], i))[:count])
    return prune(H, chosen)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(omniselect, "omniselect", tokens)
    relevance = torch.randn(len(tokens), generator=torch.Generator().manual_seed(1)).double().tolist()
    assert_equals(omniselect, "omniselect", tokens, relevance=relevance)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    assert_equals(omniselect, "omniselect", STRUCTURED[clip], ratios=(0.07, 0.4))


def test_saliency_changes_nothing() -> None:
    tokens = normal(9, 8, 5)
    saliency = torch.rand(9, 8, generator=torch.Generator().manual_seed(2))
    assert_equals(omniselect, "omniselect", tokens, ratios=(0.2,), saliency=saliency)


def test_one_that_is_unlike_the_rest_stays_and_the_groups_are_the_segments() -> None:
    tokens = torch.ones(8, 6, 2, dtype=torch.float64) + 0.01 * normal(8, 6, 2)
    tokens[5, 3] = -torch.ones(2)
    out = compress(tokens, "omniselect", retention_ratio=2 / 48)
    assert 5 * 6 + 3 in out.index
    assert out.trace.segments.tolist() == [[0, 4], [4, 8]]
    assert compress(normal(6, 3, 4), "omniselect", retention_ratio=0.5).trace.segments.tolist() == [[0, 4], [4, 6]]


def test_relevant_frames_keep_more_and_alike_ones_the_same() -> None:
    tokens = normal(12, 10, 6)
    out = compress(tokens, "omniselect", retention_ratio=0.3, relevance=[0.0] * 4 + [3.0] * 4 + [1.0] * 4)
    groups = torch.bincount(out.frame // 4, minlength=3).tolist()
    assert groups[1] > groups[2] > groups[0]
    assert sum(groups) == 36
    alike = compress(tokens, "omniselect", retention_ratio=0.3, relevance=[2] * 12)
    assert torch.equal(alike.index, compress(tokens, "omniselect", retention_ratio=0.3).index)


def test_rates_add_up_and_stay_shares() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        groups = int(torch.randint(2, 12, (), generator=generator))
        sizes = torch.randint(1, 40, (groups,), generator=generator)
        pruned = int(torch.randint(0, int(sizes.sum()), (), generator=generator))
        relevance = torch.randn(groups, generator=generator, dtype=torch.float64)
        found = pruning_rates(relevance, sizes, pruned)
        np.testing.assert_allclose(found, rates(relevance.tolist(), sizes.tolist(), pruned), atol=1e-12)
        assert ((found >= 0) & (found <= 1)).all()
        order = relevance.argsort()
        assert (found[order].diff() <= 1e-12).all(), "a more relevant group loses more"


@pytest.mark.parametrize(
    ("relevance", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "relevance: got 2 numbers; expected one for each of the 3 frames"),
        ([1.0, "high", 2.0], TypeError, "relevance: got list; expected a list of numbers, one a frame"),
        (torch.ones(3), TypeError, "relevance: got Tensor; expected a list of numbers"),
        ([1.0, float("nan"), 2.0], ValueError, "relevance: got numbers that are NaN or infinite"),
    ],
)
def test_a_relevance_that_does_not_fit_is_refused(relevance: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compress(normal(3, 4, 5), "omniselect", retention_ratio=0.5, relevance=relevance)
