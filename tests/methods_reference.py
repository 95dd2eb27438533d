"""Slow numpy references of the methods that InfoMerge is compared with; they share no code with the package.

Notation as in `tests/reference.py`: H [L, N, D] the tokens, A [L, N] their saliency, `kept` the number of tokens to
keep. Each returns a dictionary: index, is_context, assignment and tokens, as `Compression` has them. Similarities are
compared after rounding to 6 decimals, ties go to the lower index.
"""

from math import ceil, exp, gcd, sqrt

import numpy as np


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    length = sqrt(float(a @ a)) * sqrt(float(b @ b))
    return round(float(a @ b) / length, 6) if length > 0 else 0.0


def nearest(X: np.ndarray, i: int, candidates: list[int]) -> int:
    return max(candidates, key=lambda j: (cosine(X[i], X[j]), -j))


def finish(X: np.ndarray, owner: dict[int, int], merged: set[int]) -> dict[str, np.ndarray]:
    index = sorted(i for i in owner if owner[i] == i)
    tokens = []
    for i in index:
        members = [j for j in owner if owner[j] == i]
        tokens.append(sum(X[j] for j in members) / len(members) if i in merged else X[i])
    return {
        "index": np.array(index),
        "is_context": np.array([i in merged for i in index]),
        "assignment": np.array([index.index(owner[i]) for i in range(len(X))]),
        "tokens": np.array(tokens),
    }


def prune(H: np.ndarray, kept: set[int]) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    owner = {}
    for i in range(L * N):
        same_frame = sorted(j for j in kept if j // N == i // N)
        owner[i] = i if i in kept else nearest(X, i, same_frame or sorted(kept))
    return finish(X, owner, set())


def middles(length: int, count: int) -> list[int]:
    """The middle places of `count` equal parts of a row of `length` places."""
    return [int((2 * i + 1) * length // (2 * count)) for i in range(count)]


def golden_order(N: int) -> list[int]:
    golden = N * (5**0.5 - 1) / 2
    best = None
    for step in range(1, N + 1):
        if gcd(step, N) == 1 and (best is None or abs(step - golden) < abs(best - golden)):
            best = step
    return [(N // 2 + i * best) % N for i in range(N)]


def shares(total: int, parts: int) -> list[int]:
    if parts == 0:
        return []
    extra = middles(parts, total % parts)
    return [total // parts + (1 if i in extra else 0) for i in range(parts)]


def uniform_frames(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    L, N, _ = H.shape
    chosen: list[int] = []
    for frame in middles(L, ceil(kept / N)):
        room = min(N, kept - len(chosen))
        positions = range(N) if room == N else golden_order(N)[:room]
        chosen += [frame * N + p for p in positions]
    return prune(H, set(chosen))


def uniform_positions(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    L, N, _ = H.shape
    return prune(H, {frame * N + p for frame, n in enumerate(shares(kept, L)) for p in golden_order(N)[:n]})


def top_saliency(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    flat = A.ravel()
    return prune(H, set(sorted(range(len(flat)), key=lambda i: (-flat[i], i))[:kept]))


def visionzip(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    dominant: set[int] = set()
    contextual: set[int] = set()
    for frame, n in enumerate(shares(kept, L)):
        n_dominant = int(n * 54 / 64 + 0.5)
        inside = [frame * N + p for p in range(N)]
        ranked = sorted(inside, key=lambda i: (-A.ravel()[i], i))
        dominant |= set(ranked[:n_dominant])
        rest = sorted(ranked[n_dominant:])
        n_contextual = n - n_dominant
        if n_contextual:
            contextual |= {rest[i * (len(rest) // n_contextual)] for i in range(n_contextual)}

    owner = {}
    for i in range(L * N):
        in_frame = sorted(j for j in contextual if j // N == i // N) or sorted(j for j in dominant if j // N == i // N)
        is_kept = i in dominant or i in contextual
        owner[i] = i if is_kept else nearest(X, i, in_frame or sorted(dominant | contextual))
    return finish(X, owner, contextual)


def dycoke(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    went_to: dict[int, int] = {}
    frames = list(range(L))
    while True:
        firsts = [frame for place, frame in enumerate(frames) if place % 4 == 0]
        pairs = []
        for place, frame in enumerate(frames):
            if place % 4 in (1, 3):
                pairs.append((frame, frames[place - 1]))
            elif place % 4 == 2:
                pairs.append((frame, frames[place - 2]))
        if len(firsts) * N <= kept:
            for (frame, other), stays in zip(pairs, shares(kept - len(firsts) * N, len(pairs)), strict=True):
                changed = sorted(range(N), key=lambda p: (cosine(H[frame, p], H[other, p]), p))
                went_to |= {frame * N + p: other * N + p for p in changed[stays:]}
            break
        if len(frames) == 1:
            left = sorted(golden_order(N)[:kept])
            went_to |= {p: nearest(X, p, left) for p in range(N) if p not in left}
            break
        went_to |= {frame * N + p: other * N + p for frame, other in pairs for p in range(N)}
        frames = firsts

    owner = {}
    for i in range(L * N):
        owner[i] = i
        while owner[i] in went_to:
            owner[i] = went_to[owner[i]]
    owners = list(owner.values())
    return finish(X, owner, {i for i in owners if owners.count(i) > 1})


def tome(H: np.ndarray, A: np.ndarray, kept: int) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    value = {i: X[i] for i in range(L * N)}
    size = dict.fromkeys(range(L * N), 1)
    owner = {i: i for i in range(L * N)}
    while len(value) > kept:
        set_a, set_b = [], []
        frames = sorted({i // N for i in value})
        for turn, frame in enumerate(frames):
            for place, i in enumerate(sorted(j for j in value if j // N == frame)):
                (set_b if (place + turn) % 2 else set_a).append(i)
        match = {a: max(set_b, key=lambda b: (cosine(value[a], value[b]), -b)) for a in set_a}
        edges = sorted(set_a, key=lambda a: (-cosine(value[a], value[match[a]]), a))
        for a in edges[: min(len(value) - kept, max(1, len(set_a) // 2))]:
            b = match[a]
            value[b] = (value[b] * size[b] + value[a] * size[a]) / (size[a] + size[b])
            size[b] += size[a]
            owner = {i: b if o == a else o for i, o in owner.items()}
            del value[a]
    out = finish(X, owner, {i for i in value if size[i] > 1})
    np.testing.assert_allclose(out["tokens"], [value[i] for i in sorted(value)], atol=1e-9)
    return out


def fastvid(H: np.ndarray, A: np.ndarray, r: float) -> dict[str, object]:
    """FastVID as it is published, restated: which tokens it keeps, with its own ways of rounding.

    DySeg cuts after the 7 least similar transitions and below 0.9. Of a frame's floor(N r) tokens, 60 % are salient
    (ATS). DTM has an anchor frame every fourth frame from a segment's last one back; the segment's other tokens are
    shared evenly between them; density peaks among the tokens of the frame that are not salient are the anchors.
    """
    L, N, _ = H.shape
    g = H.mean(axis=1)
    t = [float(g[i] @ g[i + 1] / sqrt(float(g[i] @ g[i])) / sqrt(float(g[i + 1] @ g[i + 1]))) for i in range(L - 1)]
    cuts = sorted(set(sorted(range(L - 1), key=lambda i: t[i])[:7]) | {i for i in range(L - 1) if t[i] < 0.9})
    bounds = [0, *[cut + 1 for cut in cuts], L]
    segments = [(bounds[k], bounds[k + 1]) for k in range(len(bounds) - 1)]

    per_frame = int(N * r)
    per_frame_context = int(per_frame * 0.4)
    salient = [sorted(np.argsort(-A[frame])[: per_frame - per_frame_context].tolist()) for frame in range(L)]

    budget, anchor_frames, index = [], [], []
    for start, end in segments:
        frames = [frame for frame in range(start, end) if (end - 1 - frame) % 4 == 0]
        share = per_frame_context * (end - start) // len(frames)
        budget.append(share * len(frames))
        anchor_frames += frames
        for frame in frames:
            free = [p for p in range(N) if p not in salient[frame]]
            index += [frame * N + p for p in density_peaks(H[frame], free, share)]
    index += [frame * N + p for frame in range(L) for p in salient[frame]]
    return {
        "segments": np.array(segments),
        "salient": np.array(salient),
        "budget": np.array(budget),
        "anchor_frames": np.array(anchor_frames),
        "index": np.array(sorted(index)),
    }


def density_peaks(X: np.ndarray, free: list[int], count: int) -> list[int]:
    """The `count` tokens of largest density times distance to the nearest denser token."""
    D = X.shape[1]
    distance = {i: {j: sqrt(((X[i] - X[j]) ** 2).sum() / D) for j in free} for i in free}
    density = {i: exp(-np.mean([d**2 for d in sorted(distance[i].values())[:4]])) for i in free}
    longest = max(max(row.values()) for row in distance.values())
    score = {}
    for i in free:
        denser = [distance[i][j] for j in free if density[j] > density[i]]
        score[i] = density[i] * min(denser, default=longest)
    return sorted(free, key=lambda i: -score[i])[:count]
