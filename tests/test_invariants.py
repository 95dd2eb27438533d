"""What holds for every clip and every configuration."""

import dataclasses

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from tests.clips import configurations, random_clip


@st.composite
def clips(draw: st.DrawFn) -> tuple[Tensor, InfoMergeConfig]:
    g = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    tokens = random_clip(g, draw(st.integers(1, 24)), draw(st.integers(1, 20)), draw(st.integers(2, 16)))
    if draw(st.booleans()):
        tokens = tokens.round()  # ties, zero tokens
    config = configurations(g, draw(st.floats(0.01, 1)))
    return tokens, dataclasses.replace(config, rounding="exact")


@given(clips())
def test_kept_is_the_rounded_share_and_never_less_than_one(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    tokens, config = clip
    total = tokens.shape[0] * tokens.shape[1]
    out = compress(tokens, config)
    assert out.kept == out.requested == max(1, int(config.retention_ratio * total + 0.5))
    assert len(out.tokens) == len(out.is_context) == out.kept


@given(clips())
def test_index_is_ascending_unique_and_in_range(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    tokens, config = clip
    out = compress(tokens, config)
    assert (out.index.diff() > 0).all()
    assert out.index[0] >= 0
    assert out.index[-1] < tokens.shape[0] * tokens.shape[1]
    assert torch.equal(out.frame * tokens.shape[1] + out.position, out.index)


@given(clips())
def test_every_token_is_owned_within_its_segment_where_that_keeps_a_token(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    tokens, config = clip
    out = compress(tokens, config)
    frames, positions, _ = tokens.shape
    assert out.assignment.shape == (frames * positions,)
    assert torch.equal(out.assignment[out.index], torch.arange(out.kept)), "a kept token does not own itself"
    assert sum(len(out.members(token)) for token in range(out.kept)) == frames * positions
    segment = out.trace.segment_of_frame.repeat_interleave(positions)
    owner_segment = segment[out.index[out.assignment]]
    keeping = torch.isin(segment, segment[out.index])
    assert torch.equal(owner_segment[keeping], segment[keeping])


@given(clips())
def test_budgets_add_up_and_fit_into_their_segments(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    tokens, config = clip
    trace = compress(tokens, config).trace
    frames, positions, _ = tokens.shape
    salient = (trace.salient >= 0).sum(dim=1)
    capacity = torch.stack([(positions - salient[start:end]).sum() for start, end in trace.segments.tolist()])
    for budget in (trace.budget, trace.length_budget):
        assert int(budget.sum()) == compress(tokens, config).kept - int(salient.sum())
        assert (budget >= 0).all()
        assert (budget <= capacity).all()
    assert torch.equal(trace.segments.flatten()[1:-1:2], trace.segments.flatten()[2::2]), "segments are not contiguous"
    assert trace.segments[0, 0] == 0
    assert trace.segments[-1, 1] == frames


@given(clips(), st.randoms(use_true_random=False))
def test_permuting_channels_changes_no_index(clip: tuple[Tensor, InfoMergeConfig], random: object) -> None:
    tokens, config = clip
    order = list(range(tokens.shape[2]))
    random.shuffle(order)  # type: ignore[attr-defined]
    out, permuted = compress(tokens, config), compress(tokens[:, :, order], config)
    assert torch.equal(out.index, permuted.index)
    assert torch.equal(out.assignment, permuted.assignment)
    torch.testing.assert_close(out.tokens[:, order], permuted.tokens)


@given(clips(), st.floats(1e-3, 1e3))
def test_scaling_changes_no_fingerprint_and_no_budget(clip: tuple[Tensor, InfoMergeConfig], scale: float) -> None:
    tokens, config = clip
    trace, scaled = compress(tokens, config).trace, compress(tokens * scale, config).trace
    torch.testing.assert_close(trace.tfd, scaled.tfd, equal_nan=True, rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.uniqueness, scaled.uniqueness, rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.richness, scaled.richness, rtol=0, atol=1e-9)
    assert torch.equal(trace.static, scaled.static)
    assert torch.equal(trace.budget, scaled.budget)


@given(clips(), st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
def test_dtype_is_the_callers_inputs_stay_and_runs_repeat(
    clip: tuple[Tensor, InfoMergeConfig], dtype: torch.dtype
) -> None:
    tokens, config = clip[0].to(dtype), clip[1]
    saliency, features = tokens.square().mean(-1), tokens.mean(1)
    before = [given.clone() for given in (tokens, saliency, features)]
    first, second = (compress(tokens, config, saliency=saliency, frame_features=features) for _ in range(2))
    assert first.tokens.dtype == dtype
    assert torch.equal(first.tokens, second.tokens)
    assert torch.equal(first.assignment, second.assignment)
    assert all(torch.equal(a, b) for a, b in zip(before, (tokens, saliency, features), strict=True))


@given(clips())
def test_keeping_everything_is_the_identity(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    tokens, config = clip
    for rounding in ("exact", "paper"):
        out = compress(tokens.half(), dataclasses.replace(config, retention_ratio=1, rounding=rounding))
        assert torch.equal(out.tokens, tokens.half().flatten(0, 1))
        assert torch.equal(out.assignment, torch.arange(len(out.index)))
        assert not out.trace.replaced.any()


@given(clips())
def test_uniqueness_and_richness_lie_in_their_ranges(clip: tuple[Tensor, InfoMergeConfig]) -> None:
    trace = compress(*clip).trace
    assert (trace.uniqueness > -1e-9).all()
    assert (trace.uniqueness < 2 + 1e-9).all()
    assert (trace.richness > -1e-9).all()
    assert (trace.richness < 1 + 1e-9).all()
