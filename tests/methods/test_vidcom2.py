"""VidCom2 against loops, and what it gives frames and tokens that are unlike the rest."""

from math import exp, sqrt

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods import make_compressor
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


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    squared = float(((a - b) ** 2).sum())
    return sum(exp(-squared / (2 * alpha)) for alpha in (1 / 8, 1 / 4, 1 / 2, 1, 2))


def vidcom2(H: np.ndarray, kept: int, temperature: float = 0.01, **_: object) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    variance = [round(float(np.mean((H[..., d] - H[..., d].mean()) ** 2)), 6) for d in range(D)]
    steady = sorted(sorted(range(D), key=lambda d: (variance[d], d))[: max(1, D // 2)])
    U = np.zeros((L, N, len(steady)))
    for frame in range(L):
        for p in range(N):
            x = H[frame, p, steady]
            U[frame, p] = x / (sqrt(float(x @ x)) or 1)
    video = [[likeness(U[frame, p], U.mean(axis=(0, 1))) for p in range(N)] for frame in range(L)]
    score = [
        [round(video[frame][p] + likeness(U[frame, p], U[frame].mean(axis=0)), 6) for p in range(N)]
        for frame in range(L)
    ]
    logits = [-float(np.mean(row)) / temperature for row in video]
    weights = [exp(logit - max(logits)) for logit in logits]
    share = [weight / sum(weights) for weight in weights]
    counts = whole_shares([1 + s - sum(share) / L for s in share], kept, [N] * L)
    chosen: set[int] = set()
    for frame, count in enumerate(counts):
        chosen |= {frame * N + p for p in sorted(range(N), key=lambda p: (score[frame][p], p))[:count]}
    return prune(H, chosen)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(vidcom2, "vidcom2", tokens)
    saliency = torch.rand(tokens.shape[:2], generator=torch.Generator().manual_seed(0))
    assert_equals(vidcom2, "vidcom2", tokens, ratios=(0.2, 0.6), saliency=saliency, temperature=0.5)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    assert_equals(vidcom2, "vidcom2", STRUCTURED[clip], ratios=(0.07, 0.4))


def test_a_frame_unlike_the_others_keeps_twice_as_many_and_a_token_unlike_its_frame_stays() -> None:
    # The last two channels vary most, and are not looked at.
    tokens = torch.tensor([0.01, 0.01, 10, 10]) * normal(8, 20, 4)
    tokens[..., :2] += 1
    tokens[5, :, 1] -= 2
    tokens[2, 13, :2] = -1
    out = compress(tokens, "vidcom2", retention_ratio=0.2)
    counts = out.frame.bincount(minlength=8).tolist()
    assert counts[5] >= 7
    assert max(counts[:5] + counts[6:]) <= 4
    assert 2 * 20 + 13 in out.index


@pytest.mark.parametrize("temperature", [0, -1, float("inf")])
def test_temperatures_are_above_zero(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: got {temperature}; expected numbers above 0"):
        make_compressor("vidcom2", temperature=temperature)
