"""Slow numpy references of the methods that work by windows and segments; they share no code with the package.

HoliTom, Tango and FlashVID, restated from their papers and published code, with the departures that the methods name.
Notation as in `tests/methods_reference.py`: H [L, N, D] the tokens, A [L, N] their saliency, `kept` the tokens to keep.
What each kept token is made of is written out as a weight for every token of the clip.
"""

from math import ceil, log, sqrt

import numpy as np

from tests.methods_reference import cosine, nearest, shares

Recipe = dict[int, dict[int, float]]
"""For every kept token the weights of the tokens that it is made of."""


def finish(X: np.ndarray, recipe: Recipe, owner: dict[int, int]) -> dict[str, np.ndarray]:
    index = sorted(recipe)
    return {
        "index": np.array(index),
        "is_context": np.array([set(recipe[i]) != {i} for i in index]),
        "assignment": np.array([index.index(owner[i]) for i in range(len(X))]),
        "tokens": np.array([sum(weight * X[j] for j, weight in recipe[i].items()) for i in index]),
    }


def own_the_rest(X: np.ndarray, N: int, runs: list[tuple[int, int]], recipe: Recipe, owner: dict[int, int]) -> None:
    """Tokens that went into none: the most similar kept one of their run of frames, or of the clip."""
    for start, end in runs:
        here = [i for i in sorted(recipe) if start <= i // N < end] or sorted(recipe)
        for i in range(start * N, end * N):
            if i not in owner:
                owner[i] = nearest(X, i, here)


def shares_by_size(total: int, sizes: list[int]) -> list[int]:
    """Every share so that the sum up to it is the exact one, rounded half up."""
    shares, before, size = [], 0, 0
    for n in sizes:
        size += n
        up_to = (2 * total * size + sum(sizes)) // (2 * sum(sizes)) if size else 0
        shares.append(up_to - before)
        before = up_to
    return shares


def peaks(V: list[np.ndarray], count: int, k: int) -> list[int]:
    """DPC-kNN as HoliTom and FlashVID have it: the places of the centers, ascending."""
    n = len(V)
    d = [[sqrt(((a - b) ** 2).sum() / len(a)) for b in V] for a in V]
    spread = [round(float(np.mean([x * x for x in sorted(row)[:k]])), 6) for row in d]
    exact = [float(np.mean([x * x for x in sorted(row)[:k]])) for row in d]
    longest = max(max(row) for row in d)
    score = []
    for i in range(n):
        denser = [d[i][j] for j in range(n) if (spread[j], j) < (spread[i], i)]
        score.append(round(log(max(min(denser, default=longest), 1e-12)) - exact[i], 6))
    return sorted(sorted(range(n), key=lambda i: (-score[i], i))[:count])


def closest(V: list[np.ndarray], centers: list[int]) -> list[int]:
    """For every place its center: the closest by Euclidean distance."""
    out = []
    for i in range(len(V)):
        far = {c: round(log(max(sqrt(((V[i] - V[c]) ** 2).sum()), 1e-12)), 6) for c in centers}
        out.append(i if i in centers else min(centers, key=lambda c: (far[c], c)))
    return out


def windows(H: np.ndarray, tau: float) -> list[tuple[int, int]]:
    """By trying: the best way to cut the first `end` frames, for every end."""
    L, N, _ = H.shape
    still = [[cosine(H[t, p], H[t + 1, p]) > tau for p in range(N)] for t in range(L - 1)]
    best: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
    for end in range(1, L + 1):
        choice = (best[end - 1][0], [*best[end - 1][1], (end - 1, end)])
        for start in range(end - 2, -1, -1):
            count = sum(all(still[t][p] for t in range(start, end - 1)) for p in range(N))
            gain = best[start][0] + count * (end - start - 1)
            if gain > choice[0]:
                choice = (gain, [*best[start][1], (start, end)])
        best.append(choice)
    return best[L][1]


def let_go(H: np.ndarray, tau: float, runs: list[tuple[int, int]], kept: int) -> list[list[int]]:
    """The static positions of each window, without the least static ones that have to go for the count."""
    L, N, _ = H.shape
    static: list[list[int]] = []
    weakest = {}
    for k, (start, end) in enumerate(runs):
        static.append([])
        for p in range(N):
            low = min([cosine(H[t, p], H[t + 1, p]) for t in range(start, end - 1)], default=-1)
            if low > tau:
                static[k].append(p)
                weakest[k, p] = low
    left = L * N - sum(len(static[k]) * (end - start - 1) for k, (start, end) in enumerate(runs))
    for k, p in sorted(weakest, key=lambda kp: (weakest[kp], kp)):
        if left >= kept:
            break
        static[k].remove(p)
        left += runs[k][1] - runs[k][0] - 1
    return static


def holitom(
    H: np.ndarray, A: np.ndarray, kept: int, tau: float = 0.8, D: float = 0.0, beta: float = 0.6, k: int = 7
) -> dict[str, np.ndarray]:
    L, N, _ = H.shape
    X = H.reshape(L * N, -1)
    runs = windows(H, tau)
    static = let_go(H, tau, runs, kept)
    sizes = []
    for (start, end), positions in zip(runs, static, strict=True):
        sizes += [len(positions)] + [N - len(positions)] * (end - start)
    share = iter(shares_by_size(kept, sizes))
    recipe: Recipe = {}
    owner: dict[int, int] = {}

    def cluster(pieces: list[list[int]], count: int) -> None:
        """Pieces of tokens at the place of the first into `count` of them."""
        if count == 0:
            return
        V = [X[piece].mean(axis=0) for piece in pieces]
        goes_to = closest(V, centers := peaks(V, count, min(k, count)))
        for c in centers:
            others = [i for i in range(len(pieces)) if goes_to[i] == c and i != c]
            mu = max(beta, 1 / (len(others) + 1)) if others else 1
            weights = {i: (mu if i == c else (1 - mu) / len(others)) for i in [c, *others]}
            recipe[pieces[c][0]] = {j: w / len(pieces[i]) for i, w in weights.items() for j in pieces[i]}
            owner.update({j: pieces[c][0] for i in weights for j in pieces[i]})

    for (start, end), still in zip(runs, static, strict=True):
        cluster([[t * N + p for t in range(start, end)] for p in still], next(share))
        for t in range(start, end):
            n = next(share)
            moving = [t * N + p for p in range(N) if p not in still]
            ranked = sorted(moving, key=lambda i: (-A.ravel()[i], i))
            dominant = ranked[: int(n * (1 - D) + 0.5 + 1e-9)]
            for i in dominant:
                recipe[i], owner[i] = {i: 1.0}, i
            cluster([[i] for i in moving if i not in dominant], n - len(dominant))
    own_the_rest(X, N, runs, recipe, owner)
    return finish(X, recipe, owner) | {"segments": np.array(runs)}


def flashvid(
    H: np.ndarray, A: np.ndarray, kept: int, alpha: float = 0.7, T: float = 0.8, k: int = 7
) -> dict[str, np.ndarray]:
    L, N, _ = H.shape
    X = H.reshape(L * N, -1)
    g = H.mean(axis=1)
    t = [cosine(g[i], g[i + 1]) for i in range(L - 1)]
    cuts = sorted({*sorted(range(L - 1), key=lambda i: (t[i], i))[:7], *[i for i in range(L - 1) if t[i] < 0.9]})
    runs = list(zip([0, *[cut + 1 for cut in cuts]], [*[cut + 1 for cut in cuts], L], strict=True))
    budget = shares(kept, L)
    recipe: Recipe = {}
    owner: dict[int, int] = {}
    for start, end in runs:
        frame_means = [H[f].mean(axis=0) for f in range(start, end)]
        chosen: set[int] = set()
        for f in range(start, end):
            weight = [A[f, j] * np.mean([H[f, j] @ m for m in frame_means]) for j in range(N)]
            largest = max(abs(w) for w in weight) or 1.0

            def far(i: int, j: int, f: int = f, weight: list[float] = weight, largest: float = largest) -> float:
                return round(round(1 - cosine(H[f, i], H[f, j]), 6) * (weight[j] / largest), 12)

            picked: list[int] = []
            for _ in range(ceil(budget[f] * alpha - 1e-9)):
                if picked:
                    score = {j: min(far(i, j) for i in picked) for j in range(N) if j not in picked}
                else:
                    score = {j: sorted(far(i, j) for i in range(N))[min(1, N - 1)] for j in range(N)}
                picked.append(max(score, key=lambda j: (score[j], -j)))
            chosen |= {f * N + j for j in picked}
        for i in chosen:
            recipe[i], owner[i] = {i: 1.0}, i

        free = [i for i in range(start * N, end * N) if i not in chosen]
        left = sum(budget[start:end]) - len(chosen)
        parent, similarity = {}, {}
        for i in free:
            before = [j for j in free if j // N == i // N - 1]
            if before:
                parent[i] = nearest(X, i, before)
                similarity[i] = cosine(X[i], X[parent[i]])
        linked = [i for i in similarity if similarity[i] > T]
        most = len(free) - left
        if len(linked) > most:
            limit = sorted(similarity.values(), reverse=True)[most - 1] if most else np.inf
            linked = [i for i in linked if similarity[i] > limit]
        tree: dict[int, list[int]] = {}
        root = {}
        for i in free:
            root[i] = root[parent[i]] if i in linked else i
            tree.setdefault(root[i], []).append(i)
        by_frame = [[i for i in tree if i // N == f] for f in range(start, end)]
        for roots, share in zip(by_frame, shares_by_size(left, [len(r) for r in by_frame]), strict=True):
            if share == 0:
                continue
            V = [X[tree[i]].mean(axis=0) for i in roots]
            goes_to = closest(V, centers := peaks(V, share, min(k, share)))
            for c in centers:
                cluster = [i for i, to in zip(roots, goes_to, strict=True) if to == c]
                recipe[roots[c]] = {j: 1 / len(cluster) / len(tree[i]) for i in cluster for j in tree[i]}
                owner |= {j: roots[c] for i in cluster for j in tree[i]}
    own_the_rest(X, N, runs, recipe, owner)
    return finish(X, recipe, owner) | {"segments": np.array(runs)}
