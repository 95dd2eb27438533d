"""V-CAST against loops, its curvature, and what it gives to bends and to outliers."""

from math import exp, sqrt

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods import make_compressor
from infomerge.methods.v_cast import curvature
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


def length(v: np.ndarray) -> float:
    return sqrt(float(v @ v))


def v_cast(H: np.ndarray, kept: int, temperature: float = 0.7, **_: object) -> dict[str, np.ndarray]:
    L, N, _D = H.shape
    means = [H[frame].mean(axis=0) for frame in range(L)]
    means = [m / (length(m) or 1) for m in means]
    kappa = [1.0] * L
    for t in range(1, L - 1):
        before, after = means[t] - means[t - 1], means[t + 1] - means[t]
        kappa[t] = 1 - float(before @ after) / max(length(before), 1e-6) / max(length(after), 1e-6)
    weights = [exp(k / temperature) for k in kappa]
    weights = [w / sum(weights) for w in weights]
    quotas = weights if kept < L else [1 + w * (kept - L) for w in weights]
    chosen: set[int] = set()
    for frame, count in enumerate(whole_shares(quotas, kept, [N] * L)):
        norms = [length(x) for x in H[frame]]
        score = []
        for p in range(N):
            alike = float(H[frame, p] @ means[frame]) / (norms[p] or 1)
            long = (norms[p] - min(norms)) / (max(norms) - min(norms) + 1e-6)
            score.append(round(1 - alike + long, 6))
        chosen |= {frame * N + p for p in sorted(range(N), key=lambda p: (-score[p], p))[:count]}
    return prune(H, chosen)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(v_cast, "v-cast", tokens)
    saliency = torch.rand(tokens.shape[:2], generator=torch.Generator().manual_seed(0))
    assert_equals(v_cast, "v-cast", tokens, ratios=(0.2, 0.6), saliency=saliency, temperature=0.1)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    assert_equals(v_cast, "v-cast", STRUCTURED[clip], ratios=(0.07, 0.4))


def test_curvature_is_none_on_a_straight_path_two_at_a_turn_back_and_one_where_nothing_moves() -> None:
    path = torch.tensor([[0.0, 0], [1, 0], [2, 0], [1, 0], [1, 1], [1, 1], [1, 1]], dtype=torch.float64)
    np.testing.assert_allclose(curvature(path), [1, 0, 2, 1, 1, 1, 1], atol=1e-12)
    for frames in (1, 2):
        assert curvature(normal(frames, 3)).tolist() == [1.0] * frames


def test_the_frame_of_a_flash_gets_more_than_those_of_a_steady_move() -> None:
    angle = 0.02 * torch.arange(12, dtype=torch.float64)
    means = torch.stack([angle.cos(), angle.sin(), torch.zeros(12, dtype=torch.float64)], dim=1)
    means[6] = torch.tensor([0.6, 0.0, 0.8])
    tokens = means[:, None] + 0.001 * normal(12, 16, 3)
    counts = compress(tokens, "v-cast", retention_ratio=0.3).frame.bincount(minlength=12)
    assert counts.argmax() == 6
    assert counts.min() >= 1


def test_fewer_tokens_than_frames_stand_in_the_frames_that_bend_most() -> None:
    tokens = normal(9, 4, 5)
    out = compress(tokens, "v-cast", retention_ratio=3 / 36)
    means = tokens.mean(1)
    bends = curvature(means / means.norm(dim=1, keepdim=True))
    assert sorted(bends.topk(3).indices.tolist()) == out.frame.tolist()


def test_temperatures_are_above_zero() -> None:
    with pytest.raises(ValueError, match="temperature: got 0; expected numbers above 0"):
        make_compressor("v-cast", temperature=0)
    with pytest.raises(TypeError, match="temperature: got bool; expected a number"):
        make_compressor("v-cast", temperature=True)
