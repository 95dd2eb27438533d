"""The GPU kernels against the exact core. Needs a CUDA device and Triton; says so where there is none."""

from importlib.util import find_spec
from typing import Any

import pytest
import torch

from benchmarks.clips import SCENES, scenes
from infomerge import Compression, compress, fast
from tests.agreement import agreement

pytestmark = pytest.mark.skipif(
    not (torch.cuda.is_available() and find_spec("triton")), reason="no CUDA device with Triton here"
)


def _both(tokens: torch.Tensor, **options: Any) -> tuple[Compression, Compression]:
    exact, quick = (compress(tokens, precision=p, **options) for p in ("exact", "fast"))
    assert quick.trace.arithmetic == "GPU kernels"
    return exact, quick


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.15, 0.5])
@pytest.mark.parametrize("clip", SCENES)
def test_kernels_agree_with_the_core(clip: str, ratio: float, dtype: torch.dtype) -> None:
    exact, quick = _both(scenes(SCENES[clip], 196, 896, 5, dtype, "cuda"), retention_ratio=ratio)
    found = agreement(exact, quick)
    assert (found.segments, found.budgets) == (True, True)
    assert found.kept >= 0.995
    assert found.owners >= 0.99
    a, b = exact.trace, quick.trace
    torch.testing.assert_close(b.richness, a.richness, rtol=0, atol=1e-4)
    torch.testing.assert_close(b.uniqueness, a.uniqueness, rtol=0, atol=1e-7)
    torch.testing.assert_close(b.tfd, a.tfd, rtol=0, atol=1e-5, equal_nan=True)
    torch.testing.assert_close(b.transition, a.transition, rtol=0, atol=1e-6)
    torch.testing.assert_close(b.weight, a.weight, rtol=1e-3, atol=1e-3)
    assert torch.equal(b.length_budget, a.length_budget)
    assert (b.static != a.static).sum() <= 2
    assert torch.equal(b.anchor_frames, a.anchor_frames)
    assert torch.equal(b.anchor_quota, a.anchor_quota)


@pytest.mark.parametrize(
    "options",
    [
        {"allocation": "length"},
        {"static_prior": "none"},
        {"min_segments": 1, "segment_threshold": -1.0},
        {"neighbors": 1, "anchor_interval": 1},
        {"static_ratio": 0.5, "static_penalty": 0.5},
        {"temperature": 10.0},
        {"context_fraction": 1.0},
        {"merge_weight": 0.0},
    ],
    ids=str,
)
def test_kernels_cover_options(options: dict[str, Any]) -> None:
    found = agreement(*_both(scenes(SCENES["tour"], 100, 320, 1, device="cuda"), retention_ratio=0.1, **options))
    assert (found.segments, found.budgets) == (True, True)
    assert found.kept >= 0.995


@pytest.mark.parametrize(
    "options",
    [
        {"rounding": "paper"},
        {"merge_scope": "anchor_frame"},
        {"static_prior": "adjacent"},
        {"static_prior": "aligned"},
        {"segmentation": "adaptive"},
        {"salient_split": "exact"},
        {"anchors": "distance"},
        {"anchors": "farthest"},
    ],
)
def test_what_kernels_do_not_cover_is_named(options: dict[str, Any]) -> None:
    tokens = scenes(SCENES["tour"], 100, 320, device="cuda")
    ((name, value),) = options.items()
    quick = compress(tokens, retention_ratio=0.1, precision="fast", **options)
    assert quick.trace.arithmetic == f"float32; not GPU kernels: {name}={value!r}"
    assert agreement(compress(tokens, retention_ratio=0.1, **options), quick).kept >= 0.995


def test_tokens_and_merges_are_those_of_the_core() -> None:
    tokens = scenes(SCENES["tour"], 60, 128, 2, device="cuda")
    exact, quick = _both(tokens, retention_ratio=0.2)
    assert torch.equal(exact.index, quick.index)
    assert torch.equal(exact.assignment, quick.assignment)
    assert torch.equal(exact.plan.source, quick.plan.source)
    assert torch.equal(exact.plan.target, quick.plan.target)
    torch.testing.assert_close(quick.tokens, exact.tokens, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(quick.carry(tokens), exact.carry(tokens), rtol=1e-5, atol=1e-6)
    as_given = ~(exact.is_context | exact.trace.replaced.flatten()[exact.index])
    assert as_given.any()
    assert torch.equal(quick.tokens[as_given], exact.tokens[as_given])


def test_nothing_waits_for_the_gpu_and_graphs_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = scenes(SCENES["long"], 196, 896, 4, torch.bfloat16, "cuda")
    first = compress(tokens, retention_ratio=0.1, precision="fast")
    torch.cuda.set_sync_debug_mode("error")
    try:
        second = compress(tokens, retention_ratio=0.1, precision="fast")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    monkeypatch.setattr(fast, "use_graphs", True)
    for other in (second, *(compress(tokens, retention_ratio=0.1, precision="fast") for _ in range(2))):
        assert torch.equal(first.tokens, other.tokens)
        assert torch.equal(first.assignment, other.assignment)
        assert torch.equal(first.trace.richness, other.trace.richness)


def test_bad_values_are_told_when_the_trace_is_read() -> None:
    tokens = scenes(SCENES["even"], 60, 64, device="cuda")
    tokens[3, 2, 1] = torch.nan
    out = compress(tokens, retention_ratio=0.2, precision="fast")
    assert len(out.tokens) == out.requested
    assert int(out.index.max()) < 32 * 60
    with pytest.raises(ValueError, match="tokens: got 1 values that are NaN or infinite"):
        _ = out.trace.budget


def test_equal_tokens_have_equal_budgets() -> None:
    exact, quick = _both(torch.ones(9, 36, 64, device="cuda"), retention_ratio=0.2)
    assert torch.equal(exact.trace.budget, quick.trace.budget)
