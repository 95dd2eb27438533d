"""PatchPixelEncoder against the pixels themselves."""

import itertools

import numpy as np
import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.encoders import PatchPixelEncoder
from tests.encoders.towers import (
    noise,
)


def test_patch_pixels_are_each_patches_own_pixels_less_their_mean():
    frames = noise(3, 24, 24)
    encoding = PatchPixelEncoder(image_size=24, patch_size=8)(frames)
    assert (encoding.grid, tuple(encoding.tokens.shape), encoding.tokens.dtype) == ((3, 3), (3, 9, 192), torch.float32)
    for frame, row, column in itertools.product(range(3), repeat=3):
        patch = frames[frame, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].astype(np.float64) / 255
        expected = (patch - patch.mean()).transpose(2, 0, 1).ravel()
        np.testing.assert_allclose(encoding.tokens[frame, 3 * row + column], expected, atol=1e-6)
    assert (encoding.saliency, encoding.frame_features, encoding.saliency_source) == (None, None, "none")


def test_patch_pixels_see_nothing_but_their_patch():
    frames = noise(2, 32, 32)
    changed = frames.copy()
    changed[1, 8:16, 16:24] = 255 - changed[1, 8:16, 16:24]
    encoder = PatchPixelEncoder(image_size=32, patch_size=8)
    differs = (encoder(frames).tokens != encoder(changed).tokens).any(dim=2)
    assert differs.nonzero().tolist() == [[1, 6]]


def test_patch_pixels_take_frames_of_any_size_and_do_not_mix_them(car_frames):
    encoder = PatchPixelEncoder()
    together = encoder(car_frames)
    assert tuple(together.tokens.shape) == (3, 196, 768)
    assert torch.equal(together.tokens[1:2], encoder(car_frames[1:2]).tokens)
    assert together.tokens.mean(dim=2).abs().max() < 1e-6
    gray = np.full((1, 50, 70, 3), 90, dtype=np.uint8)
    assert not encoder(gray).tokens.any()
    out = compress(together.tokens, InfoMergeConfig(retention_ratio=0.1))
    assert out.kept == 59


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"patch_size": 0}, "patch_size: got 0; expected integers from 1"),
        ({"image_size": 100, "patch_size": 16}, "image_size: got 100; expected positive multiples of 16"),
        ({"image_size": 0}, "image_size: got 0; expected positive multiples of 16"),
    ],
)
def test_patch_pixels_refuse_sizes_that_do_not_divide(sizes, message):
    with pytest.raises(ValueError, match=message):
        PatchPixelEncoder(**sizes)
