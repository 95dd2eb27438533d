"""A slow numpy reference of the salient farthest points; it shares no code with the package.

Written from the equations F1 to F7 of `infomerge.methods.farthest` alone, as loops that read like them. Notation as in
`tests/reference.py`: H [L, N, D] the tokens, A [L, N] their saliency, K the number of tokens to keep.
"""

from math import exp, floor, log, sqrt
from typing import Any

import numpy as np

from tests import reference


def farthest(H: np.ndarray, A: np.ndarray, K: int, options: Any) -> dict[str, np.ndarray]:
    """index, is_context, assignment and tokens, as `Compression` has them; `options` as `FarthestOptions`."""
    L, N, D = H.shape
    X, A = H.reshape(L * N, D).astype(np.float64), A.astype(np.float64)
    w = log_weights(A.flatten(), options.saliency_exponent)
    salient = salient_tokens(A, K, options.context_fraction, options.salient_split)
    segments, budget = [(0, L)], [K - len(salient)]
    if options.scope == "segment":
        segments, budget = segment_budgets(H.astype(np.float64), salient, K, options)
    part = [k for k, (start, end) in enumerate(segments) for _ in range((end - start) * N)]
    nearness = np.zeros((L * N, L * N))
    for i in range(L * N):
        for j in range(L * N):
            if part[i] == part[j]:
                nearness[i, j] = likeness(X[i], X[j], abs(i // N - j // N), options.time_scale)
    chosen = set(salient)
    for k, count in enumerate(budget):
        for _ in range(count):
            chosen.add(next_token([i for i in range(L * N) if part[i] == k and i not in chosen], chosen, nearness, w))
    owner = [
        i if i in chosen else min(chosen, key=lambda j: (-nearness[i, j], abs(i // N - j // N), j))
        for i in range(L * N)
    ]
    index = sorted(chosen)
    context = [i for i in index if i not in salient]
    return {
        "index": np.array(index),
        "is_context": np.array([i in context for i in index]),
        "assignment": np.array([index.index(j) for j in owner]),
        "tokens": np.array([merged(X, i, owner, options.merge_weight if i in context else 1.0) for i in index]),
    }


def likeness(x: np.ndarray, y: np.ndarray, frames_apart: int, tau: float | None) -> float:
    """F1 and F3, rounded; two tokens that are zero have the same direction."""
    length_x, length_y = sqrt(float(x @ x)), sqrt(float(y @ y))
    cosine = float(length_x == length_y)
    if length_x > 0 and length_y > 0:
        cosine = float((x / length_x) @ (y / length_y))
    decay = 1.0 if tau is None else exp(-(frames_apart**2) / (2 * tau**2))
    return round(max(cosine, 0.0) * decay, 6)


def log_weights(a: np.ndarray, gamma: float) -> list[float]:
    """The logarithm of F2."""
    positive = [max(float(value), 0.0) for value in a]
    mean = sum(positive) / len(positive)
    return [0.0 if mean == 0 else gamma * log(max(value / mean, 1e-4)) for value in positive]


def salient_tokens(A: np.ndarray, K: int, d: float, split: str) -> set[int]:
    """F7, and its two other ways of sharing the salient tokens out."""
    L, N = A.shape
    total = floor((1 - d) * K + 1e-9)
    if split == "clip":
        return set(sorted(range(L * N), key=lambda i: (-A.flatten()[i], i))[:total])
    counts = [floor((1 - d) * K / L + 1e-9)] * L
    if split == "exact":
        counts = [total // L] * L
        for extra in range(total % L):
            counts[(2 * extra + 1) * L // (2 * (total % L))] += 1
    order = [sorted(range(N), key=lambda p: (-A[frame, p], p)) for frame in range(L)]
    return {frame * N + p for frame in range(L) for p in order[frame][: counts[frame]]}


def next_token(free: list[int], chosen: set[int], nearness: np.ndarray, log_w: list[float]) -> int:
    """F4 and F5."""

    def score(i: int) -> float:
        distance = 1 - max((nearness[i, j] for j in chosen), default=0.0)
        return round(log_w[i] + log(max(distance, 1e-6)), 6)

    return max(free, key=lambda i: (score(i), -i))


def segment_budgets(H: np.ndarray, salient: set[int], K: int, options: Any) -> tuple[list[tuple[int, int]], list[int]]:
    L, N, D = H.shape
    means = H.mean(axis=1)
    transition = np.array([reference.cosine(means[frame], means[frame + 1]) for frame in range(L - 1)])
    segments = reference.segmentation(transition, L, options)
    lengths = [end - start for start, end in segments]
    capacity = [(end - start) * N - sum(start * N <= i < end * N for i in salient) for start, end in segments]
    weight = [float(length) for length in lengths]
    if options.allocation == "caba":
        richness = [reference.richness(H[start:end].reshape(-1, D)) for start, end in segments]
        weight = reference.caba_weight(reference.uniqueness(H, segments), richness, lengths, options)
    if sum(capacity) == K - len(salient):
        return segments, capacity
    return segments, reference.exact_budget(weight, capacity, K - len(salient))


def merged(X: np.ndarray, i: int, owner: list[int], mu: float) -> np.ndarray:
    """Eq. 34 for one kept token."""
    members = [X[j] for j in range(len(X)) if owner[j] == i and j != i]
    if not members or mu == 1:
        return X[i]
    mu = max(mu, 1 / (len(members) + 1))
    return mu * X[i] + (1 - mu) * sum(members) / len(members)
