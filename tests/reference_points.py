"""The references' farthest points (eq. F1 to F5) and their ways of sharing salient tokens out among the frames."""

from math import exp, log, sqrt

import numpy as np


def likeness(x: np.ndarray, y: np.ndarray, frames_apart: int, tau: float | None, factor: float = 1.0) -> float:
    """F1 and F3 times the factor of F9, rounded; two tokens that are zero have the same direction."""
    length_x, length_y = sqrt(float(x @ x)), sqrt(float(y @ y))
    cosine = float(length_x == length_y)
    if length_x > 0 and length_y > 0:
        cosine = float((x / length_x) @ (y / length_y))
    decay = 1.0 if tau is None else exp(-(frames_apart**2) / (2 * tau**2))
    return round(max(cosine, 0.0) * decay * factor, 6)


def placeless(X: np.ndarray, N: int, q: int) -> np.ndarray:
    """F8 by a singular value decomposition: tokens without the q directions in which positions' means differ most."""
    means = np.array([X[p::N].mean(axis=0) for p in range(N)])
    _, strength, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    out = X.copy()
    for s, v in list(zip(strength, directions, strict=True))[:q]:
        if s > 1e-6 * strength[0]:
            out -= np.outer(X @ v, v)
    for x, left in zip(X, out, strict=True):
        if np.linalg.norm(left) <= 1e-6 * np.linalg.norm(x):
            left[:] = 0
    return out


def place_factor(p: int, q: int, N: int, columns: int | None, scale: float | None) -> float:
    """F9's factor between two positions of a grid of N, wider than high unless `columns` says otherwise."""
    if scale is None:
        return 1.0
    rows = N // columns if columns else max(rows for rows in range(1, N + 1) if N % rows == 0 and rows * rows <= N)
    wide = N // rows
    down, along = (p // wide - q // wide) / rows, (p % wide - q % wide) / wide
    return exp(-(down**2 + along**2) / (2 * scale**2))


def nearness(
    X: np.ndarray,
    N: int,
    part: list[int],
    tau: float | None,
    columns: int | None = None,
    place_scale: float | None = None,
) -> np.ndarray:
    """F3 or F9 for all pairs of tokens of one part; 0 between parts."""
    k = np.zeros((len(X), len(X)))
    for i in range(len(X)):
        for j in range(len(X)):
            if part[i] == part[j]:
                factor = place_factor(i % N, j % N, N, columns, place_scale)
                k[i, j] = likeness(X[i], X[j], abs(i // N - j // N), tau, factor)
    return k


def log_weights(a: np.ndarray, gamma: float) -> list[float]:
    """The logarithm of F2."""
    positive = [max(float(value), 0.0) for value in a]
    mean = sum(positive) / len(positive)
    return [0.0 if mean == 0 else gamma * log(max(value / mean, 1e-4)) for value in positive]


def add_points(chosen: set[int], own: list[int], count: int, k: np.ndarray, log_w: list[float]) -> None:
    """F4 and F5: `count` of the tokens `own` join the chosen ones."""

    def score(i: int) -> float:
        distance = 1 - max((k[i, j] for j in chosen), default=0.0)
        return round(log_w[i] + log(max(distance, 1e-6)), 6)

    for _ in range(count):
        chosen.add(max((i for i in own if i not in chosen), key=lambda i: (score(i), -i)))


def salient_counts(A: np.ndarray, per_frame: int, total: int, split: str) -> list[int]:
    """Salient tokens of each frame: floored in each, the total spread evenly, or where the clip is most salient."""
    L, N = A.shape
    if split == "floor":
        return [per_frame] * L
    if split == "clip":
        most = sorted(range(L * N), key=lambda i: (-A.flatten()[i], i))[:total]
        return [sum(i // N == frame for i in most) for frame in range(L)]
    counts = [total // L] * L
    for extra in range(total % L):
        counts[(2 * extra + 1) * L // (2 * (total % L))] += 1
    return counts


def salient_positions(a: np.ndarray, count: int) -> list[int]:
    """The most salient positions of one frame."""
    return sorted(range(len(a)), key=lambda p: (-a[p], p))[:count]
