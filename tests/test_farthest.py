"""Salient farthest points: equal to a slow reference, and what must hold of them on any clip."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infomerge import compress, farthest
from infomerge.farthest import directions, farthest_points, owners, saliency_log_weight, without_place
from infomerge.methods import METHODS, make_compressor
from infomerge.methods.checks import check_method
from infomerge.methods.farthest import FarthestOptions
from tests import farthest_reference
from tests.clips import RATIOS, random_clip, structured_clips

STRUCTURED = dict(structured_clips())
OPTIONS: list[dict[str, Any]] = [
    {},
    {"time_scale": None, "context_fraction": 1.0},
    {"time_scale": 0.5, "saliency_exponent": 0.0, "merge_weight": 0.0},
    {"salient_split": "exact", "saliency_exponent": 3, "merge_weight": 0.6},
    {"salient_split": "clip", "time_scale": 20.0, "context_fraction": 0.2},
    {"scope": "segment", "min_segments": 3},
    {"scope": "segment", "allocation": "caba", "time_scale": None, "merge_weight": 0.3, "salient_split": "clip"},
    {"place_scale": 0.4, "saliency_exponent": 0.7},
    {"place_scale": 0.2, "scope": "segment", "time_scale": 3.0, "columns": 1},
]
WITHOUT_PLACE: list[dict[str, Any]] = [
    {"place_directions": 2},
    {"place_directions": 30, "context_fraction": 1.0},
    {"place_directions": 3, "place_scale": 0.4, "merge_weight": 0.6, "scope": "segment"},
]
"""Not for structured clips, in which directions of equal strength leave open which of them go."""


def assert_equals_reference(tokens: Tensor, ratio: float, saliency: Tensor, options: dict[str, Any]) -> None:
    out = compress(tokens, "farthest", retention_ratio=ratio, saliency=saliency, **options)
    expected = farthest_reference.farthest(
        tokens.double().numpy(), saliency.double().numpy(), out.requested, FarthestOptions(**options)
    )
    np.testing.assert_array_equal(out.index, expected["index"])
    np.testing.assert_array_equal(out.is_context, expected["is_context"])
    np.testing.assert_array_equal(out.assignment, expected["assignment"])
    np.testing.assert_allclose(out.tokens, expected["tokens"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", OPTIONS + WITHOUT_PLACE, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_random_clips_equal_the_reference(options: dict[str, Any], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farthest, "POOL", 1 + 5 * seed)
    g = torch.Generator().manual_seed(seed)
    size = (int(torch.randint(1, high, (), generator=g)) for high in (15, 12, 9))
    tokens = random_clip(g, *size)
    assert_equals_reference(tokens, RATIOS[seed], torch.rand(tokens.shape[:2], generator=g), options)


@pytest.mark.parametrize("clip", STRUCTURED)
def test_structured_clips_equal_the_reference(clip: str) -> None:
    tokens = STRUCTURED[clip]
    g = torch.Generator().manual_seed(len(clip))
    # Saliency of few levels, so that its ties are met too, and of both signs.
    saliency = torch.randint(-1, 3, tokens.shape[:2], generator=g).double()
    for options in OPTIONS:
        assert_equals_reference(tokens, 0.2, saliency, options)


@pytest.mark.parametrize("options", OPTIONS + WITHOUT_PLACE, ids=str)
def test_every_form_keeps_what_methods_promise(options: dict[str, Any]) -> None:
    check_method("farthest", **options)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, int, float | None]:
    g = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    tokens = random_clip(g, draw(st.integers(1, 18)), draw(st.integers(1, 16)), draw(st.integers(1, 10)))
    if draw(st.booleans()):
        tokens = tokens.round()  # ties, zero tokens
    chosen = torch.rand(tokens.shape[:2], generator=g) < draw(st.sampled_from([0.0, 0.1, 0.5]))
    count = draw(st.integers(0, int((~chosen).sum())))
    weight = saliency_log_weight(torch.rand(tokens.shape[:2], generator=g, dtype=torch.float64), 1.0)
    return directions(tokens), weight, chosen, count, draw(st.sampled_from([None, 0.7, 4.0]))


@settings(max_examples=60)
@given(problems(), st.integers(1, 40))
def test_a_pool_of_any_size_gives_what_a_loop_over_all_tokens_gives(
    problem: tuple[Tensor, Tensor, Tensor, int, float | None], pool: int
) -> None:
    whole = farthest_points(*problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(farthest, "POOL", pool)
        pooled = farthest_points(*problem)
    assert torch.equal(pooled.chosen, whole.chosen)
    if whole.chosen.any():
        assert torch.equal(owners(pooled), owners(whole))


@settings(max_examples=60)
@given(problems())
def test_all_frames_at_once_give_what_frame_by_frame_gives(
    problem: tuple[Tensor, Tensor, Tensor, int, float | None],
) -> None:
    one_by_one = farthest_points(*problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(farthest, "FRAME_BY_FRAME", ())
        at_once = farthest_points(*problem)
    assert torch.equal(at_once.chosen, one_by_one.chosen)
    if one_by_one.chosen.any():
        assert torch.equal(owners(at_once), owners(one_by_one))


@settings(max_examples=60)
@given(problems())
def test_more_points_only_join_those_of_fewer(problem: tuple[Tensor, Tensor, Tensor, int, float | None]) -> None:
    vectors, weight, chosen, count, scale = problem
    before = farthest_points(vectors, weight, chosen, count // 2, scale).chosen
    after = farthest_points(vectors, weight, chosen, count, scale).chosen
    assert int(after.sum()) == int(chosen.sum()) + count
    assert (after | ~before).all()
    assert (before | ~chosen).all()


def test_without_weight_and_time_it_is_farthest_point_clustering() -> None:
    # Of four directions two and two are alike. The first is the first token; the next are the other directions.
    base = torch.eye(4, dtype=torch.float64)
    tokens = torch.stack([base[0], 2 * base[0], base[1], base[2], 3 * base[2], base[3]])[None]
    out = compress(
        tokens, "farthest", retention_ratio=4 / 6, context_fraction=1.0, saliency_exponent=0.0, time_scale=None
    )
    assert out.index.tolist() == [0, 2, 3, 5]
    assert out.assignment.tolist() == [0, 0, 1, 2, 2, 3]


def test_what_flashes_is_kept_and_what_stands_still_is_kept_again_after_some_time() -> None:
    tokens = torch.zeros(16, 4, 8, dtype=torch.float64)
    tokens[..., 0] = 1.0
    tokens[7, 2] = torch.eye(8, dtype=torch.float64)[5]
    flash = 7 * 4 + 2
    even = torch.ones(16, 4)
    two = compress(tokens, "farthest", retention_ratio=2 / 64, saliency=even, context_fraction=1.0, time_scale=None)
    assert two.index.tolist() == [0, flash]
    three = compress(tokens, "farthest", retention_ratio=3 / 64, saliency=even, context_fraction=1.0, time_scale=4.0)
    assert three.index.tolist() == [0, flash, 15 * 4]
    assert three.assignment.view(16, 4)[:, 1].tolist() == [0] * 8 + [2] * 8, "the nearer in time owns"


def test_the_code_of_place_goes_and_content_stays() -> None:
    # Two channels tell row and column, the other six show independent noise, which has no mean over many frames.
    g = torch.Generator().manual_seed(3)
    content = torch.zeros(400, 12, 8, dtype=torch.float64)
    content[..., 2:] = torch.randn(400, 12, 6, generator=g, dtype=torch.float64)
    tokens = content.clone()
    tokens[..., 0] = 10 * (torch.arange(12) // 4)
    tokens[..., 1] = 10 * (torch.arange(12) % 4)
    left = without_place(tokens, 2)
    assert left[..., 2:].sub(content[..., 2:]).abs().max() < 0.2
    # What all positions have in common is no place: of the code only its mean over the positions is left.
    assert left[..., :2].std(dim=(0, 1)).max() < 0.1
    torch.testing.assert_close(without_place(tokens, 30), torch.zeros_like(tokens), msg="nothing but place is left")


def test_what_looks_alike_elsewhere_is_another_thing_where_place_counts() -> None:
    tokens = torch.zeros(8, 9, 4, dtype=torch.float64)
    tokens[..., 0] = 1.0
    even = torch.ones(8, 9)
    options = {"saliency": even, "retention_ratio": 2 / 72, "context_fraction": 1.0}
    out = compress(tokens, "farthest", **options, place_scale=0.4)
    assert out.index.tolist() == [0, 8], "the corner across"
    assert out.assignment.view(8, 9)[5].tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 1]
    with pytest.raises(ValueError, match="columns: got 2; expected a divisor of the 9 positions"):
        compress(tokens, "farthest", **options, place_scale=0.4, columns=2)


def test_saliency_of_any_scale_and_sign_weighs() -> None:
    saliency = torch.tensor([[1.0, 3.0, 0.0, -5.0]], dtype=torch.float64)
    expected = torch.tensor([[1.0, 3.0, 1e-4, 1e-4]]).double().log()
    torch.testing.assert_close(saliency_log_weight(saliency, 1.0), expected)
    torch.testing.assert_close(saliency_log_weight(saliency * 1e300, 0.5), expected / 2)
    assert (saliency_log_weight(-saliency.abs(), 1.0) == 0).all()


def test_at_full_merge_weight_tokens_keep_their_bits() -> None:
    tokens = random_clip(torch.Generator().manual_seed(1), 9, 12, 7).bfloat16()
    out = compress(tokens, "farthest", retention_ratio=0.3)
    assert torch.equal(out.tokens, tokens.flatten(0, 1)[out.index])
    assert out.is_context.any()
    assert (~out.is_context).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_scale": 0}, "time_scale"),
        ({"context_fraction": 1.5}, "context_fraction"),
        ({"scope": "frame"}, "scope"),
        ({"place_directions": -1}, "place_directions"),
        ({"place_scale": 0}, "place_scale"),
        ({"salient_split": "even"}, "salient_split"),
        ({"saliency_exponent": float("nan")}, "saliency_exponent"),
        ({"time_scales": 3}, "did you mean 'time_scale'"),
    ],
)
def test_options_out_of_range_are_told_when_the_method_is_asked_for(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_compressor("farthest", retention_ratio=0.1, **options)


def test_its_options_go_through_json_and_none_can_be_typed() -> None:
    compressor = make_compressor("farthest", retention_ratio=0.2, time_scale=None, scope="segment")
    plain = json.loads(json.dumps(compressor.to_dict()))
    assert make_compressor(**plain) == compressor
    assert METHODS["farthest"].options == tuple(FarthestOptions.__dataclass_fields__)
    tokens = random_clip(torch.Generator().manual_seed(2), 8, 9, 5)
    typed = compress(tokens, "farthest", retention_ratio=0.2, time_scale="none", scope="segment")
    assert torch.equal(typed.index, compressor(tokens).index)
