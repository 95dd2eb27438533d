"""Token Dynamics' codebook against loops, its draws, and its empty clusters."""

import numpy as np
import pytest
import torch

from infomerge import compress
from infomerge.methods import make_compressor
from infomerge.methods.kmeans import cosine_kmeans
from infomerge.methods.token_dynamics import drawn_starts, without_empty
from infomerge.numerics import unit
from tests.methods.against_reference import (
    STRUCTURED,
    assert_equals,
    direction,
    normal,
    random_sizes,
    random_tokens,
    structured_names,
)
from tests.methods_reference import finish


def token_dynamics(H: np.ndarray, kept: int, iterations: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    L, N, D = H.shape
    X = H.reshape(L * N, D)
    U = [direction(x) for x in X]
    tokens = range(L * N)
    draws = torch.rand(kept, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).tolist()
    starts: list[int] = []
    apart = [1.0] * len(X)
    for draw in draws:
        weight = [0.0 if i in starts else round(apart[i], 6) + 1e-6 for i in tokens]
        upto, goal = 0.0, draw * sum(weight)
        for i in tokens:
            upto += weight[i]
            if upto > goal:
                break
        squared = [float(((U[j] - U[i]) ** 2).sum()) for j in tokens]
        apart = [min(a, b) for a, b in zip(apart, squared, strict=True)] if starts else squared
        starts.append(i)

    centers = [U[s] for s in starts]
    labels: list[int] = []
    for _ in range(iterations):
        new = [max(range(kept), key=lambda k: (round(float(U[i] @ centers[k]), 6), -k)) for i in tokens]
        if new == labels:
            break
        labels = new
        for k in range(kept):
            members = [U[i] for i in tokens if labels[i] == k]
            if members:
                centers[k] = direction(np.sum(members, axis=0))

    closeness = [round(float(U[i] @ centers[labels[i]]), 6) for i in tokens]
    label_of = list(labels)
    for i in sorted(tokens, key=lambda i: (closeness[i], i)):
        empty = [k for k in range(kept) if k not in label_of]
        if empty and label_of.count(label_of[i]) > 1:
            label_of[i] = empty[0]
    owner, merged = {}, set()
    for k in range(kept):
        members = [i for i in tokens if label_of[i] == k]
        seat = max(members, key=lambda i: (closeness[i], -i))
        owner |= dict.fromkeys(members, seat)
        if len(members) > 1:
            merged.add(seat)
    return finish(X, owner, merged)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(token_dynamics, "token-dynamics", tokens, ratios=(0.01, 0.1, 0.5, 1.0))
    assert_equals(token_dynamics, "token-dynamics", tokens, ratios=(0.25,), iterations=2, seed=11)


@structured_names
def test_structured_clips_equal_the_reference(clip: str) -> None:
    assert_equals(token_dynamics, "token-dynamics", STRUCTURED[clip], ratios=(0.07, 0.4))


def test_clear_clusters_are_found_and_become_their_means() -> None:
    codes = torch.eye(5, dtype=torch.float64)
    label = torch.arange(40) % 5
    tokens = (codes[label] * (1 + torch.arange(40) % 3)[:, None] + 0.01 * normal(40, 5)).view(8, 5, 5)
    out = compress(tokens, "token-dynamics", retention_ratio=5 / 40)
    flat = tokens.flatten(0, 1)
    for number in range(5):
        members = out.members(number)
        assert len(label[members].unique()) == 1
        assert len(members) == 8
        torch.testing.assert_close(out.tokens[number], flat[members].mean(0))
    assert out.is_context.all()


def test_seeds_draw_other_codes_and_the_first_draw_is_uniform() -> None:
    tokens = normal(6, 20, 8)
    first = compress(tokens, "token-dynamics", retention_ratio=0.1)
    assert torch.equal(first.index, compress(tokens, "token-dynamics", retention_ratio=0.1, seed=0).index)
    assert not torch.equal(first.index, compress(tokens, "token-dynamics", retention_ratio=0.1, seed=1).index)
    directions = unit(tokens).flatten(0, 1)
    firsts = torch.tensor([int(drawn_starts(directions, 1, seed)[0]) for seed in range(600)])
    counts = (firsts // 20).bincount(minlength=6).double()
    assert ((counts - 100).abs() < 5 * 10).all()


def test_draws_prefer_what_is_far_from_the_centers_before() -> None:
    # A hundred tokens in one direction, one in another: the second center is that one, whatever the seed.
    directions = torch.zeros(101, 2, dtype=torch.float64)
    directions[:, 0] = 1
    directions[57] = torch.tensor([0.0, 1.0])
    for seed in range(20):
        starts = drawn_starts(directions, 3, seed).tolist()
        assert 57 in starts
        assert len(set(starts)) == 3


def test_empty_clusters_take_the_farthest_tokens_that_are_not_alone() -> None:
    labels = torch.tensor([0, 0, 0, 2, 2])
    closeness = torch.tensor([0.9, 0.2, 0.8, 0.1, 0.1], dtype=torch.float64)
    # Token 3 goes first (0.1, the lower index), into cluster 1; token 4 is then alone; token 1 goes into cluster 3.
    assert without_empty(labels, closeness, 4).tolist() == [0, 3, 0, 1, 2]


def test_sets_are_clustered_each_by_itself() -> None:
    directions = unit(normal(3, 15, 4))
    starts = torch.tensor([[0, 5, 9], [1, 2, 3], [14, 7, 0]])
    labels, centers = cosine_kmeans(directions, starts, 10)
    for number in range(3):
        alone = cosine_kmeans(directions[number : number + 1], starts[number : number + 1], 10)
        assert torch.equal(labels[number], alone[0][0])
        torch.testing.assert_close(centers[number], alone[1][0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations: got 0; expected whole numbers from 1"),
        ({"seed": -1}, "seed: got -1; expected whole numbers from 0 to"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_compressor("token-dynamics", **options)
