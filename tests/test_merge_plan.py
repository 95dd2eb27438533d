"""One plan merges any features of a clip's tokens: against its weights written out in numpy, and against itself."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from infomerge.merging import MergePlan
from infomerge.methods import METHODS, methods_for
from infomerge.numerics import grouped_sums
from tests.clips import random_clip


def by_hand(plan: MergePlan, features: np.ndarray) -> np.ndarray:
    """Eq. 29, 30 and 34 token by token, or the weights of the plan's own."""
    frames, positions, _ = features.shape
    values = features.astype(np.float64).copy()
    if plan.replaced is not None:
        for start, end in plan.segments.tolist():
            mean = features[start:end].astype(np.float64).mean(axis=0)
            for frame in range(start, end):
                for position in range(positions):
                    if plan.replaced[frame, position]:
                        values[frame, position] = mean[position]
    flat = values.reshape(frames * positions, -1)
    rows = []
    for number, index in enumerate(plan.index.tolist()):
        merged = flat[plan.source[plan.target == number].tolist()]
        if plan.share is not None:
            share = plan.share[plan.target == number].numpy()
            rows.append((1 - share.sum()) * flat[index] + share @ merged)
            continue
        weight = max(plan.merge_weight, 1 / (len(merged) + 1))
        rows.append(weight * flat[index] + (1 - weight) * merged.mean(axis=0) if len(merged) else flat[index])
    return np.array(rows)


@pytest.mark.parametrize("name", methods_for())
@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_every_methods_plan_merges_by_its_weights(name: str, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    tokens = random_clip(g, *(int(torch.randint(1, high, (), generator=g)) for high in (14, 12, 6)))
    out = METHODS[name](tokens, 0.02 + 0.9 * float(torch.rand((), generator=g)))
    other = torch.randn(*tokens.shape[:2], 3, generator=g, dtype=torch.float64)
    np.testing.assert_allclose(out.plan.merge(other), by_hand(out.plan, other.numpy()), atol=1e-12)
    np.testing.assert_allclose(out.tokens, by_hand(out.plan, tokens.numpy()), rtol=1e-6, atol=1e-9)
    assert torch.equal(out.carry(tokens), out.tokens)


@pytest.mark.parametrize("scope", ["segment", "anchor_frame"])
def test_a_token_merges_once_for_each_group_of_anchors_that_it_chooses_from(scope: str) -> None:
    tokens = random_clip(torch.Generator().manual_seed(0), 20, 12, 8)
    out = compress(
        tokens, InfoMergeConfig(retention_ratio=0.2, min_segments=1, segment_threshold=-1, merge_scope=scope)
    )
    times = torch.bincount(out.plan.source, minlength=240)
    kept = torch.zeros(240, dtype=torch.bool)
    kept[out.index] = True
    expected = len(out.trace.anchor_frames) if scope == "anchor_frame" else 1
    assert times[kept].eq(0).all()
    assert times[~kept].eq(expected).all()


def test_what_is_unmerged_is_each_tokens_owner() -> None:
    tokens = random_clip(torch.Generator().manual_seed(1), 9, 16, 5)
    out = compress(tokens, retention_ratio=0.15)
    whole = out.plan.unmerge(out.tokens)
    assert whole.shape == tokens.shape
    for token in range(0, 144, 7):
        assert torch.equal(whole.flatten(0, 1)[token], out.tokens[out.assignment[token]])
    assert torch.equal(out.plan.unmerge(out.index[:, None].double()).flatten().long(), out.index[out.assignment])


def test_group_means_count_every_member_the_same() -> None:
    tokens = random_clip(torch.Generator().manual_seed(2), 9, 16, 5)
    out = compress(tokens, retention_ratio=0.15)
    flat = tokens.flatten(0, 1).double().numpy()
    expected = [flat[out.members(number).numpy()].mean(axis=0) for number in range(out.kept)]
    np.testing.assert_allclose(out.plan.group_means(tokens), expected, atol=1e-12)


def test_shares_are_what_tokens_weigh_and_leave_the_rest_to_the_kept_one() -> None:
    plan = MergePlan(
        index=torch.tensor([1, 4]),
        is_context=torch.tensor([True, False]),
        assignment=torch.tensor([0, 0, 0, 1, 1, 1]),
        positions=3,
        source=torch.tensor([0, 5]),
        target=torch.tensor([0, 0]),
        share=torch.tensor([0.5, 0.2], dtype=torch.float64),
    )
    features = torch.tensor([[[1.0], [10], [100]], [[1000], [1e4], [1e5]]])
    assert plan.merge(features).flatten().tolist() == pytest.approx([0.3 * 10 + 0.5 * 1 + 0.2 * 1e5, 1e4])
    assert plan.merge(features)[1].item() == 1e4, "what nothing goes into is not computed with"


@pytest.mark.parametrize("block", [1, 7, 1 << 24])
def test_sums_do_not_depend_on_the_size_of_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infomerge.numerics.BLOCK_ELEMENTS", block)
    values = torch.arange(40, dtype=torch.float64).view(20, 2)
    sizes = torch.tensor([0, 3, 0, 0, 11, 1, 0])
    source = torch.arange(15).flip(0)
    expected, first = [], 0
    for size in sizes.tolist():
        expected.append(values[source[first : first + size]].sum(0).tolist())
        first += size
    assert grouped_sums(values, source, sizes).tolist() == expected
    assert grouped_sums(values, source[:0], sizes[:0]).shape == (0, 2)
    weights = torch.arange(15.0) - 3  # whole numbers, so that sums are exact
    weighted = grouped_sums(values, source, sizes, weights)
    assert weighted[4].tolist() == (values[source[3:14]] * weights[3:14, None].double()).sum(0).tolist()
    assert weighted[5].tolist() == (values[0] * 11).tolist()


def test_features_keep_their_dtype_and_stay_as_they_are() -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), 6, 9, 4)
    out = compress(tokens, retention_ratio=0.3)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        features: Tensor = torch.rand(6, 9, 2, generator=torch.Generator().manual_seed(4)).to(dtype)
        before = features.clone()
        assert out.plan.merge(features).dtype == dtype
        assert torch.equal(features, before)
