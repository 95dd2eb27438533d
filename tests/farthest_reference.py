"""A slow numpy reference of the salient farthest points; it shares no code with the package.

Written from the equations F1 to F9 of `infomerge.methods.farthest` alone, as loops that read like them. Notation as in
`tests/reference.py`: H [L, N, D] the tokens, A [L, N] their saliency, K the number of tokens to keep.
"""

from math import floor
from typing import Any

import numpy as np

from tests import reference
from tests.reference_points import add_points, log_weights, nearness, placeless, salient_counts, salient_positions


def farthest(H: np.ndarray, A: np.ndarray, K: int, options: Any) -> dict[str, np.ndarray]:
    """index, is_context, assignment and tokens, as `Compression` has them; `options` as `FarthestOptions`."""
    L, N, D = H.shape
    X, A = H.reshape(L * N, D).astype(np.float64), A.astype(np.float64)
    d, split = options.context_fraction, options.salient_split
    counts = salient_counts(A, floor((1 - d) * (K / L) + 1e-9), floor((1 - d) * (K / L) * L + 1e-9), split)
    salient = {frame * N + p for frame in range(L) for p in salient_positions(A[frame], counts[frame])}
    segments, budget = [(0, L)], [K - len(salient)]
    if options.scope == "segment":
        segments, budget = segment_budgets(H.astype(np.float64), salient, K, options)
    part = [k for k, (start, end) in enumerate(segments) for _ in range((end - start) * N)]
    content = placeless(X, N, options.place_directions) if options.place_directions else X
    near = nearness(content, N, part, options.time_scale, options.columns, options.place_scale)
    w = log_weights(A.flatten(), options.saliency_exponent)
    chosen = set(salient)
    for k, count in enumerate(budget):
        add_points(chosen, [i for i in range(L * N) if part[i] == k], count, near, w)
    owner = [
        i if i in chosen else min(chosen, key=lambda j: (-near[i, j], abs(i // N - j // N), j)) for i in range(L * N)
    ]
    index = sorted(chosen)
    context = [i for i in index if i not in salient]
    return {
        "index": np.array(index),
        "is_context": np.array([i in context for i in index]),
        "assignment": np.array([index.index(j) for j in owner]),
        "tokens": np.array([merged(X, i, owner, options.merge_weight if i in context else 1.0) for i in index]),
    }


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
