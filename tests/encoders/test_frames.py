"""What every encoder takes, how frames become its input, and what its encoding goes into."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from infomerge import InfoMergeConfig, compress
from infomerge.encoders import Encoding, VisionTowerEncoder
from infomerge.encoders.base import check_frames, pixel_values
from tests.encoders.towers import (
    half_input,
    noise,
    tiny_siglip,
)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(30, 50), (144, 176), (300, 200)])
def test_resizing_is_that_of_pillow_to_one_level_of_brightness(resample, shape):
    frames = noise(2, *shape)
    ours = pixel_values(frames, 64, (127.0, 100.0, 90.0), (128.0, 64.0, 32.0), resample)
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    resized = [Image.fromarray(frame).resize((64, 64), filters[resample]) for frame in frames]
    expected = (np.stack(resized).astype(np.float64) - [127, 100, 90]) / [128, 64, 32]
    difference = np.abs(ours.numpy().transpose(0, 2, 3, 1) - expected) * [128, 64, 32]
    assert difference.max() < 1.001
    assert difference.mean() < 0.1


def test_frames_of_the_right_size_are_not_touched_by_resizing():
    frames = noise(2, 56, 56)
    assert np.array_equal(pixel_values(frames, 56, (0.0,) * 3, (1.0,) * 3).numpy().transpose(0, 2, 3, 1), frames)


def test_preprocessing_is_that_of_the_siglip_processor(car_frames):
    processor = transformers.SiglipImageProcessorPil(size={"height": 56, "width": 56})
    expected = processor(list(car_frames), return_tensors="pt")["pixel_values"]
    assert (half_input(car_frames) - expected).abs().max() < 1.001 / 127.5


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([[1]], TypeError, "frames: got list; expected a uint8 array"),
        (np.zeros((2, 8, 8, 3)), TypeError, "frames: got dtype float64"),
        (np.zeros((8, 8, 3), np.uint8), ValueError, r"frames: got 3 dimensions, shape \[8, 8, 3\]"),
        (np.zeros((2, 8, 8, 4), np.uint8), ValueError, "frames: got 4 channels"),
        (np.zeros((0, 8, 8, 3), np.uint8), ValueError, r"frames: got none, shape \[0, 8, 8, 3\]"),
        (np.zeros((1, 0, 8, 3), np.uint8), ValueError, r"frames: got none, shape \[1, 0, 8, 3\]"),
    ],
)
def test_frames_that_are_none_are_refused_by_name(efficientnet, frames, error, message):
    with pytest.raises(error, match=message):
        check_frames(frames)
    # Under the type-checking import hook the methods themselves are one layer down.
    for encoder in (efficientnet, VisionTowerEncoder(tiny_siglip())):
        with pytest.raises(error, match=message):
            inspect.unwrap(type(encoder).__call__)(encoder, frames)


def test_an_encoding_refuses_a_grid_that_does_not_hold_its_positions():
    with pytest.raises(ValueError, match=r"grid: got 2 x 2; expected .* 6 positions"):
        Encoding(torch.zeros(1, 6, 2), None, None, (2, 2), "none")


def test_importing_the_encoders_does_not_import_transformers():
    code = "import infomerge.encoders, sys; print({'transformers', 'torchvision'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_encodings_go_straight_into_compress(car_frames, car_encoding):
    config = InfoMergeConfig(retention_ratio=0.1)
    for encoding in (car_encoding, VisionTowerEncoder(tiny_siglip())(car_frames)):
        compression = compress(
            encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features
        )
        assert compression.kept == round(0.1 * encoding.tokens.shape[0] * encoding.tokens.shape[1])
