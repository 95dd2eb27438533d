"""The reference's context anchors (eq. 12 and 31 to 33) and merging (eq. 34); how to read them: tests/reference.py."""

from collections.abc import Iterable
from math import log, sqrt
from typing import Any

import numpy as np

from tests.reference_points import add_points, log_weights, nearness


def cosine_matrix(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """cosine(rows[i], columns[j]) at [i, j]."""

    def unit(x: np.ndarray) -> np.ndarray:
        norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
        return x / np.where(norm > 0, norm, 1.0)

    return np.asarray(unit(rows) @ unit(columns).T)


def lowest(values: np.ndarray, candidates: Iterable[int]) -> list[int]:
    """The candidates in the order of their values, smallest first, ties to the lower index."""
    return sorted(candidates, key=lambda i: (values[i], i))


def choose_anchor_frames(start: int, end: int, budget: int, room: list[int], interval: int) -> list[int]:
    """Every interval-th frame back from the last; others join, latest first, until the budget fits."""
    frames = list(range(end - 1, start - 1, -interval))
    others = [frame for frame in range(end - 1, start - 1, -1) if frame not in frames]
    while budget > sum(room[frame] for frame in frames):
        frames.append(others.pop(0))
    return sorted(frames)


def even_shares(budget: int, room: list[int]) -> list[int]:
    """Evenly, the rest to the earliest frames; again among those with room, where some have too little."""
    shares = [0] * len(room)
    while sum(shares) < budget:
        left, free = budget - sum(shares), [i for i in range(len(room)) if shares[i] < room[i]]
        for place, i in enumerate(free):
            shares[i] += min(room[i] - shares[i], left // len(free) + (1 if place < left % len(free) else 0))
    return shares


def farthest_anchors(
    H: np.ndarray, A: np.ndarray, start: int, end: int, budget: int, salient: list[np.ndarray]
) -> tuple[list[np.ndarray], dict[int, list[int]]]:
    """Farthest points of one segment from its salient tokens and each other, weighted by saliency; no density."""
    L, N, D = H.shape
    chosen = {frame * N + int(p) for frame in range(start, end) for p in salient[frame]}
    before = set(chosen)
    part = [int(start * N <= i < end * N) for i in range(L * N)]
    own = range(start * N, end * N)
    add_points(chosen, list(own), budget, nearness(H.reshape(L * N, D), N, part, None), log_weights(A.flatten(), 1.0))
    frames = sorted({i // N for i in chosen - before})
    return [np.full(N, np.nan) for _ in frames], {
        frame: sorted(i % N for i in chosen - before if i // N == frame) for frame in frames
    }


def density_scores(X: np.ndarray, neighbors: int, anchors: str) -> np.ndarray:
    """The logarithm of eq. 31 to 33 over the free tokens X [M, D] of one anchor frame, to 6 decimals.

    With anchors by "distance", of delta alone.
    """
    M, D = X.shape
    distance = np.zeros((M, M))
    for i in range(M):
        distance[i] = np.sqrt(((X - X[i]) ** 2).sum(axis=1)) / sqrt(D)

    mean_squared = np.zeros(M)
    for i in range(M):
        nearest = np.sort(distance[i])[: min(neighbors, M)]
        mean_squared[i] = (nearest**2).mean()

    sparsity = np.round(mean_squared, 6)
    score = np.zeros(M)
    for i in range(M):
        denser = [j for j in range(M) if (sparsity[j], j) < (sparsity[i], i)]
        delta = min(distance[i, j] for j in denser) if denser else distance.max()
        score[i] = np.round((anchors == "density") * -mean_squared[i] + log(max(delta, 1e-12)), 6)
    return score


def choose_anchors(
    H: np.ndarray,
    frames: list[int],
    shares: list[int],
    salient: list[np.ndarray],
    static_k: np.ndarray,
    config: Any,
) -> tuple[list[np.ndarray], dict[int, list[int]]]:
    """Context anchors of one segment: a row of scores [N] and the chosen positions, for each anchor frame."""
    N = H.shape[1]
    score_rows = []
    chosen: dict[int, list[int]] = {}
    masked: set[int] = set()
    for i, frame in enumerate(frames):
        free = [p for p in range(N) if p not in salient[frame]]
        score = np.full(N, np.nan)
        if free:
            score[free] = density_scores(H[frame, free], config.neighbors, config.anchors)
        score_rows.append(score)

        unmasked = [p for p in free if p not in masked]
        used_last = [p for p in free if p in masked]
        best_first = lowest(-score, unmasked) + lowest(-score, used_last)  # eq. 12
        chosen[frame] = sorted(best_first[: shares[i]])
        masked |= {p for p in chosen[frame] if static_k[p]}
    return score_rows, chosen


def most_similar(H_flat: np.ndarray, sources: list[int], targets: list[int]) -> dict[int, int]:
    """For each source the target of largest rounded cosine, ties to the lowest flat index."""
    targets = sorted(targets)
    similarity = np.round(cosine_matrix(H_flat[sources], H_flat[targets]), 6)
    return {i: targets[int(np.argmax(row))] for i, row in zip(sources, similarity, strict=True)}


def merge(
    H: np.ndarray,
    segments: list[tuple[int, int]],
    salient: list[np.ndarray],
    anchors: list[dict[int, list[int]]],
    config: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Eq. 34, on the features after eq. 30: index, is_context, assignment and the tokens of what is kept."""
    L, N, D = H.shape
    H_flat = H.reshape(L * N, D)
    salient_flat = {frame * N + int(p) for frame in range(L) for p in salient[frame]}
    anchor_groups = [[[frame * N + p for p in chosen[frame]] for frame in chosen] for chosen in anchors]
    anchor_flat = {a for groups in anchor_groups for group in groups for a in group}
    kept = sorted(salient_flat | anchor_flat)

    feature = H_flat.copy()
    owner = {i: i for i in kept}
    for (start, end), groups in zip(segments, anchor_groups, strict=True):
        inside = range(start * N, end * N)
        free = [i for i in inside if i not in owner]
        pool = [a for group in groups for a in group]
        fallback = [i for i in inside if i in salient_flat] or kept
        owner |= most_similar(H_flat, free, pool or fallback)

        averaged_together = [pool] if config.merge_scope == "segment" else groups
        for group in averaged_together:
            nearest = most_similar(H_flat, free, group) if group else {}
            for a in group:
                assigned = [i for i in free if nearest[i] == a]
                if assigned:
                    mu = max(config.merge_weight, 1 / (len(assigned) + 1))
                    feature[a] = mu * H_flat[a] + (1 - mu) * H_flat[assigned].mean(axis=0)

    place = {i: row for row, i in enumerate(kept)}
    return (
        np.array(kept),
        np.array([i in anchor_flat for i in kept]),
        np.array([place[owner[i]] for i in range(L * N)]),
        feature[kept],
    )
