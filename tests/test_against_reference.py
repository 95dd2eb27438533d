"""The core equals a float64 reference that was written from the equations and shares no code with it."""

import numpy as np
import pytest
import torch

from infomerge import Compression, InfoMergeConfig, compress
from tests.clips import RATIOS, configurations, random_clip, structured_clips
from tests.reference import reference

STRUCTURED = dict(structured_clips())


def assert_equals_reference(out: Compression, expected: dict) -> None:
    trace = out.trace
    np.testing.assert_array_equal(trace.segments, expected["segments"])
    np.testing.assert_allclose(trace.transition, expected["transition"], atol=1e-9)
    if expected["static_score"] is not None:
        measured = trace.measured[out.config.static_prior]
        np.testing.assert_allclose(measured, expected["static_score"], atol=1e-5)
    np.testing.assert_array_equal(trace.static, expected["static"])
    np.testing.assert_allclose(trace.uniqueness, expected["uniqueness"], atol=1e-5)
    np.testing.assert_allclose(trace.richness, expected["richness"], atol=1e-5)
    if out.config.allocation == "caba":
        np.testing.assert_allclose(trace.weight, expected["weight"], atol=1e-5)
    np.testing.assert_array_equal(trace.budget, expected["budget"])
    assert [row[row >= 0].tolist() for row in trace.salient] == [row.tolist() for row in expected["salient"]]
    np.testing.assert_allclose(trace.penalized_saliency, expected["penalized_saliency"], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(trace.anchor_frames, np.concatenate(expected["anchor_frames"]))
    np.testing.assert_allclose(trace.density_scores, expected["density_score"], rtol=1e-6, atol=2e-6)
    np.testing.assert_array_equal(out.index, expected["index"])
    np.testing.assert_array_equal(out.is_context, expected["is_context"])
    np.testing.assert_array_equal(out.assignment, expected["assignment"])
    np.testing.assert_allclose(out.tokens, expected["tokens"], rtol=1e-4, atol=1e-9)
    assert out.requested == expected["requested"]


@pytest.mark.parametrize("seed", range(124))
def test_random_clips(seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    size = (int(torch.randint(1, high, (), generator=g)) for high in (20, 26, 24))
    tokens = random_clip(g, *size)
    config = configurations(g, RATIOS[seed % len(RATIOS)])
    saliency = torch.rand(tokens.shape[:2], generator=g) if seed % 3 else None
    features = torch.randn(len(tokens), 5, generator=g).abs() if seed % 4 == 0 else None
    out = compress(tokens, config, saliency=saliency, frame_features=features)
    arrays = [None if given is None else given.double().numpy() for given in (saliency, features)]
    assert_equals_reference(out, reference(tokens.numpy(), config, *arrays))


@pytest.mark.parametrize("draw", range(4))
@pytest.mark.parametrize("name", STRUCTURED)
def test_structured_clips(name: str, draw: int) -> None:
    tokens = STRUCTURED[name]
    g = torch.Generator().manual_seed(draw * 1000 + len(name))
    ratio = RATIOS[int(torch.randint(0, len(RATIOS), (), generator=g))]
    # The first two draws are the presets, which is what people run.
    config = (
        (InfoMergeConfig(retention_ratio=ratio), InfoMergeConfig.fastvid(ratio))[draw]
        if draw < 2
        else configurations(g, ratio)
    )
    # Saliency of few levels, so that its ties are met too.
    saliency = torch.randint(0, 3, tokens.shape[:2], generator=g).double() if draw % 2 else None
    out = compress(tokens, config, saliency=saliency)
    given = None if saliency is None else saliency.numpy()
    assert_equals_reference(out, reference(tokens.numpy(), config, given))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_dtypes_differ_from_float64_by_their_rounding_only(dtype: torch.dtype) -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), 12, 16, 24).to(dtype)
    config = InfoMergeConfig(retention_ratio=0.2)
    out = compress(tokens, config)
    expected = reference(tokens.double().numpy(), config)
    assert out.tokens.dtype == dtype
    np.testing.assert_array_equal(out.index, expected["index"])
    np.testing.assert_array_equal(out.assignment, expected["assignment"])
    torch.testing.assert_close(out.tokens, torch.from_numpy(expected["tokens"]).to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(32, 49, 32), (64, 16, 8)])
@pytest.mark.parametrize("ratio", [0.05, 0.15])
def test_clips_of_real_length(shape: tuple[int, int, int], ratio: float) -> None:
    tokens = random_clip(torch.Generator().manual_seed(11), *shape)
    config = InfoMergeConfig.paper(ratio)
    assert_equals_reference(compress(tokens, config), reference(tokens.numpy(), config))


def test_richness_is_that_of_the_singular_values_in_float64() -> None:
    tokens = random_clip(torch.Generator().manual_seed(5), 16, 49, 96).float()
    trace = compress(tokens, InfoMergeConfig(min_segments=3, segment_threshold=-1)).trace
    for (start, end), measured in zip(trace.segments.tolist(), trace.richness.tolist(), strict=True):
        matrix = tokens[start:end].flatten(0, 1).double().numpy()
        share = np.linalg.svd(matrix, compute_uv=False) ** 2
        share = share[share > 0] / share.sum()
        assert measured == pytest.approx(-(share * np.log(share)).sum() / np.log(min(matrix.shape)), abs=1e-5)
