"""Frames as the vision towers of Video-LLMs take them: resized, normalized, and cut into patches.

The video processors of transformers do this with torchvision. Here it is done with torch alone, from the same settings
of the checkpoint and with the same rounding: frames stay whole pixel values until they are normalized.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from packaging.version import Version
from torch import Tensor
from torch.nn import functional

from infomerge.encoders.normalization import CLIP_MEAN, CLIP_STD, HALF

CLIP = {"image_mean": CLIP_MEAN, "image_std": CLIP_STD}
HALF_UNIT = {"image_mean": HALF, "image_std": HALF}
BICUBIC = {"resample": 3, "rescale_factor": 1 / 255}
LANCZOS = {"resample": 1, "rescale_factor": 1 / 255}

MOST_UNEQUAL = 200
"""The largest ratio of a frame's sides that the models with sizes of any shape accept."""

# By Pillow's numbers, which checkpoints store. Before torch 2.12 there was no Lanczos filter, and transformers took the
# bicubic one in its place.
_FILTERS = {
    1: "lanczos" if Version(torch.__version__) >= Version("2.12") else "bicubic",
    2: "bilinear",
    3: "bicubic",
}


def resized(
    frames: UInt8[Tensor, "frames 3 height width"], size: tuple[int, int], resample: int
) -> UInt8[Tensor, "frames 3 rows columns"]:
    """Frames of another size, filtered against aliasing and rounded to whole pixel values.

    Args:
        frames: RGB.
        size: height and width to resize to.
        resample: the filter: 1 Lanczos, 2 bilinear, 3 bicubic.

    Raises:
        ValueError: `resample` is another number.
    """
    if resample not in _FILTERS:
        raise ValueError(f"resample in the checkpoint's preprocessing: got {resample}; expected {list(_FILTERS)}")
    if size == tuple(frames.shape[2:]):
        return frames
    return functional.interpolate(frames, size=size, mode=_FILTERS[resample], antialias=True)


def as_pixels(frames: UInt8[np.ndarray, "frames height width 3"]) -> UInt8[Tensor, "frames 3 height width"]:
    """Frames with the channels first."""
    # A copy, because torch takes neither negative strides nor, without a warning, read-only memory.
    return torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).contiguous()


def normalized(
    pixels: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
) -> Float[Tensor, "frames 3 height width"]:
    """(pixel * rescale_factor - mean) / std, in float32, by the checkpoint's `image_mean`, `image_std` ..."""
    scale = settings["rescale_factor"]
    mean, std = (
        torch.tensor(settings[name], dtype=torch.float32, device="cpu").view(3, 1, 1)
        for name in ("image_mean", "image_std")
    )
    # In this order, as transformers does it, so that not even the last bit differs.
    return (pixels.float() - mean * (1 / scale)) / (std * (1 / scale))


def cropped(pixels: UInt8[Tensor, "frames 3 height width"], size: Any) -> UInt8[Tensor, "frames 3 rows columns"]:
    """The middle of frames, of a size {"height": ..., "width": ...}.

    Raises:
        ValueError: the frames are smaller, or the size has another form.
    """
    height, width = pixels.shape[2:]
    match size:
        case {"height": int(rows), "width": int(columns)} if rows <= height and columns <= width:
            top, left = (height - rows) // 2, (width - columns) // 2
            return pixels[:, :, top : top + rows, left : left + columns]
    raise ValueError(
        f"crop_size in the checkpoint's preprocessing: got {size} for frames resized to {height} x {width}; expected "
        "a height and a width that fit into them"
    )


def shortest_side(height: int, width: int, side: int) -> tuple[int, int]:
    """The size at which the shorter side is `side`, and the aspect ratio is kept."""
    if height < width:
        return side, int(side * width / height)
    return int(side * height / width), side


def longest_side(height: int, width: int, side: int) -> tuple[int, int]:
    """The size at which the longer side is `side`; the other one is even, so that the aspect ratio is about kept."""
    shorter = int(side / (max(height, width) / min(height, width)))
    shorter = max(shorter + shorter % 2, 1)
    return (shorter, side) if width >= height else (side, shorter)


def whole_patches(
    height: int, width: int, factor: int, least: int, most: int, frames: int = 1, counted: int = 1
) -> tuple[int, int]:
    """The size nearest to a frame's own whose sides are multiples of `factor` and whose pixels lie in a range.

    Args:
        height: of the frame.
        width: of the frame.
        factor: side in pixels of the square that becomes one token.
        least: pixels, of a frame or of all frames.
        most: pixels, of a frame or of all frames.
        frames: 1, or the number of frames, where the range is one of all frames.
        counted: the number of frames that is compared with the range, which may be a rounded one.

    Raises:
        ValueError: one side is more than 200 times as long as the other.
    """
    if max(height, width) > MOST_UNEQUAL * min(height, width):
        raise ValueError(
            f"frames: got {height} x {width} pixels; expected sides of which one is at most {MOST_UNEQUAL} times "
            "the other"
        )
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if counted * rows * columns > most:
        shrink = math.sqrt(frames * height * width / most)
        rows, columns = (max(factor, math.floor(side / shrink / factor) * factor) for side in (height, width))
    elif counted * rows * columns < least:
        grow = math.sqrt(least / (frames * height * width))
        rows, columns = (math.ceil(side * grow / factor) * factor for side in (height, width))
    return rows, columns


def patches(
    pixels: Float[Tensor, "frames 3 height width"], patch: int, merge: int, together: int
) -> tuple[Float[Tensor, "patches values"], tuple[int, int, int]]:
    """Frames as a list of flat patches, and the numbers of steps in time, rows and columns of them.

    The patches of one token, `merge` x `merge` of them, are neighbors in the list; tokens run row by row, then through
    time. The values of a patch are ordered by channel, frame, row and column.

    Args:
        pixels: normalized frames, whose sides are multiples of `patch * merge`.
        patch: side of a patch in pixels.
        merge: patches along the side of a token.
        together: frames in one patch. The last frame is repeated where they do not divide the clip.
    """
    frames, _, height, width = pixels.shape
    pixels = torch.cat([pixels, pixels[-1:].expand(-frames % together, -1, -1, -1)])
    steps, rows, columns = len(pixels) // together, height // patch, width // patch
    cut = pixels.view(steps, together, 3, rows // merge, merge, patch, columns // merge, merge, patch)
    ordered = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return ordered.reshape(steps * rows * columns, -1), (steps, rows, columns)


def frames_together(timestamps: Sequence[float], together: int) -> list[float]:
    """The time of each step of `together` frames: half-way between its first and its last one."""
    times = list(timestamps) + [timestamps[-1]] * (-len(timestamps) % together)
    return [(times[first] + times[first + together - 1]) / 2 for first in range(0, len(times), together)]
