"""OTT-Vid against loops, its transport, and its merges and drops."""

from math import ceil, exp, log, sqrt

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods.ott_vid import cover, matches, per_frame, transport
from infomerge.methods.spacing import grid_of, grid_places
from tests.methods.against_reference import (
    STRUCTURED,
    assert_equals,
    normal,
    random_sizes,
    random_tokens,
    structured_names,
)
from tests.methods.whole_shares import whole_shares
from tests.methods_reference import finish, nearest


def log_sum(values: np.ndarray) -> float:
    top = float(values.max())
    return top + log(float(np.exp(values - top).sum()))


def softmax(values: list[float]) -> list[float]:
    weights = [exp(v - max(values)) for v in values]
    return [w / sum(weights) for w in weights]


def plain_cosine(a: np.ndarray, b: np.ndarray) -> float:
    size = sqrt(float(a @ a)) * sqrt(float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def facilities(X: np.ndarray, A: list[float], count: int) -> tuple[list[int], list[float]]:
    """Chosen positions of a frame, and their masses."""
    N = len(X)
    S = [[plain_cosine(X[i], X[j]) for j in range(N)] for i in range(N)]
    A = [max(a, 0.0) for a in A]
    A = A if sum(A) > 0 else [1.0] * N
    w = [N * a / sum(A) for a in A]
    covered, chosen = [0.0] * N, []
    for _ in range(count):
        gain = {
            j: round(sum(w[i] * max(0.0, S[i][j] - covered[i]) for i in range(N)), 6)
            for j in range(N)
            if j not in chosen
        }
        best = max(gain, key=lambda j: (gain[j], -j))
        chosen.append(best)
        covered = [max(c, S[i][best]) for i, c in enumerate(covered)]
    chosen.sort()
    loss = dict.fromkeys(chosen, 0.0)
    for i in range(N):
        by_cosine = sorted(chosen, key=lambda j: (-round(S[i][j], 6), j))
        second = round(S[i][by_cosine[1]], 6) if count > 1 else 0.0
        loss[by_cosine[0]] += w[i] * (round(S[i][by_cosine[0]], 6) - second)
    most = max(loss.values())
    return chosen, softmax([-loss[j] / (most if most > 0 else 1) / 0.3 for j in chosen])


def sinkhorn(C: np.ndarray, a: list[float], b: list[float], rounds: int) -> np.ndarray:
    K = len(a)
    f, g = np.zeros(K), np.zeros(K)
    for _ in range(rounds):
        g = np.array([log(b[j]) - log_sum(-C[:, j] / 0.01 + f) for j in range(K)])
        f = np.array([log(a[i]) - log_sum(-C[i] / 0.01 + g) for i in range(K)])
    return np.exp(f[:, None] - C / 0.01 + g[None, :])


def ott_vid(
    H: np.ndarray,
    kept: int,
    saliency: np.ndarray,
    max_cost: float = 0.3,
    iterations: int = 200,
    columns: int | None = None,
) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    K = min(max(int(N * (kept / (L * N)) ** 0.7 + 0.5), ceil(kept / L)), kept, N) if L > 1 else kept
    if columns is None:
        columns = min(c for c in range(1, N + 1) if N % c == 0 and c * c >= N)
    rows = N // columns
    place = [np.array([(p // columns + 0.5) / rows, (p % columns + 0.5) / columns]) for p in range(N)]
    stage = [facilities(H[t], list(saliency[t]), K) for t in range(L)]
    chosen = [[t * N + p for p in stage[t][0]] for t in range(L)]

    costs, plans = [], []
    for t in range(L - 1):
        still = float(np.mean([plain_cosine(H[t, p], H[t + 1, p]) for p in range(N)]))
        a = 0.5 + 0.5 * min(max(1 - still, 0.0), 1.0)
        C = np.zeros((K, K))
        for i, u in enumerate(chosen[t]):
            for j, v in enumerate(chosen[t + 1]):
                apart = place[u % N] - place[v % N]
                unlike = 1 - max(plain_cosine(X[u], X[v]), 0.0)
                C[i, j] = a * unlike + (1 - a) * sqrt(float(apart @ apart)) / sqrt(2)
        costs.append(C)
        plans.append(sinkhorn(C, stage[t][1], stage[t + 1][1], iterations))

    parent = {u: u for frame in chosen for u in frame}
    dropped: set[int] = set()
    going = L * K - kept
    if going:
        prices = [float((P * C).sum()) for P, C in zip(plans, costs, strict=True)]
        cap = K - 1 if going <= (L - 1) * (K - 1) else K
        merges = whole_shares(softmax([-price / 0.3 for price in prices]), going, [cap] * (L - 1))
        for t, budget in enumerate(merges):
            entries = sorted(
                ((i, j) for i in range(K) for j in range(K)),
                key=lambda e: (-round(K * float(plans[t][e]), 6), e[0] * K + e[1]),
            )
            used: set[int] = set()
            for i, j in entries:
                if j in used or len(used) == budget:
                    continue
                used.add(j)
                if round(float(costs[t][i, j]), 6) <= max_cost:
                    parent[chosen[t + 1][j]] = chosen[t][i]
                else:
                    dropped.add(chosen[t + 1][j])

    def root(u: int) -> int:
        while parent[u] != u:
            u = parent[u]
        return u

    members = {u: root(u) for u in parent if root(u) not in dropped}
    left = sorted(set(members.values()))
    owner, tokens = {}, {}
    for i in range(L * N):
        same_frame = [u for u in left if u // N == i // N]
        owner[i] = members[i] if i in members else nearest(X, i, same_frame or left)
    for u in left:
        tokens[u] = np.mean([X[v] for v in members if members[v] == u], axis=0)
    merged = {u for u in left if sum(r == u for r in members.values()) > 1}
    out = finish(X, owner, merged)
    return out | {"tokens": np.array([tokens[u] for u in left])}


def saliency_of(frames: int, positions: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(frames, positions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens, saliency = random_tokens(size), saliency_of(*size[:2])
    assert_equals(ott_vid, "ott-vid", tokens, ratios=(0.02, 0.1, 0.4, 1.0), saliency=saliency, iterations=20)
    signs = saliency - 0.5
    assert_equals(ott_vid, "ott-vid", tokens, ratios=(0.25,), saliency=signs, iterations=5, max_cost=0.05)
    assert_equals(ott_vid, "ott-vid", tokens, ratios=(0.1,), saliency=-saliency, iterations=5, columns=1)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    tokens = STRUCTURED[clip]
    assert_equals(ott_vid, "ott-vid", tokens, ratios=(0.07, 0.4), saliency=saliency_of(*tokens.shape[:2]), iterations=9)


def test_the_transport_has_the_masses_that_it_was_given() -> None:
    tokens = random_tokens((6, 25, 12))
    chosen, mass = cover(tokens, saliency_of(6, 25), 9)
    torch.testing.assert_close(mass.sum(dim=1), torch.ones(6, dtype=torch.float64))
    pairs = transport(tokens, chosen, mass, grid_places(5, 5), 3000)
    assert (pairs.plan >= 0).all()
    torch.testing.assert_close(pairs.plan.sum(dim=2), mass[:-1])
    torch.testing.assert_close(pairs.plan.sum(dim=1), mass[1:], rtol=1e-3, atol=1e-4)
    assert ((pairs.cost >= 0) & (pairs.cost <= 1)).all()


def test_the_first_stage_covers_one_cluster_after_the_other() -> None:
    clusters = torch.eye(4, dtype=torch.float64)[torch.arange(20) % 4] + 0.01 * normal(2, 20, 4)
    chosen, _ = cover(clusters, torch.ones(2, 20, dtype=torch.float64), 4)
    for frame in chosen.tolist():
        assert sorted(p % 4 for p in frame) == [0, 1, 2, 3]


def test_a_still_clip_merges_every_position_over_the_frames_and_changes_nothing() -> None:
    tokens = normal(1, 9, 16).expand(6, 9, 16)
    out = compress(tokens, "ott-vid", retention_ratio=9 / 54)
    flat = tokens.flatten(0, 1)
    torch.testing.assert_close(out.tokens, flat[out.index])
    merged = out.plan.source
    assert len(merged) > 0
    number = torch.arange(54)
    assert torch.equal(number[merged] % 9, out.position[out.plan.target])


def test_costly_matches_are_dropped_and_count_in_no_mean() -> None:
    tokens = normal(5, 9, 16)
    strict = compress(tokens, "ott-vid", retention_ratio=0.2, max_cost=0)
    assert strict.kept == 9
    assert len(strict.plan.source) == 0
    assert torch.equal(strict.tokens, tokens.flatten(0, 1)[strict.index])
    loose = compress(tokens, "ott-vid", retention_ratio=0.2, max_cost=1)
    assert loose.kept == 9
    each = per_frame(5, 9, 9)
    assert len(loose.plan.source) == 5 * each - 9, "every match merges, and nothing else"


def test_matches_claim_every_later_token_once_and_any_earlier_one() -> None:
    tokens = random_tokens((9, 9, 6))
    chosen, mass = cover(tokens, saliency_of(9, 9), 5)
    pairs = transport(tokens, chosen, mass, grid_places(3, 3), 50)
    for count in (0, 1, 20, 32, 40):
        parent, dropped = matches(pairs, count, 0.3)
        own = torch.arange(45)
        assert int((parent != own).sum() + dropped.sum()) == count
        assert not ((parent != own) & dropped).any()
        assert ((own // 5 - parent // 5)[parent != own] == 1).all()


def test_grids_are_as_square_as_they_can_be() -> None:
    assert [grid_of(n) for n in (1, 7, 12, 169, 196, 300)] == [
        (1, 1), (1, 7), (3, 4), (13, 13), (14, 14), (15, 20),
    ]  # fmt: skip
    assert grid_places(1, 2).tolist() == [[0.5, 0.25], [0.5, 0.75]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": 4}, "columns: got 4; expected a divisor of the 9 positions"),
        ({"columns": 0}, "columns: got 0; expected whole numbers from 1"),
        ({"max_cost": -0.1}, "max_cost: got -0.1; expected numbers from 0"),
        ({"iterations": 0}, "iterations: got 0; expected whole numbers from 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compress(normal(2, 9, 3), "ott-vid", **options)
