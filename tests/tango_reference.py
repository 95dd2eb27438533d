"""A slow numpy reference of Tango; it shares no code with the package. Notation as in `tests/windows_reference.py`."""

from math import exp, floor, sqrt

import numpy as np

from tests.clusters_reference import columns_of, rotated, unit
from tests.windows_reference import Recipe, finish, let_go, own_the_rest, shares_by_size, windows


def turned_peaks(Z: list[np.ndarray], count: int, k: int) -> dict[int, int]:
    """DPC-kNN among unit vectors, a token no neighbor of its own: for every place that of its center."""
    n = len(Z)
    d2 = [[float(((a - b) ** 2).sum()) for b in Z] for a in Z]
    k = min(k, n - 1)
    spread = [sum(sorted(d2[i][j] for j in range(n) if j != i)[:k]) / max(1, k) for i in range(n)]
    longest = max(max(row) for row in d2)
    score = []
    for i in range(n):
        denser = [d2[i][j] for j in range(n) if (round(spread[j], 6), j) < (round(spread[i], 6), i)]
        score.append(round(sqrt(min(denser, default=longest)) * exp(-spread[i]), 6))
    centers = sorted(sorted(range(n), key=lambda i: (-score[i], i))[:count])
    return {i: i if i in centers else min(centers, key=lambda c: (round(d2[i][c], 6), c)) for i in range(n)}


def tango(
    H: np.ndarray,
    A: np.ndarray,
    kept: int,
    tau: float = 0.8,
    context: float = 0.4,
    beta: float = 0.6,
    k: int = 7,
    columns: int | None = None,
) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    unit_length = np.array([unit(x) for x in X]).reshape(H.shape)
    Z = [unit(z) for z in rotated(unit_length, columns or columns_of(N), 1e4, 1e3).reshape(L * N, D)]
    runs = windows(H, tau)
    recipe: Recipe = {}
    owner: dict[int, int] = {}

    def salient(pieces: list[list[int]], a: list[float], count: int) -> list[list[int]]:
        """Keeps the most salient piece of each of `count` clusters of candidates; gives the pieces that are left."""
        by_salience = sorted(range(len(pieces)), key=lambda i: (-a[i], i))[: floor(1.5 * count)]
        candidates = sorted(by_salience)
        picked = candidates
        if len(candidates) > count:
            goes_to = turned_peaks([Z[pieces[i][0]] for i in candidates], count, k)
            groups = [[candidates[i] for i in goes_to if goes_to[i] == c] for c in set(goes_to.values())]
            picked = [max(group, key=lambda i: (a[i], -i)) for group in groups]
        for i in picked:
            recipe[pieces[i][0]] = dict.fromkeys(pieces[i], 1 / len(pieces[i]))
            owner.update(dict.fromkeys(pieces[i], pieces[i][0]))
        return [piece for i, piece in enumerate(pieces) if i not in picked]

    def cluster(pieces: list[list[int]], count: int) -> None:
        if count == 0:
            return
        goes_to = turned_peaks([Z[piece[0]] for piece in pieces], count, k)
        for c in set(goes_to.values()):
            members = [i for i in goes_to if goes_to[i] == c]
            w = max(beta, 1 / len(members))
            recipe[pieces[c][0]] = {
                j: ((1 - w) / len(members) + w * (i == c)) / len(pieces[i]) for i in members for j in pieces[i]
            }
            owner.update({j: pieces[c][0] for i in members for j in pieces[i]})

    budgets = shares_by_size(kept, [(end - start) * N for start, end in runs])
    for (start, end), budget in zip(runs, budgets, strict=True):
        (still,) = let_go(H[start:end], tau, [(0, end - start)], budget)
        moving = [p for p in range(N) if p not in still]
        share, *shares = shares_by_size(budget, [len(still)] + [len(moving)] * (end - start))
        pieces = [[t * N + p for t in range(start, end)] for p in still]
        n = floor(share * (1 - context) + 1e-9)
        cluster(salient(pieces, [float(np.mean(A[start:end, p])) for p in still], n), share - n)
        rest: list[list[int]] = []
        left = 0
        for t, share in zip(range(start, end), shares, strict=True):
            n = floor(share * (1 - context) + 1e-9)
            rest += salient([[t * N + p] for p in moving], [float(A[t, p]) for p in moving], n)
            left += share - n
        cluster(rest, left)
    own_the_rest(X, N, runs, recipe, owner)
    return finish(X, recipe, owner) | {"segments": np.array(runs)}
