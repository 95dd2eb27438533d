"""Slow numpy references of SimpleCluster, KiToke and UniComp; they share no code with the package.

Restated from their texts and published code, with the departures that the methods name. Notation and what is returned
as in `tests/windows_reference.py`. Random numbers are an input: they are drawn as the methods say, by torch and a seed.
"""

from math import exp, floor, isqrt, sqrt

import numpy as np
import torch

from tests.methods_reference import cosine, middles, nearest
from tests.windows_reference import Recipe, finish, own_the_rest


def columns_of(N: int) -> int:
    return N // max(rows for rows in range(1, isqrt(N) + 1) if N % rows == 0)


def rotated(H: np.ndarray, columns: int, base_time: float = 1e4, base_space: float = 1e4) -> np.ndarray:
    """Pairs of channels as complex numbers, turned by frame, row and column."""
    L, N, D = H.shape
    Z = H.copy()
    third = D // 2 // 3
    first = 0
    for axis, pairs in enumerate((D // 2 - 2 * third, third, third)):
        base = base_time if axis == 0 else base_space
        for t in range(L):
            for p in range(N):
                place = (t, p // columns, p % columns)[axis]
                for i in range(pairs):
                    a, b = first + i, first + i + pairs
                    turned = complex(H[t, p, a], H[t, p, b]) * np.exp(1j * place * base ** (-i / pairs))
                    Z[t, p, a], Z[t, p, b] = turned.real, turned.imag
        first += 2 * pairs
    return Z


def unit(v: np.ndarray) -> np.ndarray:
    length = sqrt(float(v @ v))
    return v / length if length > 0 else v


def simplecluster(
    H: np.ndarray,
    A: np.ndarray,
    kept: int,
    seed: int = 0,
    rounds: int = 10,
    rotary: bool = True,
    columns: int | None = None,
) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    n = L * N
    X = H.reshape(n, D)
    Z = [unit(z) for z in (rotated(H, columns or columns_of(N)) if rotary else H).reshape(n, D)]
    drawn = torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:kept].tolist()
    centers = [Z[i] for i in sorted(drawn)]

    def assigned() -> tuple[list[int], list[float]]:
        cluster = [nearest(np.array([*centers, z]), kept, list(range(kept))) for z in Z]
        likeness = [cosine(z, centers[c]) for z, c in zip(Z, cluster, strict=True)]
        fixed = {max((i for i in range(n) if cluster[i] == c), key=lambda i: (likeness[i], -i)) for c in set(cluster)}
        movable = sorted((i for i in range(n) if i not in fixed), key=lambda i: (likeness[i], i))
        for c, i in zip([c for c in range(kept) if c not in cluster], movable, strict=False):
            cluster[i] = c
        return cluster, likeness

    cluster, likeness = assigned()
    for _ in range(rounds):
        centers = [unit(sum(Z[i] for i in range(n) if cluster[i] == c)) for c in range(kept)]
        before = cluster
        cluster, likeness = assigned()
        if cluster == before:
            break
    recipe: Recipe = {}
    owner = {}
    for c in range(kept):
        members = [i for i in range(n) if cluster[i] == c]
        seat = max(members, key=lambda i: (likeness[i], -i))
        recipe[seat] = dict.fromkeys(members, 1 / len(members))
        owner |= dict.fromkeys(members, seat)
    return finish(X, recipe, owner)


def squared(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a - b) ** 2).sum())


def kitoke(
    H: np.ndarray,
    A: np.ndarray,
    kept: int,
    seed: int = 0,
    alpha: float | None = None,
    th_abs: float | None = None,
    th_delta: float | None = None,
    th_rel: float = 0.4,
) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    n = L * N
    X = H.reshape(n, D)
    if alpha is None:
        rows = [sorted(squared(X[i], x) for x in X) for i in middles(n, min(n, 256))]
        at_one_percent = sorted(row[min(n - 1, -(-n // 100))] for row in rows)
        alpha = at_one_percent[(len(rows) - 1) // 2] or float(np.mean(rows)) or 1.0
    w = [1 / sum(exp(-squared(x, y) / alpha) for y in X) for x in X]

    pi = [0.0] * n
    capped: set[int] = set()
    while len(capped) < kept:
        free = [i for i in range(n) if i not in capped]
        for i in free:
            pi[i] = w[i] * (kept - len(capped)) / sum(w[j] for j in free)
        above = {i for i in free if pi[i] >= 1 - 1e-12}
        if not above:
            break
        capped |= above
    pi = [1.0 if i in capped else (pi[i] if len(capped) < kept else 0.0) for i in range(n)]
    assert abs(sum(pi) - kept) < 1e-6
    chance = torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).tolist()
    chosen = set()
    alive = 0
    for i in range(1, n):
        a, b = pi[alive], pi[i]
        first_wins = chance[i] < (a / (a + b) if a + b < 1 else (1 - b) / (2 - a - b) if a + b < 2 else 0)
        winner, loser = (alive, i) if first_wins else (i, alive)
        if a + b < 1:
            pi[winner], alive = a + b, winner
        else:
            chosen.add(winner)
            pi[loser], alive = a + b - 1, loser
    if pi[alive] > 0.5:
        chosen.add(alive)

    d = []
    for t in range(1, L):
        same = np.mean([sqrt(squared(H[t, p], H[t - 1, p])) for p in range(N)])
        found = np.mean([min(sqrt(squared(H[t - 1, p], H[t, q])) for q in range(N)) for p in range(N)])
        d.append(round(float(same + found), 6))
    median = sorted(d)[(len(d) - 1) // 2] if d else 0.0
    cuts = []
    for t in range(len(d)):
        far = d[t] > (2 * median if th_abs is None else th_abs)
        if 0 < t < len(d) - 1:
            rises = [(d[t] - other, (d[t] - other) / other if other else np.inf) for other in (d[t - 1], d[t + 1])]
            limit = 2 * median * 70 / 110 if th_delta is None else th_delta
            far |= max(r for r, _ in rises) > limit and max(r for _, r in rises) > th_rel
        if far:
            cuts.append(t + 1)
    runs = list(zip([0, *cuts], [*cuts, L], strict=True))

    recipe: Recipe = {i: {i: 1.0} for i in chosen}
    owner: dict[int, int] = {}
    own_the_rest(X, N, runs, recipe, owner)
    owner |= {i: i for i in chosen}
    for start, end in runs:
        inside = range(start * N, end * N)
        for c in chosen.intersection(inside):
            group = [i for i in inside if owner[i] == c]
            recipe[c] = {i: w[i] / sum(w[j] for j in group) for i in group}
    return finish(X, recipe, owner) | {"segments": np.array(runs)}


def unicomp(H: np.ndarray, A: np.ndarray, kept: int, Uf: float = 0.005, Uc: float = 0.2) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    m = [frame.mean(axis=0) for frame in H]
    groups, far = [[0]], {}
    for t in range(1, L):
        ref = groups[-1][0]
        far[t] = round(1 - cosine(m[t], m[ref]), 6)
        if far[t] <= Uf and len(groups[-1]) <= floor(L * N / kept):
            groups[-1].append(t)
        else:
            groups.append([t])
    joined = sorted((t for group in groups for t in group[1:]), key=lambda t: (-far[t], t))
    starts = {group[0] for group in groups}
    while len(starts) * N < kept:
        starts.add(joined.pop(0))
    edges = [*sorted(starts), L]
    groups = [list(range(edges[i], edges[i + 1])) for i in range(len(edges) - 1)]
    n = len(groups)
    F = [H[group].mean(axis=0) for group in groups]

    recipe: Recipe = {}
    everything = n * N == kept
    chosen: list[list[int]] = [list(range(N)) for _ in F]
    fused: list[dict[int, list[int]]] = [{} for _ in F]
    if not everything:
        S = [np.array([[cosine(a, b) for b in frame] for a in frame]) for frame in F]
        like = [[round(float(row.mean()), 6) for row in s] for s in S]
        order = [sorted(range(N), key=lambda p: (row[p], p)) for row in like]
        for g in range(n):
            covered: set[int] = set()
            for p in order[g]:
                if p not in covered:
                    fused[g][p] = [q for q in range(N) if q == p or round(1 - S[g][p, q], 6) < Uc]
                    covered |= set(fused[g][p])
        means = [unit(frame.mean(axis=0)) for frame in F]
        U = np.array([np.mean([a @ b for b in means]) for a in means])
        cap = min(N, max(1, 2 * (kept // n)))
        if n <= kept // cap:
            b = [cap] * n
        else:
            e = np.exp((U.mean() - U) * sqrt(n))
            b = [min(cap, floor(kept * x + 1e-9)) for x in e / e.sum()]
            while any(x < cap for x in b) and (kept - sum(b)) // sum(x < cap for x in b) > 0:
                more = (kept - sum(b)) // sum(x < cap for x in b)
                b = [min(cap, x + more) for x in b]
        rich = [g for g in range(n) if len(fused[g]) >= b[g]]
        if sum(map(len, fused)) > sum(b) and rich:
            spare = sum(b[g] - len(fused[g]) for g in range(n) if g not in rich)
            b = [x + (spare // len(rich) if g in rich else 0) for g, x in enumerate(b)]
        chosen = [list(fused[g])[: b[g]] for g in range(n)]
        waiting = [(p not in fused[g], like[g][p], g, p) for g in range(n) for p in range(N) if p not in chosen[g]]
        for _, _, g, p in sorted(waiting)[: kept - sum(map(len, chosen))]:
            chosen[g].append(p)

    owner: dict[int, int] = {}
    flat = np.concatenate(F)
    in_flat = [g * N + p for g in range(n) for p in chosen[g]]
    for g, group in enumerate(groups):
        first = group[0] * N
        for p in chosen[g]:
            with_it = fused[g].get(p, [])
            recipe[first + p] = weights = {}
            for t in group:
                for q in {p, *with_it}:
                    whole = (0.5 if with_it else 1) * (q == p) + (0.5 / len(with_it) if q in with_it else 0)
                    weights[t * N + q] = whole / len(group)
        here = [i for i in sorted(in_flat) if i // N == g] or sorted(in_flat)
        for p in range(N):
            best = g * N + p if p in chosen[g] else nearest(flat, g * N + p, here)
            for t in group:
                owner[t * N + p] = groups[best // N][0] * N + best % N
    return finish(X, recipe, owner) | {"segments": np.array([(group[0], group[-1] + 1) for group in groups])}
