"""GleanVID against least squares in NumPy, its budgets, and what it takes for new."""

from math import exp, log, sqrt

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods.gleanvid import cells, new_parts, shares, without_first_direction
from tests.methods.against_reference import (
    STRUCTURED,
    assert_equals,
    direction,
    normal,
    random_sizes,
    random_tokens,
    structured_names,
)
from tests.methods.whole_shares import whole_shares
from tests.methods_reference import prune


def outside(v: np.ndarray, others: list[np.ndarray]) -> float:
    """Length of what no combination of the others can make of a vector."""
    if not others:
        return sqrt(float(v @ v))
    A = np.array(others).T
    x = np.linalg.lstsq(A, v, rcond=1e-9)[0]
    return float(np.linalg.norm(v - A @ x))


def stretched(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(v - low) / (high - low) if high - low >= 1e-6 else 0.0 for v in values]


def gleanvid(H: np.ndarray, kept: int, columns: int | None = None, **_: object) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    first = np.linalg.svd(X, full_matrices=False)[2][0]
    noise = 1e-6 * max(sqrt(float(x @ x)) for x in X)

    def settled(v: np.ndarray) -> np.ndarray:
        return v if sqrt(float(v @ v)) >= noise else 0 * v

    R = np.array([settled(x - (x @ first) * first) for x in X]).reshape(L, N, D)
    if columns is None:
        columns = min(c for c in range(1, N + 1) if N % c == 0 and c * c >= N)
    cell = [(p // columns // 2, p % columns // 2) for p in range(N)]
    names = sorted(set(cell))
    means = [{c: settled(R[t, [p for p in range(N) if cell[p] == c]].mean(axis=0)) for c in names} for t in range(L)]
    novelty = []
    for t in range(L):
        parts = [outside(direction(means[t][c]), [direction(means[s][c]) for s in range(t)]) for c in names]
        novelty.append(sum(part for part in parts if part >= 1e-6))
    total = sum(novelty)
    quotas = [1 / L] * L
    if total >= 1e-6:
        gini = sum(abs(a - b) for a in novelty for b in novelty) / (2 * L * total)
        a = 0.6 - 0.4 * gini
        quotas = [a / L + (1 - a) * n / total for n in novelty]
    chosen: list[int] = []
    for t, count in enumerate(whole_shares(quotas, kept, [N] * L)):
        frame = direction(settled(R[t].mean(axis=0)))
        standing = []
        for p in range(N):
            u = direction(R[t, p])
            standing.append(log(1 + exp(4 * float(u @ direction(means[t][cell[p]]) - u @ frame))) / 4)
        left = [outside(direction(R[t, p]), [direction(R[i // N, i % N]) for i in chosen]) for p in range(N)]
        score = [round(a + b, 6) for a, b in zip(stretched(standing), stretched(left), strict=True)]
        order = sorted(range(N), key=lambda p: (-score[p], p))
        chosen = chosen + [t * N + p for p in order[:count]]
    return prune(H, set(chosen))


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(gleanvid, "gleanvid", tokens, ratios=(0.05, 0.25, 0.5, 1.0))
    assert_equals(gleanvid, "gleanvid", tokens, ratios=(0.3,), columns=1)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    assert_equals(gleanvid, "gleanvid", STRUCTURED[clip], ratios=(0.07, 0.4))


def test_what_the_clip_shares_is_gone() -> None:
    tokens = normal(30, 6) + 5
    rest = without_first_direction(tokens)
    sizes = np.linalg.svd(tokens.numpy(), compute_uv=False)
    np.testing.assert_allclose(np.linalg.svd(rest.numpy(), compute_uv=False)[:5], sizes[1:], atol=1e-9)
    few = normal(4, 9) + 5  # fewer tokens than channels
    expected = np.linalg.svd(few.numpy(), compute_uv=False)[1:]
    np.testing.assert_allclose(np.linalg.svd(without_first_direction(few).numpy(), compute_uv=False)[:3], expected)


def test_new_is_what_no_vector_before_can_compose() -> None:
    a, b, c = torch.eye(3, dtype=torch.float64)
    once = torch.stack([a, b, (a + b) / 2**0.5, (a + c) / 2**0.5, c, a])
    again = torch.stack([a, a, b, b, a, c])
    found = new_parts(torch.stack([once, again]))
    np.testing.assert_allclose(found, [[1, 1, 0, 0.5**0.5, 0, 0], [1, 0, 1, 0, 0, 1]], atol=1e-12)


def test_budgets_are_even_where_nothing_is_new_and_lean_to_the_new_frame() -> None:
    np.testing.assert_allclose(shares(torch.zeros(4, dtype=torch.float64)), [0.25] * 4)
    np.testing.assert_allclose(shares(torch.ones(5, dtype=torch.float64)), [0.2] * 5)
    # One of four: the Gini coefficient is 3/4, so that a = 0.3.
    np.testing.assert_allclose(shares(torch.tensor([0.0, 0, 2, 0], dtype=torch.float64)), [0.075, 0.075, 0.775, 0.075])


def test_cells_are_two_by_two() -> None:
    assert cells(4, 4).view(4, 4).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert cells(3, 3).view(3, 3).tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]


def test_the_frame_of_a_flash_gets_more() -> None:
    still = normal(1, 16, 24).repeat(10, 1, 1) + 0.01 * normal(10, 16, 24, seed=1)
    still[6] = normal(16, 24, seed=2)
    counts = compress(still, "gleanvid", retention_ratio=0.3).frame.bincount(minlength=10)
    assert counts[6] == counts[1:].max()
    assert counts[6] > 1.5 * counts[1:6].max()


@pytest.mark.parametrize(("columns", "accepted"), [(5, "a divisor of the 12"), (0, "whole numbers from 1")])
def test_columns_divide_the_positions(columns: int, accepted: str) -> None:
    with pytest.raises(ValueError, match=f"columns: got {columns}; expected {accepted}"):
        compress(normal(3, 12, 4), "gleanvid", columns=columns)
