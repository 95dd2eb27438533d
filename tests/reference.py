"""A slow numpy float64 reference of the InfoMerge method, the oracle that checks the library.

Written from the equations alone, as loops that read like them; it shares no code with the package. Notation
as in the paper: L frames, N positions, D channels, K segments, H[l, p] the token of frame l at position p.

Where the description can be read in two ways, this is the reading taken here:

Rounding
- "Rounded to 6 decimals" is np.round(x, 6). Rounded values decide orders and thresholds only; every score
  that is returned is unrounded, except the density score, which is defined rounded. The transition
  similarity is rounded before it is compared with the segment threshold.
- Products such as r L N are evaluated from left to right in float64.
Saliency
- None given: each token's Euclidean distance from its frame's mean token, as float32. A given saliency is
  used as it is, in float64. Eq. 10 runs in float64 on these values; they are not rounded before they are
  compared.
Static candidates
- Adjacent prior: windows of 4 consecutive frames that do not overlap, from the segment's first frame on;
  the last may be shorter, and one of a single frame has no pairs and is left out. Mean over a window's
  pairs first, then over the windows.
- Eq. 29 and 30 follow what the salient selection keeps; a static position that is only ever an anchor is
  not replaced.
Budget
- Richness is 0 where R = 1 or where all singular values are 0; a term with pi_j = 0 contributes 0.
- Quotas are rounded to 6 decimals, then floored; remainders q_k - b_k are rounded again before they are
  compared.
- rounding="paper": B_DTM is the real number d r L N and B_k = max(1, floor(q_k + 0.5)) of the rounded
  quota, capped at what the segment can hold, |V_k| (N - T_s). The requested count is the same in both
  modes.
- allocation="length" replaces w_k by |V_k| in the budget only; the weight returned is still that of eq. 8.
Context anchors
- Density: over the M = N - T_s free tokens of one anchor frame, with min(k, M) neighbors, the token itself
  counted. "The largest distance" is the largest between any two of these tokens. Denser means the smaller
  rounded mean squared distance, then the lower position. The score is round(-(unrounded mean squared
  distance) + log(max(delta, 1e-12)), 6).
- Hard mask: unmasked positions by score (ties: lower position); only when they are used up, masked ones by
  score. The score that is returned is the one before the mask: it holds no minus infinity.
- B_k below the number of anchor frames: the later ones get 0. B_k = 0: the regular anchor frames are still
  listed.
Merging
- The tokens that are merged are those of the segment that are neither salient nor a context anchor of any
  of its anchor frames, in both merge scopes. An anchor to which nothing was assigned keeps its feature.
- merge_scope="anchor_frame": every anchor frame that holds an anchor averages all of these tokens into its
  own anchors. The owner is the most similar anchor of the whole segment (rounded cosine, lowest flat
  index).
- No anchor in the segment: the owner is its most similar salient token, which keeps its feature; no kept
  token in the segment at all: the most similar kept token of the clip. Both on the features after eq. 30,
  before merging.
Edges
- Cosine with a vector of norm 0 is 0, so such a token's own F is 0, and u = 1 where a mean is zero.
- A clip of one frame has one segment and a transition of length 0.
- retention_ratio = 1: no static candidates (their score is still returned), each segment's budget is all
  that it can hold, and the result is every token, unchanged.
"""

from itertools import pairwise
from math import ceil, exp, floor, log, sqrt
from typing import Any

import numpy as np

from tests.reference_context import (
    choose_anchor_frames,
    choose_anchors,
    cosine_matrix,
    even_shares,
    farthest_anchors,
    lowest,
    merge,
)
from tests.reference_points import salient_counts


def reference(
    tokens: np.ndarray,
    config: Any,
    saliency: np.ndarray | None = None,
    frame_features: np.ndarray | None = None,
) -> dict[str, Any]:
    """InfoMerge of one clip, with every intermediate.

    tokens [L, N, D]; saliency [L, N] or None; frame_features [L, F] or None; config: any object with the
    attributes of the library's configuration. None of them is changed.

    Returns a dictionary:
    segments [K, 2] (start, end exclusive); transition [L-1];
    static_score [K, N] (NaN rows for segments of one frame; None for static_prior "none");
    static [K, N] bool;
    uniqueness, richness, weight [K]; budget [K] int;
    salient (list of the positions kept in each frame, ascending); penalized_saliency [L, N];
    anchor_frames (list of the ascending frame numbers of each segment, counted from the clip's start);
    density_score [anchor frames, N] (in temporal order, NaN at salient positions);
    index [kept]; is_context [kept] bool; assignment [L*N] in 0..kept-1; tokens [kept, D]; requested.
    """
    H = np.array(tokens, dtype=np.float64)
    L, N, D = H.shape
    r, d = float(config.retention_ratio), float(config.context_fraction)
    requested = max(1, floor(r * L * N + 0.5))

    g = H.mean(axis=1) if frame_features is None else np.array(frame_features, dtype=np.float64)
    transition = np.array([cosine(g[frame], g[frame + 1]) for frame in range(L - 1)])
    segments = segmentation(transition, L, config)
    lengths = [end - start for start, end in segments]
    A = frame_mean_distance(H) if saliency is None else np.array(saliency, dtype=np.float64)
    T = salient_counts(A, floor((1 - d) * r * N + 1e-9), floor((1 - d) * (r * N) * L + 1e-9), config.salient_split)
    room = [N - T_s for T_s in T]
    capacity = [sum(room[start:end]) for start, end in segments]

    static_score = static_scores(H, segments, config)
    static = static_candidates(static_score, segments, N, config)

    u = uniqueness(H, segments)
    e = [richness(H[start:end].reshape(-1, D)) for start, end in segments]
    w = caba_weight(u, e, lengths, config)
    quota_weight = w if config.allocation == "caba" else [float(length) for length in lengths]
    if r == 1:
        budget = capacity
    elif config.rounding == "exact":
        budget = exact_budget(quota_weight, capacity, requested - sum(T))
    else:
        budget = paper_budget(quota_weight, capacity, d * r * L * N)

    salient, penalized, H_replaced = salient_selection(H, A, segments, static, T, config)

    anchor_frames, density_score, anchors = [], [], []
    for k, (start, end) in enumerate(segments):
        if config.anchors == "farthest":
            scores, chosen = farthest_anchors(H_replaced, A, start, end, budget[k], salient)
            frames = sorted(chosen)
        else:
            frames = choose_anchor_frames(start, end, budget[k], room, config.anchor_interval)
            shares = even_shares(budget[k], [room[frame] for frame in frames])
            scores, chosen = choose_anchors(H_replaced, frames, shares, salient, static[k], config)
        anchor_frames.append(frames)
        density_score.extend(scores)
        anchors.append(chosen)

    index, is_context, assignment, merged = merge(H_replaced, segments, salient, anchors, config)
    return {
        "segments": np.array(segments),
        "transition": transition,
        "static_score": static_score,
        "static": static,
        "uniqueness": np.array(u),
        "richness": np.array(e),
        "weight": np.array(w),
        "budget": np.array(budget),
        "salient": salient,
        "penalized_saliency": penalized,
        "anchor_frames": [np.array(frames, dtype=int) for frames in anchor_frames],
        "density_score": np.array(density_score).reshape(-1, N),
        "index": index,
        "is_context": is_context,
        "assignment": assignment,
        "tokens": merged,
        "requested": requested,
    }


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    norm_a, norm_b = sqrt(float(a @ a)), sqrt(float(b @ b))
    if norm_a == 0 or norm_b == 0:
        return 0.0
    return float((a / norm_a) @ (b / norm_b))


def segmentation(transition: np.ndarray, L: int, config: Any) -> list[tuple[int, int]]:
    """Eq. 22 and 23: cut after the c-1 smallest t_l, and after every t_l below the threshold."""
    t = np.round(transition, 6)
    c, tau_seg = config.min_segments, config.segment_threshold
    if getattr(config, "segmentation", "fixed") == "adaptive" and L > 1:
        change = sorted(1 - transition)
        c, tau_seg = 1, min(tau_seg, 1 - 4 * change[(L - 2) // 2])
    cuts = set(lowest(t, range(L - 1))[: c - 1])
    cuts |= {frame for frame in range(L - 1) if t[frame] < tau_seg}
    bounds = [0] + [frame + 1 for frame in sorted(cuts)] + [L]
    return list(pairwise(bounds))


def around(p: int, N: int) -> list[int]:
    """The positions of the 3 x 3 around p on the grid of N positions that is nearest a square, and not upright."""
    width = next(columns for columns in range(ceil(sqrt(N)), N + 1) if N % columns == 0)
    row, column = divmod(p, width)
    return [q for q in range(N) if abs(q // width - row) <= 1 and abs(q % width - column) <= 1]


def fingerprint_difference(H_p: np.ndarray, H_near: np.ndarray | None = None) -> float:
    """Eq. 1 and 2 for one position: H_p holds its tokens over the frames of one segment, [|V_k|, D].

    With H_near [|V_k|, neighbors, D] each frame is compared with the best match among them.
    """
    length = len(H_p)
    F = cosine_matrix(H_p, H_p)
    if H_near is not None:
        F = np.max([cosine_matrix(H_p, H_near[:, q]) for q in range(H_near.shape[1])], axis=0)
    total = 0.0
    for frame in range(length - 1):
        total += np.abs(F[frame + 1] - F[frame]).sum()
    return total / ((length - 1) * length)


def adjacent_difference(H_p: np.ndarray) -> float:
    """The first-order baseline for one position: 1 - cos of adjacent frames, inside windows of 4 frames."""
    window_means = []
    for first in range(0, len(H_p), 4):
        window = H_p[first : first + 4]
        pairs = [1 - cosine(window[i], window[i + 1]) for i in range(len(window) - 1)]
        if pairs:
            window_means.append(sum(pairs) / len(pairs))
    return sum(window_means) / len(window_means)


def static_scores(H: np.ndarray, segments: list[tuple[int, int]], config: Any) -> np.ndarray | None:
    if config.static_prior == "none":
        return None
    difference = adjacent_difference if config.static_prior == "adjacent" else fingerprint_difference
    N = H.shape[1]
    scores = np.full((len(segments), N), np.nan)
    for k, (start, end) in enumerate(segments):
        if end - start > 1:
            for p in range(N):
                if config.static_prior == "aligned":
                    scores[k, p] = fingerprint_difference(H[start:end, p], H[start:end][:, around(p, N)])
                else:
                    scores[k, p] = difference(H[start:end, p])
    return scores


def static_candidates(scores: np.ndarray | None, segments: list[tuple[int, int]], N: int, config: Any) -> np.ndarray:
    """The floor(rho N) positions of smallest score in every segment of more than one frame."""
    static = np.zeros((len(segments), N), dtype=bool)
    if scores is None or config.retention_ratio == 1:
        return static
    count = floor(config.static_ratio * N + 1e-9)
    for k, (start, end) in enumerate(segments):
        if end - start > 1:
            for p in lowest(np.round(scores[k], 6), range(N))[:count]:
                static[k, p] = True
    return static


def uniqueness(H: np.ndarray, segments: list[tuple[int, int]]) -> list[float]:
    """Eq. 3 to 5."""
    means = [H[start:end].mean(axis=(0, 1)) for start, end in segments]
    video_mean = np.zeros(H.shape[2])
    for (start, end), mean in zip(segments, means, strict=True):
        video_mean += (end - start) * mean
    video_mean /= len(H)
    return [1 - cosine(mean, video_mean) for mean in means]


def richness(X: np.ndarray) -> float:
    """Eq. 6 and 7: the normalised entropy of the energy spectrum of X [tokens, D], not centred."""
    R = min(X.shape)
    energy = np.linalg.svd(X, compute_uv=False) ** 2
    if R == 1 or energy.sum() == 0:
        return 0.0
    entropy = 0.0
    for pi in energy / energy.sum():
        if pi > 0:
            entropy -= pi * log(pi)
    return entropy / log(R)


def z_score(values: list[float]) -> np.ndarray:
    x = np.array(values)
    std = x.std()
    return np.zeros(len(x)) if std < 1e-8 else (x - x.mean()) / std


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def caba_weight(u: list[float], e: list[float], lengths: list[int], config: Any) -> list[float]:
    """Eq. 8."""
    m = config.uniqueness_weight * z_score(u) + config.richness_weight * z_score(e)
    return [sigmoid(config.temperature * m_k) * length for m_k, length in zip(m, lengths, strict=True)]


def quotas(weight: list[float], total: float) -> list[float]:
    """Each segment's share of `total` tokens (eq. 9), rounded to 6 decimals."""
    return [float(np.round(total * w_k / sum(weight), 6)) for w_k in weight]


def exact_budget(weight: list[float], capacity: list[int], total: int) -> list[int]:
    """Integer budgets that add up to `total` exactly."""
    q = quotas(weight, total)
    K = len(q)
    b = [min(max(1, floor(q[k])), capacity[k]) for k in range(K)]

    def remainder(k: int) -> float:
        return float(np.round(q[k] - b[k], 6))

    while sum(b) < total:
        with_room = [k for k in range(K) if b[k] < capacity[k]]
        b[min(with_room, key=lambda k: (-remainder(k), k))] += 1
    while sum(b) > total:
        can_give = [k for k in range(K) if b[k] > 1]
        if not can_give:
            can_give = [k for k in range(K) if b[k] > 0]
        b[min(can_give, key=lambda k: (remainder(k), k))] -= 1
    return b


def paper_budget(weight: list[float], capacity: list[int], total: float) -> list[int]:
    """Eq. 21: every segment rounded alone."""
    q = quotas(weight, total)
    return [min(max(1, floor(q[k] + 0.5)), capacity[k]) for k in range(len(q))]


def frame_mean_distance(H: np.ndarray) -> np.ndarray:
    """Each token's Euclidean distance from its frame's mean token, with float32 precision."""
    difference = H - H.mean(axis=1, keepdims=True)
    distance = np.sqrt((difference**2).sum(axis=2))
    return np.asarray(distance.astype(np.float32), dtype=np.float64)


def salient_selection(
    H: np.ndarray,
    A: np.ndarray,
    segments: list[tuple[int, int]],
    static: np.ndarray,
    T: list[int],
    config: Any,
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Eq. 10, 11, 29 and 30: salient positions per frame, penalised saliency, and the features after eq. 30."""
    N = H.shape[1]
    penalized = A.copy()
    replaced = H.copy()
    salient = []
    for k, (start, end) in enumerate(segments):
        P: set[int] = set()
        for frame in range(start, end):
            for p in P:
                penalized[frame, p] -= config.static_penalty * A[frame].std()
            kept = sorted(lowest(-penalized[frame], range(N))[: T[frame]])
            salient.append(np.array(kept, dtype=int))
            P |= {p for p in kept if static[k, p]}
            for p in P:
                replaced[frame, p] = H[start:end, p].mean(axis=0)
    return salient, penalized, replaced
