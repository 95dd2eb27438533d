"""Methods behind one signature: what holds for each, references, and cases that can be worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from infomerge.compression import ClipTrace, infomerge_trace
from infomerge.methods import METHODS, get_method, methods_for, tome
from infomerge.methods.spacing import evenly, share_evenly, spread_order
from infomerge.numerics import group_means
from tests import methods_reference
from tests.clips import RATIOS, random_clip, structured_clips

STRUCTURED = dict(structured_clips())
REFERENCES = {
    "visionzip": methods_reference.visionzip,
    "dycoke": methods_reference.dycoke,
    "tome": methods_reference.tome,
    "uniform-frames": methods_reference.uniform_frames,
    "uniform-positions": methods_reference.uniform_positions,
    "top-saliency": methods_reference.top_saliency,
}
PRUNING = ("uniform-frames", "uniform-positions", "random", "top-saliency")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_equals_reference(name: str, tokens: Tensor, ratio: float, saliency: Tensor) -> None:
    out = METHODS[name](tokens, ratio, saliency)
    expected = REFERENCES[name](tokens.numpy(), saliency.double().numpy(), out.requested)
    np.testing.assert_array_equal(out.index, expected["index"])
    np.testing.assert_array_equal(out.is_context, expected["is_context"])
    np.testing.assert_array_equal(out.assignment, expected["assignment"])
    np.testing.assert_allclose(out.tokens, expected["tokens"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("name", REFERENCES)
def test_random_clips_equal_the_reference(name: str, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    size = (int(torch.randint(1, high, (), generator=g)) for high in (19, 14, 12))
    tokens = random_clip(g, *size)
    assert_equals_reference(name, tokens, RATIOS[seed % len(RATIOS)], torch.rand(tokens.shape[:2], generator=g))


@pytest.mark.parametrize("clip", STRUCTURED)
@pytest.mark.parametrize("name", REFERENCES)
def test_structured_clips_equal_the_reference(name: str, clip: str) -> None:
    tokens = STRUCTURED[clip]
    g = torch.Generator().manual_seed(len(clip))
    # Saliency of few levels, so that its ties are met too.
    saliency = torch.randint(0, 3, tokens.shape[:2], generator=g).double()
    for ratio in (0.07, 0.4):
        assert_equals_reference(name, tokens, ratio, saliency)


@st.composite
def clips(draw: st.DrawFn) -> tuple[Tensor, float]:
    g = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    tokens = random_clip(g, draw(st.integers(1, 18)), draw(st.integers(1, 16)), draw(st.integers(1, 10)))
    if draw(st.booleans()):
        tokens = tokens.round()  # ties, zero tokens
    return tokens, draw(st.floats(0.001, 1))


@pytest.mark.parametrize("name", methods_for())
@settings(max_examples=20)
@given(clips())
def test_every_method_keeps_exactly_the_requested_tokens_and_owns_them_all(
    name: str, clip: tuple[Tensor, float]
) -> None:
    tokens, ratio = clip
    frames, positions, channels = tokens.shape
    out = METHODS[name](tokens, ratio)
    assert out.method == name
    assert out.kept == out.requested == max(1, int(ratio * frames * positions + 0.5))
    assert out.tokens.shape == (out.kept, channels)
    assert (out.index.diff() > 0).all()
    assert 0 <= out.index[0] <= out.index[-1] < frames * positions
    assert out.assignment.shape == (frames * positions,)
    assert torch.equal(out.assignment[out.index], torch.arange(out.kept)), "a kept token does not own itself"
    assert torch.equal(out.assignment.unique(), torch.arange(out.kept))
    assert out.trace.segment_of_frame.shape == (frames,)
    assert out.trace.segments[0, 0] == 0
    assert out.trace.segments[-1, 1] == frames


@pytest.mark.parametrize("name", methods_for())
@settings(max_examples=8)
@given(clips(), st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
def test_every_method_keeps_the_dtype_leaves_its_inputs_and_repeats_itself(
    name: str, clip: tuple[Tensor, float], dtype: torch.dtype
) -> None:
    tokens, ratio = clip[0].to(dtype), clip[1]
    saliency, features = tokens.square().mean(-1), tokens.mean(1)
    before = [given.clone() for given in (tokens, saliency, features)]
    state = torch.random.get_rng_state()
    first, second = (METHODS[name](tokens, ratio, saliency, features) for _ in range(2))
    assert first.tokens.dtype == dtype
    assert torch.equal(first.tokens, second.tokens)
    assert torch.equal(first.assignment, second.assignment)
    assert all(torch.equal(a, b) for a, b in zip(before, (tokens, saliency, features), strict=True))
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator was used"


@pytest.mark.parametrize("name", methods_for())
def test_keeping_everything_is_the_identity(name: str) -> None:
    for tokens in (normal(7, 5, 4).half(), normal(1, 6, 3).float(), normal(5, 1, 3), normal(1, 1, 2)):
        out = METHODS[name](tokens, 1.0)
        assert torch.equal(out.tokens, tokens.flatten(0, 1))
        assert torch.equal(out.assignment, torch.arange(len(out.index)))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_described(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert method.summary
    assert "arXiv" in method.source or method.source == "common practice"
    assert all(departure.endswith(".") for departure in method.departures)
    assert method.departures or method.source == "common practice"


def test_the_names_are_those_of_the_comparison() -> None:
    assert list(METHODS) == [
        "infomerge", "infomerge-adjacent", "table4-none", "table4-tfd", "table4-tfd+uniqueness", "table4-tfd+richness",
        "table4-full", "farthest", "gleanvid", "simplecluster", "evocut", "omniselect", "ott-vid", "tango", "kitoke",
        "v-cast", "flashvid", "unicomp", "holitom", "vidcom2", "token-dynamics", "fastvid", "visionzip", "dycoke",
        "tome", "uniform-frames", "uniform-positions", "random", "top-saliency",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("infomerge", {}),
        ("infomerge-adjacent", {"static_prior": "adjacent"}),
        ("table4-none", {"static_prior": "none", "allocation": "length"}),
        ("table4-tfd", {"allocation": "length"}),
        ("table4-tfd+uniqueness", {"richness_weight": 0.0}),
        ("table4-tfd+richness", {"uniqueness_weight": 0.0}),
        ("table4-full", {}),
    ],
)
@pytest.mark.parametrize("ratio", [0.05, 0.15])
def test_configured_methods_are_compress_with_these_options(name: str, options: dict[str, Any], ratio: float) -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), 16, 25, 8)
    out, expected = METHODS[name](tokens, ratio), compress(tokens, InfoMergeConfig.paper(ratio, **options))
    assert out.config == expected.config
    assert torch.equal(out.index, expected.index)
    assert torch.equal(out.tokens, expected.tokens)


def test_a_ratio_between_the_presets_takes_the_nearest_row_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    out = METHODS["infomerge"](normal(6, 9, 4), 0.06, anchor_interval=2)
    assert (out.config.retention_ratio, out.config.temperature, out.config.static_ratio) == (0.06, 2.0, 0.05)
    assert out.config.anchor_interval == 2
    assert not recwarn.list


@pytest.mark.parametrize("seed", range(6))
def test_fastvid_keeps_what_the_published_algorithm_keeps(seed: int) -> None:
    # 120 tokens at 25 %: 18 salient and 12 context tokens per frame, which 1 to 4 anchor frames share without a rest.
    g = torch.Generator().manual_seed(seed)
    tokens = random_clip(g, 28, 120, 8)
    saliency = torch.rand(28, 120, generator=g, dtype=torch.float64)
    out = METHODS["fastvid"](tokens, 0.25, saliency)
    expected = methods_reference.fastvid(tokens.numpy(), saliency.numpy(), 0.25)
    assert (np.diff(expected["segments"]) <= 16).all(), "the clip does not suit the test"
    np.testing.assert_array_equal(out.trace.segments, expected["segments"])
    np.testing.assert_array_equal(out.trace.salient, expected["salient"])
    np.testing.assert_array_equal(out.trace.budget, expected["budget"])
    np.testing.assert_array_equal(out.trace.anchor_frames, expected["anchor_frames"])
    np.testing.assert_array_equal(out.index, expected["index"])


def test_visionzip_keeps_the_most_salient_of_every_frame_and_merges_the_rest() -> None:
    tokens, saliency = normal(4, 64, 8), torch.rand(4, 64, generator=torch.Generator().manual_seed(1))
    out = METHODS["visionzip"](tokens, 0.25, saliency)  # 16 a frame: 13.5, rounded up, dominant and 2 contextual
    dominant = torch.zeros(256, dtype=torch.bool)
    dominant[out.index[~out.is_context]] = True
    top = torch.zeros_like(saliency, dtype=torch.bool).scatter_(1, saliency.topk(14, dim=1).indices, True)
    assert torch.equal(dominant.view(4, 64), top)
    assert torch.equal(out.frame[out.is_context].bincount(), torch.full((4,), 2))
    flat = tokens.flatten(0, 1)
    assert torch.equal(out.tokens[~out.is_context], flat[out.index[~out.is_context]])
    for token in out.is_context.nonzero().squeeze(1).tolist():
        members = out.members(token)
        assert len(members) > 1
        torch.testing.assert_close(out.tokens[token], flat[members].mean(0))


def test_visionzip_splits_as_its_source_does() -> None:
    out = METHODS["visionzip"](normal(1, 576, 4), 64 / 576)
    assert (int((~out.is_context).sum()), int(out.is_context.sum())) == (54, 10)


@pytest.mark.parametrize(("ratio", "frames_left"), [(0.25, [0, 4, 8, 12]), (1 / 16, [0])])
def test_dycoke_merges_a_still_clip_into_the_first_frames_of_its_windows(ratio: float, frames_left: list[int]) -> None:
    tokens = normal(1, 6, 5).expand(16, 6, 5)
    out = METHODS["dycoke"](tokens, ratio)
    assert out.frame.unique().tolist() == frames_left
    torch.testing.assert_close(out.tokens, tokens.flatten(0, 1)[out.index])
    assert torch.equal(out.position[out.assignment], torch.arange(6).repeat(16)), "a token left its position"


def test_dycoke_keeps_what_changed_against_the_frame_it_is_compared_with() -> None:
    # Position 1 changes at frame 1 and stays so; position 2 is the opposite of itself in frame 2 alone.
    tokens = normal(1, 4, 6).repeat(4, 1, 1)
    tokens[1:, 1], tokens[2, 2] = normal(6, seed=8), -tokens[0, 2]
    out = METHODS["dycoke"](tokens, 7 / 16)  # frame 0, and one token of every other frame
    assert out.index.tolist() == [0, 1, 2, 3, 1 * 4 + 1, 2 * 4 + 2, 3 * 4 + 2]
    # Position 1 of frames 2 and 3 goes into frame 0, with which frame 2 is compared, though frame 1 is like it.
    assert out.members(1).tolist() == [1, 2 * 4 + 1, 3 * 4 + 1]
    torch.testing.assert_close(out.tokens[1], (tokens[0, 1] + 2 * tokens[1, 1]) / 3)


def test_dycoke_windows_are_the_segments() -> None:
    assert METHODS["dycoke"](normal(10, 3, 4), 0.5).trace.segments.tolist() == [[0, 4], [4, 8], [8, 10]]
    assert METHODS["dycoke"](normal(20, 3, 4), 0.15).trace.segments.tolist() == [[0, 16], [16, 20]]
    assert METHODS["dycoke"](normal(20, 3, 4), 0.02).trace.segments.tolist() == [[0, 20]]


def test_tome_merges_exact_duplicates_first() -> None:
    tokens = normal(4, 6, 8)
    tokens[1, 2] = tokens[0, 2]  # the same position, one frame later
    tokens[2, 4] = 3 * tokens[2, 3]  # its neighbour, in the same direction
    out = METHODS["tome"](tokens, 22 / 24)
    groups = [out.members(token).tolist() for token in out.is_context.nonzero().squeeze(1).tolist()]
    assert groups == [[2, 8], [15, 16]]
    torch.testing.assert_close(out.tokens[out.is_context], torch.stack([tokens[0, 2], 2 * tokens[2, 3]]))


def test_tome_weighs_merged_tokens_by_their_size() -> None:
    # One direction, so that everything merges: whatever the order, the last token is the mean of all.
    tokens = torch.arange(1.0, 16).double().view(3, 5, 1)
    out = METHODS["tome"](tokens, 0.01)
    assert out.tokens.item() == pytest.approx(8)


def test_tome_puts_neighbors_in_space_and_time_into_different_sets() -> None:
    in_b = tome._alternate(torch.arange(4).repeat_interleave(6)).view(4, 6)
    assert (in_b[1:] != in_b[:-1]).all()
    assert (in_b[:, 1:] != in_b[:, :-1]).all()
    # Frames that hold no token any more take no turn: two tokens left are always in different sets.
    assert tome._alternate(torch.tensor([0, 2])).tolist() == [False, True]


@pytest.mark.parametrize("name", PRUNING)
def test_pruned_tokens_are_owned_in_their_frame_where_it_keeps_one_and_change_nothing(name: str) -> None:
    tokens = normal(9, 8, 5).bfloat16()
    out = METHODS[name](tokens, 0.2)
    assert torch.equal(out.tokens, tokens.flatten(0, 1)[out.index])
    assert not out.is_context.any()
    owner_frame, own_frame = out.frame[out.assignment], torch.arange(9).repeat_interleave(8)
    keeping = torch.isin(own_frame, out.frame)
    assert torch.equal(owner_frame[keeping], own_frame[keeping])


def test_uniform_frames_are_whole_but_the_last() -> None:
    out = METHODS["uniform-frames"](normal(12, 10, 3), 0.28)  # 34 of 120 tokens
    assert out.frame.unique(return_counts=True)[0].tolist() == [1, 4, 7, 10]
    assert out.frame.bincount(minlength=12).tolist() == [0, 10, 0, 0, 10, 0, 0, 10, 0, 0, 4, 0]


def test_uniform_positions_are_the_same_in_every_frame_and_lie_in_different_columns() -> None:
    out = METHODS["uniform-positions"](normal(6, 49, 3), 7 / 49)
    by_frame = out.position.view(6, 7)
    assert (by_frame == by_frame[0]).all()
    # Every seventh position of the 7 x 7 grid would be one column.
    assert len((by_frame[0] % 7).unique()) >= 6
    assert len((by_frame[0] // 7).unique()) >= 6


def test_random_is_drawn_by_its_seed_alone() -> None:
    method, tokens = METHODS["random"], normal(8, 20, 3)
    assert torch.equal(method(tokens, 0.1).index, method(tokens * 2, 0.1, seed=0).index)
    assert not torch.equal(method(tokens, 0.1).index, method(tokens, 0.1, seed=1).index)
    assert torch.isin(method(tokens, 0.1).index, method(tokens, 0.3).index).all(), "fewer tokens are no subset"
    frames = torch.cat([method(tokens, 0.1, seed=seed).frame for seed in range(40)])
    expected = len(frames) / 8
    assert ((frames.bincount() - expected).abs() < 5 * expected**0.5).all()


def test_random_takes_every_seed_of_63_bits_and_no_other() -> None:
    method, tokens = METHODS["random"], normal(8, 20, 3)
    assert not torch.equal(method(tokens, 0.1, seed=2**63 - 1).index, method(tokens, 0.1, seed=2**62).index)
    for seed in (-1, 2**63, 10**29):
        with pytest.raises(ValueError, match=f"seed: got {seed}; expected whole numbers from 0 to 9223372036854"):
            method(tokens, 0.1, seed=seed)
    with pytest.raises(TypeError, match="seed: got bool; expected a whole number"):
        method(tokens, 0.1, seed=True)


def test_top_saliency_is_that_of_the_clip_with_ties_to_the_lower_index() -> None:
    saliency = torch.tensor([[0.0, 1, 1], [3, 1, 2]])
    assert METHODS["top-saliency"](normal(2, 3, 4), 0.5, saliency).index.tolist() == [1, 3, 5]
    assert METHODS["top-saliency"](normal(2, 3, 4), 0.67, saliency).index.tolist() == [1, 2, 3, 5]


def test_without_saliency_the_tokens_far_from_their_frames_mean_are_salient() -> None:
    tokens = torch.zeros(3, 5, 2, dtype=torch.float64)
    tokens[1, 4, 0] = 9
    tokens[2, 0, 1] = -8
    assert METHODS["top-saliency"](tokens, 2 / 15).index.tolist() == [9, 10]


def test_even_places_are_distinct_ascending_and_in_the_middle() -> None:
    for length in range(1, 30):
        for count in range(1, length + 1):
            places = evenly(length, count)
            assert (places.diff() > 0).all()
            assert torch.equal(share_evenly(length, count).sum(), torch.tensor(length))
        assert sorted(spread_order(length).tolist()) == list(range(length))
    assert evenly(12, 4).tolist() == [1, 4, 7, 10]
    assert share_evenly(7, 5).tolist() == [1, 2, 1, 2, 1]
    assert share_evenly(0, 0).tolist() == []


def test_group_means_are_those_of_numpy() -> None:
    values, group = normal(40, 3), torch.arange(40) % 7
    expected = [values.numpy()[group == k].mean(axis=0) for k in range(7)]
    np.testing.assert_allclose(group_means(values, group, 7), expected)


def test_blocks_of_similarities_do_not_change_the_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = normal(8, 9, 5)
    whole = {name: METHODS[name](tokens, 0.1).assignment for name in REFERENCES}
    monkeypatch.setattr("infomerge.methods.result.BLOCK_ELEMENTS", 30)
    for name, assignment in whole.items():
        assert torch.equal(METHODS[name](tokens, 0.1).assignment, assignment)


@pytest.mark.parametrize("name", methods_for())
@pytest.mark.parametrize(("frames", "positions", "ratio"), [(32, 49, 0.02), (32, 36, 0.02), (16, 16, 0.05)])
def test_a_tokens_own_features_carry_where_segments_keep_no_token(
    name: str, frames: int, positions: int, ratio: float
) -> None:
    tokens = normal(frames, positions, 8)  # noise: every frame is a segment of its own
    out = METHODS[name](tokens, ratio)
    torch.testing.assert_close(out.carry(tokens), out.tokens)
    if name == "infomerge":
        assert not torch.isin(torch.arange(len(out.trace.segments)), out.trace.segment_of_frame[out.frame]).all()


def test_methods_without_infomerges_stages_have_the_part_of_its_trace_that_is_true_of_them() -> None:
    tokens, saliency = normal(6, 4, 5), torch.rand(6, 4)
    out = METHODS["visionzip"](tokens, 0.5, saliency)
    assert type(out.trace) is ClipTrace
    assert out.config is None
    assert out.trace.segments.tolist() == [[0, 6]]
    assert out.trace.segment_of_frame.tolist() == [0] * 6
    assert torch.equal(out.trace.saliency, saliency.double())
    whole = compress(tokens, InfoMergeConfig(min_segments=1, segment_threshold=-1)).trace
    torch.testing.assert_close(out.trace.tfd, whole.tfd)
    torch.testing.assert_close(out.trace.richness, whole.richness)
    with pytest.raises(TypeError, match="budget_chart: got a compression by 'visionzip', which has no budgets"):
        infomerge_trace(out, "budget_chart")


@pytest.mark.parametrize(
    ("name", "ratio", "options", "message"),
    [
        ("tome", 0.0, {}, "retention_ratio\n.*greater than 0"),
        ("random", 1.5, {}, "retention_ratio\n.*less than or equal to 1"),
        ("random", 0.5, {"sead": 1}, "sead: not an option of the method 'random' .did you mean 'seed'"),
        ("tome", 0.5, {"seed": 1}, "seed: not an option of the method 'tome'; its options: none"),
        ("infomerge", 0.5, {"roundin": "paper"}, "roundin: not an option of the method 'infomerge'"),
        ("fastvid", 0.5, {"anchor_interval": 0}, "anchor_interval\n.*greater than or equal to 1"),
    ],
)
def test_bad_options_are_named(name: str, ratio: float, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        METHODS[name](normal(3, 4, 5), ratio, **options)


def test_tokens_that_are_not_finite_are_refused_by_every_method() -> None:
    tokens = normal(3, 4, 5)
    tokens[1, 2, 3] = torch.nan
    for method in methods_for().values():
        with pytest.raises(ValueError, match="tokens: got 1 values that are NaN"):
            method(tokens, 0.5)


def test_an_unknown_method_lists_those_that_there_are() -> None:
    assert get_method("dycoke") is METHODS["dycoke"]
    with pytest.raises(ValueError, match=r"method: got 'visionzap'; expected infomerge, .*visionzip, .*random"):
        get_method("visionzap")
