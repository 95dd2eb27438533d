"""Colors are those that the file's tags ask for, computed here from the standards' own equations."""

import tomllib
from pathlib import Path

import av
import numpy as np
import pytest

from infomerge.video import read_clip

# Luma weights of red and blue: ITU-R BT.601, BT.709 and BT.2020; and FFmpeg's numbers for them.
WEIGHTS = {"bt601": (0.299, 0.114, 6), "bt709": (0.2126, 0.0722, 1), "bt2020": (0.2627, 0.0593, 9)}
# Luma and both chromas of 8 bits; of more bits, shifted.
SAMPLES = [(81, 90, 240), (145, 54, 34), (41, 240, 110), (120, 128, 128), (200, 100, 140), (60, 150, 120)]


def expected_rgb(sample: tuple[int, int, int], matrix: str, full_range: bool) -> np.ndarray:
    red, blue, _ = WEIGHTS[matrix]
    luma, cb, cr = (float(value) for value in sample)
    luma = luma / 255 if full_range else (luma - 16) / 219
    cb, cr = ((value - 128) / (255 if full_range else 224) for value in (cb, cr))
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.clip(255 * np.array([r, g, b]), 0, 255)


def write_flat_pictures(path: Path, matrix: str, pix_fmt: str, full_range: bool) -> Path:
    shift = 2 if pix_fmt.endswith("10le") else 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = pix_fmt
        stream.codec_context.colorspace = WEIGHTS[matrix][2]
        stream.codec_context.color_range = 2 if full_range else 1
        for number, sample in enumerate(SAMPLES):
            frame = av.VideoFrame(64, 64, pix_fmt)
            for plane, value in zip(frame.planes, sample, strict=True):
                kind = np.uint16 if shift else np.uint8
                plane.update(np.full(plane.buffer_size // kind().itemsize, value << shift, dtype=kind).tobytes())
            frame.pts, frame.colorspace, frame.color_range = number, WEIGHTS[matrix][2], 2 if full_range else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("matrix", WEIGHTS)
def test_colors_follow_the_matrix_the_range_and_the_depth(
    matrix: str, pix_fmt: str, full_range: bool, tmp_path: Path
) -> None:
    clip = read_clip(write_flat_pictures(tmp_path / "a.mkv", matrix, pix_fmt, full_range))
    for image, sample in zip(clip.frames, SAMPLES, strict=True):
        # Rounding, and the fixed-point arithmetic of FFmpeg. The wrong matrix is 10 to 40 levels off.
        assert np.abs(image[20:40, 20:40] - expected_rgb(sample, matrix, full_range)).max() <= 3.5


def test_no_pyav_is_accepted_that_gets_colors_wrong_or_keeps_threads() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    bound = next(item for item in project["optional-dependencies"]["video"] if item.startswith("av>="))
    assert tuple(map(int, bound.removeprefix("av>=").split("."))) >= (17, 1)
