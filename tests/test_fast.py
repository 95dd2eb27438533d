"""Precision "fast" on a CPU: as exact, but for near ties, and what it says of itself."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.clips import SCENES, scenes
from infomerge import EncodedClip, compress, fast, methods
from infomerge.budget import spectral_entropy
from infomerge.fast import float32, squarings
from infomerge.numerics import floor_count
from infomerge.video.samples import sample_names
from tests.agreement import agreement
from tests.clips import RATIOS, configurations, random_clip


@pytest.mark.parametrize("name", sample_names())
def test_agrees_on_sample_clips(name: str) -> None:
    clip = EncodedClip.read(name, num_frames=10)
    for ratio in (0.05, 0.10, 0.15):
        exact = clip.compress(retention_ratio=ratio)
        quick = clip.compress(retention_ratio=ratio, precision="fast")
        found = agreement(exact, quick)
        assert found.segments
        assert found.budgets
        assert found.kept >= 0.995
        assert found.margin < 1e-3
        torch.testing.assert_close(quick.trace.richness, exact.trace.richness, rtol=0, atol=1e-6)


@pytest.mark.parametrize("clip", SCENES)
@pytest.mark.parametrize("ratio", [0.05, 0.10, 0.15])
def test_agrees_on_clips_of_the_benchmarks(clip: str, ratio: float) -> None:
    tokens = scenes(SCENES[clip], 100, 48, seed=3)
    exact, quick = (compress(tokens, retention_ratio=ratio, precision=p) for p in ("exact", "fast"))
    assert exact.trace.lengths.tolist() == list(SCENES[clip])
    found = agreement(exact, quick)
    assert (found.segments, found.budgets) == (True, True)
    assert found.kept >= 0.995
    assert found.margin < 1e-3
    assert found.owners > 0.99


@pytest.mark.parametrize("seed", range(40))
def test_agrees_under_all_options(seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    tokens = random_clip(g, 12, 20, 24).float()
    config = configurations(g, RATIOS[seed % len(RATIOS)])
    saliency = torch.rand(12, 20, generator=g) if seed % 2 else None
    exact, quick = (compress(tokens, config, saliency=saliency, precision=p) for p in ("exact", "fast"))
    found = agreement(exact, quick)
    assert (found.segments, found.budgets) == (True, True)
    assert found.kept >= 0.995
    if found.owners == 1 and found.kept == 1:
        torch.testing.assert_close(quick.tokens, exact.tokens, rtol=1e-4, atol=1e-5)


def test_gives_the_same_bits_again_and_leaves_its_inputs_alone() -> None:
    tokens = scenes(SCENES["tour"], 49, 32)
    before = tokens.clone()
    first, second = (compress(tokens, retention_ratio=0.1, precision="fast") for _ in range(2))
    assert torch.equal(tokens, before)
    for one, other in ((first.tokens, second.tokens), (first.assignment, second.assignment)):
        assert torch.equal(one, other)
    assert torch.equal(first.trace.richness, second.trace.richness)


def test_the_trace_says_what_was_done() -> None:
    tokens = scenes(SCENES["even"], 20, 16)
    assert compress(tokens, retention_ratio=0.2).trace.precision == "exact"
    assert compress(tokens, retention_ratio=0.2, precision="auto").trace.arithmetic == "float64"
    quick = compress(tokens, retention_ratio=0.2, precision="fast").trace
    assert (quick.precision, quick.arithmetic) == ("fast", "float32")
    other = compress(tokens, "tome", retention_ratio=0.2, precision="fast").trace
    assert other.precision == "exact"
    assert other.arithmetic == "float64: precision='fast' does not cover the method 'tome'"


def test_precision_goes_with_the_compressor() -> None:
    quick = methods.make_compressor("fastvid", retention_ratio=0.2, precision="fast")
    assert methods.make_compressor(**quick.to_dict()) == quick
    assert methods.make_compressor(quick, retention_ratio=0.3).precision == "fast"
    assert methods.make_compressor(quick, precision="exact").precision == "exact"
    assert quick(scenes(SCENES["even"], 20, 16)).trace.precision == "fast"
    with pytest.raises(ValueError, match="precision: got 'quick'; expected 'exact', 'fast' or 'auto'"):
        methods.make_compressor(precision="quick")


def test_bad_values_are_told() -> None:
    tokens = scenes(SCENES["even"], 20, 16)
    tokens[3, 2, 1] = math.nan
    with pytest.raises(ValueError, match="tokens: got 1 values that are NaN or infinite"):
        compress(tokens, precision="fast")


class _NoLargeFloat64(TorchDispatchMode):
    """As on a device that has no float64: nothing as large as a frame's features is in it."""

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> object:
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else [out]:
            if isinstance(value, Tensor):
                assert value.dtype != torch.float64 or value.numel() <= 32 * 32, func
        return out


def test_features_never_become_float64() -> None:
    tokens = scenes(SCENES["tour"], 30, 32)
    with _NoLargeFloat64():
        compress(tokens, retention_ratio=0.1, precision="fast")


def _spectra(rank: int) -> dict[str, Tensor]:
    """Spectra that break estimates of the entropy: flat, steep, with one that is most of it, with few alike."""
    j = torch.arange(1, rank + 1, dtype=torch.float64)
    one = torch.zeros(rank, dtype=torch.float64)
    one[0] = 1
    few = (j <= 40).double()
    found = {f"power {power}": j**-power for power in (0.5, 1.0, 1.5, 2.0, 3.0)}
    found |= {"flat": torch.ones_like(j), "one": one, "two alike": (j <= 2).double(), "forty alike": few}
    found |= {f"one and {share} of others": one + share / rank for share in (1.0, 0.2, 1e-2, 1e-4)}
    found |= {"exponential": torch.exp(-j / 20), "slow": torch.exp(-4 * j / rank), "levels": 1 + 49 * (j < rank / 2)}
    return {name: values / values.sum() for name, values in found.items()}


@pytest.mark.parametrize("rank", [2, 30, 196, 784, 1024, 3584])
def test_squarings_are_within_their_bound_for_every_spectrum(rank: int) -> None:
    bound = min(error for most, error in squarings.ERROR_BOUND.items() if rank <= most)
    powers = 2.0 ** torch.arange(len(squarings.COEFFICIENTS), dtype=torch.float64)
    for name, spectrum in _spectra(rank).items():
        terms = -torch.expm1(powers[:, None] * torch.log1p(-spectrum.clamp(max=1 - 1e-16)))
        entropy = terms.sum(1) @ torch.tensor(squarings.COEFFICIENTS, dtype=torch.float64)
        exact = -torch.special.xlogy(spectrum, spectrum).sum()
        assert abs(float(entropy - exact)) <= bound, name


@pytest.mark.parametrize("tokens", [(1, 5), (30, 8), (8, 30), (64, 64), (200, 96)])
def test_entropy_by_squarings_is_that_of_the_eigenvalues(tokens: tuple[int, int]) -> None:
    g = torch.Generator().manual_seed(sum(tokens))
    features = torch.randn(tokens, generator=g) + 2 * torch.randn(tokens[1], generator=g)
    exact = spectral_entropy(features)
    assert float(squarings.squared_spectral_entropy(features)) == pytest.approx(float(exact), abs=2e-4)
    assert float(float32.spectral_entropy(features)) == pytest.approx(float(exact), abs=2e-6)
    padded = torch.zeros(tokens[0] + 3, tokens[1])
    padded[: tokens[0]] = features
    grams = [squarings.smaller_gram(x) for x in (features, padded)]
    by_squarings = [squarings.entropy_by_squarings(gram / gram.diagonal().sum()) for gram in grams]
    assert float(by_squarings[0]) == pytest.approx(float(by_squarings[1]), abs=1e-6)


def test_every_twin_equals_the_step_that_it_stands_for() -> None:
    tokens = scenes(SCENES["tour"], 40, 32)
    exact = compress(tokens, retention_ratio=0.2)
    trace, segments = exact.trace, exact.trace.segments
    for step, twin in float32.TWINS.items():
        wide, narrow = tokens.double(), tokens
        given: dict[str, tuple[tuple, tuple]] = {
            "uniqueness": ((wide, segments), (narrow, segments)),
            "richness": ((wide, segments), (narrow, segments)),
            "content_weight": ((trace.uniqueness, trace.richness, trace.lengths, 0.9, 0.1, 1.2),) * 2,
            "replace_static": ((wide, trace.replaced, segments), (narrow, trace.replaced, segments)),
            "combine": ((exact.plan, wide), (exact.plan, narrow)),
        }
        frames = trace.anchor_frames
        count = floor_count(0.6 * 0.2 * 40)
        candidates = torch.stack(
            [(~torch.isin(torch.arange(40), row)).nonzero()[:, 0] for row in trace.salient[frames]]
        )
        assert candidates.shape == (len(frames), 40 - count)
        given["candidate_density"] = ((wide, frames, candidates, 4), (narrow, frames, candidates, 4))
        ours, theirs = given.pop(step.__name__)
        torch.testing.assert_close(twin(*theirs).double(), step(*ours), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"salient_split": "exact"},
        {"salient_split": "clip", "context_fraction": 0.2},
        {"anchors": "distance"},
        {"anchors": "farthest", "salient_split": "clip"},
        {"static_prior": "aligned", "segmentation": "adaptive"},
    ],
    ids=str,
)
def test_options_beside_the_paper_choose_alike_in_float32(options: dict[str, Any]) -> None:
    tokens = scenes(SCENES["tour"], 49, 96, 6)
    exact, quick = (compress(tokens, retention_ratio=0.1, precision=p, **options) for p in ("exact", "fast"))
    assert (quick.trace.precision, quick.kept) == ("fast", exact.kept)
    assert torch.isin(exact.index, quick.index).double().mean() >= 0.99
    assert torch.equal(quick.trace.salient, exact.trace.salient)


def test_graphs_are_off_unless_asked_for() -> None:
    assert fast.use_graphs is False
    assert {field.name for field in dataclasses.fields(compress(torch.randn(4, 5, 6)).trace)} >= {"precision"}
