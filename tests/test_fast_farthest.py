"""Farthest points at precision "fast": its steps in torch against the exact core, and its kernels against those."""

from importlib.util import find_spec
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.clips import SCENES, scenes
from infomerge import compress, fast
from infomerge.budget import requested_tokens, salient_total
from infomerge.farthest import FarthestOptions
from infomerge.fast import farthest
from tests.clips import random_clip, structured_clips

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
by_kernels = pytest.mark.skipif(
    not (torch.cuda.is_available() and find_spec("triton")), reason="no CUDA device with Triton here"
)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"time_scale": None, "context_fraction": 1.0},
    {"time_scale": 0.8, "saliency_exponent": 0.0, "context_fraction": 0.1},
    {"salient_split": "exact", "saliency_exponent": 4},
    {"salient_split": "clip", "context_fraction": 0.7},
]


def in_torch(tokens: Tensor, saliency: Tensor | None, ratio: float, options: dict[str, Any]) -> dict[str, Tensor]:
    """The fast steps without kernels, where `fast.farthest.compress` takes them only on a GPU."""
    chosen, (frames, positions, _) = FarthestOptions(**options), tokens.shape
    requested = requested_tokens(frames, positions, ratio)
    salient = salient_total(frames, requested / frames, chosen.context_fraction, chosen.salient_split)
    kept, out = farthest.run(tokens, saliency, None, chosen, farthest.Sizes(frames, positions, requested, salient))
    return out | {"tokens": kept}


@st.composite
def clips(draw: st.DrawFn) -> tuple[Tensor, Tensor, float]:
    g = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    tokens = random_clip(g, draw(st.integers(1, 18)), draw(st.integers(1, 16)), draw(st.integers(2, 10))).float()
    if draw(st.booleans()):
        tokens = tokens.round()  # ties, zero tokens
    # Saliency apart enough that float32 has the order of float64.
    saliency = torch.randperm(tokens[..., 0].numel(), generator=g).view(tokens.shape[:2]) / 100 + 0.1
    return tokens, saliency, draw(st.floats(0.01, 0.9))


@settings(max_examples=60)
@given(clips(), st.sampled_from(OPTIONS))
def test_the_steps_in_float32_give_a_whole_compression(
    clip: tuple[Tensor, Tensor, float], options: dict[str, Any]
) -> None:
    tokens, saliency, ratio = clip
    exact = compress(tokens, "farthest", retention_ratio=ratio, saliency=saliency, **options)
    quick = in_torch(tokens, saliency, ratio, options)
    assert len(quick["index"]) == exact.requested
    assert (quick["index"].diff() > 0).all()
    assert torch.equal(quick["tokens"], tokens.flatten(0, 1)[quick["index"]])
    assert torch.equal(quick["assignment"][quick["index"]], torch.arange(exact.kept))
    assert torch.equal(quick["index"][~quick["is_context"]], exact.index[~exact.is_context]), "the salient ones"


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_the_steps_in_float32_choose_as_the_exact_core_does(options: dict[str, Any], seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    tokens = random_clip(g, 12, 20, 32).float()
    saliency = torch.rand(12, 20, generator=g) + 0.1
    exact = compress(tokens, "farthest", retention_ratio=0.2, saliency=saliency, **options)
    quick = in_torch(tokens, saliency, 0.2, options)
    assert torch.equal(quick["index"], exact.index)
    assert torch.equal(quick["is_context"], exact.is_context)
    assert torch.equal(quick["assignment"], exact.assignment)


@pytest.mark.parametrize("name", [name for name, tokens in structured_clips() if tokens[..., 0].numel() > 3])
def test_equal_tokens_stay_equal_in_float32(name: str) -> None:
    tokens = dict(structured_clips())[name].float()
    saliency = torch.ones(tokens.shape[:2])
    exact = compress(tokens, "farthest", retention_ratio=0.3, saliency=saliency, time_scale=None)
    quick = in_torch(tokens, saliency, 0.3, {"time_scale": None})
    agreeing = torch.isin(quick["index"], exact.index).double().mean()
    assert agreeing == 1 if tokens.shape[0] < 10 else agreeing > 0.8


def test_without_a_gpu_the_exact_steps_are_taken_and_the_trace_says_so() -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), 8, 12, 6)
    quick = compress(tokens, "farthest", retention_ratio=0.2, precision="fast")
    exact = compress(tokens, "farthest", retention_ratio=0.2)
    assert torch.equal(quick.index, exact.index)
    assert torch.equal(quick.assignment, exact.assignment)
    assert (quick.trace.precision, quick.trace.arithmetic) == ("exact", "float64: not by GPU kernels: no CUDA")


@on_gpu
@pytest.mark.parametrize(
    ("options", "reason"),
    [({"scope": "segment"}, "scope='segment'"), ({"merge_weight": 0.6}, "merge_weight=0.6"),
     ({"saliency_exponent": 5}, "saliency_exponent=5"), ({"place_directions": 3}, "place_directions=3"),
     ({"place_scale": 0.5}, "place_scale=0.5"), ({"retention_ratio": 1.0}, "retention_ratio=1")],
)  # fmt: skip
def test_what_the_gpu_form_does_not_cover_is_exact_and_named(options: dict[str, Any], reason: str) -> None:
    tokens = scenes(SCENES["tour"], 60, 64, device="cuda")
    options = {"retention_ratio": 0.1} | options
    quick, exact = (compress(tokens, "farthest", precision=p, **options) for p in ("fast", "exact"))
    assert quick.trace.arithmetic == f"float64: not by GPU kernels: {reason}"
    assert torch.equal(quick.index, exact.index)
    assert torch.equal(quick.tokens, exact.tokens)


@by_kernels
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", farthest.DTYPES)
@pytest.mark.parametrize("clip", SCENES)
def test_kernels_give_the_bits_of_the_steps_in_torch(
    clip: str, dtype: torch.dtype, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = scenes(SCENES[clip], 100, 320, 5, dtype, "cuda")
    quick = compress(tokens, "farthest", retention_ratio=0.1, precision="fast", **options)
    assert quick.trace.arithmetic == "GPU kernels"
    monkeypatch.setattr(farthest, "_stages", lambda tokens: (farthest.nearest_chosen, farthest.choose))
    expected = in_torch(tokens, None, 0.1, options)
    assert torch.equal(quick.index, expected["index"])
    assert torch.equal(quick.is_context, expected["is_context"])
    assert torch.equal(quick.assignment, expected["assignment"])
    assert torch.equal(quick.tokens, expected["tokens"])


@by_kernels
@pytest.mark.parametrize("ratio", [0.02, 0.05, 0.1, 0.15])
@pytest.mark.parametrize("clip", SCENES)
def test_kernels_agree_with_the_exact_core(clip: str, ratio: float) -> None:
    tokens = scenes(SCENES[clip], 196, 896, 5, torch.bfloat16, "cuda")
    exact, quick = (compress(tokens, "farthest", retention_ratio=ratio, precision=p) for p in ("exact", "fast"))
    assert quick.kept == exact.kept
    assert torch.isin(exact.index, quick.index).double().mean() >= 0.99
    assert (exact.index[exact.assignment] == quick.index[quick.assignment]).double().mean() >= 0.98


@by_kernels
def test_nothing_waits_for_the_gpu_and_graphs_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = scenes(SCENES["long"], 196, 896, 4, torch.bfloat16, "cuda")

    def run() -> Any:
        return compress(tokens, "farthest", retention_ratio=0.1, precision="fast")

    first = run()
    torch.cuda.set_sync_debug_mode("error")
    try:
        second = run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    monkeypatch.setattr(fast, "use_graphs", True)
    for other in (second, run(), run()):
        assert torch.equal(first.tokens, other.tokens)
        assert torch.equal(first.assignment, other.assignment)
        assert torch.equal(first.trace.saliency, other.trace.saliency)


@by_kernels
def test_bad_values_are_told_when_the_trace_is_read() -> None:
    tokens = scenes(SCENES["even"], 60, 64, device="cuda")
    tokens[3, 2, 1] = torch.nan
    out = compress(tokens, "farthest", retention_ratio=0.2, precision="fast")
    assert len(out.tokens) == out.requested
    assert int(out.index.max()) < 32 * 60
    with pytest.raises(ValueError, match="tokens: got 1 values that are NaN or infinite"):
        _ = out.trace.segments
