"""What every encoder takes and gives back, and how frames become a network's input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor
from torch.nn import functional

from infomerge.inputs import check_unmasked
from infomerge.numerics import check_dense

Resample = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, eq=False)
class Encoding:
    """The visual tokens of a clip, with what `infomerge.compress` can use beside them."""

    tokens: Float[Tensor, "frames positions channels"]
    """Positions run row by row over `grid`."""
    saliency: Float[Tensor, "frames positions"] | None
    """How much each token matters, higher is more (A_l of eq. 10), or None where the encoder cannot tell."""
    frame_features: Float[Tensor, "frames features"] | None
    """One global feature per frame (g_l of eq. 22), or None where the mean of its tokens serves better."""
    grid: tuple[int, int]
    """Rows and columns of positions."""
    saliency_source: str
    """Where the saliency comes from, in words for a figure's legend; "none" where there is none."""
    layers: Float[Tensor, "layers frames positions hidden"] | None = None
    """Hidden states of consecutive layers, the last one that of the tokens, or None where they were not asked for."""

    def __post_init__(self) -> None:
        rows, columns = self.grid
        if rows * columns != self.tokens.shape[1]:
            raise ValueError(
                f"grid: got {rows} x {columns}; expected rows and columns that make the tokens' "
                f"{self.tokens.shape[1]} positions"
            )


@runtime_checkable
class Encoder(Protocol):
    """Anything that turns frames into an `Encoding`."""

    @property
    def name(self) -> str:
        """The network's name, for titles and files."""

    def __call__(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Encoding:
        """Encode RGB frames of any size."""


def check_frames(frames: Any) -> None:
    """Refuse anything but RGB frames [frames, height, width, 3] in uint8, at least one of them.

    Raises:
        TypeError: not a NumPy array, or not uint8.
        ValueError: wrong shape, or empty.
    """
    accepted = "expected a uint8 array [frames, height, width, 3], RGB"
    if not isinstance(frames, np.ndarray):
        raise TypeError(f"frames: got {type(frames).__name__}; {accepted}")
    if frames.dtype != np.uint8:
        raise TypeError(f"frames: got dtype {frames.dtype}; {accepted}")
    if frames.ndim != 4:
        raise ValueError(f"frames: got {frames.ndim} dimensions, shape {list(frames.shape)}; {accepted}")
    if frames.shape[3] != 3:
        raise ValueError(f"frames: got {frames.shape[3]} channels, shape {list(frames.shape)}; {accepted}")
    if frames.size == 0:
        raise ValueError(f"frames: got none, shape {list(frames.shape)}; {accepted}, at least [1, 1, 1, 3]")


def rgb_frames(frames: Any) -> UInt8[np.ndarray, "frames height width 3"]:
    """Pictures as they come from one's own reader or encoder, as RGB frames in uint8.

    Args:
        frames: [frames, height, width, 3] or [frames, 3, height, width], NumPy or torch. Integers count from 0 to 255,
            uint16 above that to 65,535; floats from 0 to 1, or to 255 where one is larger.

    Raises:
        TypeError: neither an array nor a dense tensor of numbers.
        ValueError: the shape is another, or values lie outside of that.
    """
    check_unmasked("frames", frames)
    values = frames
    if isinstance(frames, Tensor):
        check_dense("frames", frames, "[frames, height, width, 3]")
        small = frames.is_floating_point() and frames.itemsize < 4  # NumPy has no bfloat16 and no floats of 8 bits
        values = (frames.float() if small else frames).detach().cpu().numpy()
    if isinstance(values, np.ndarray) and values.ndim == 4 and values.shape[1] == 3 and values.shape[3] != 3:
        values = values.transpose(0, 2, 3, 1)
    if isinstance(values, np.ndarray) and values.dtype != np.uint8 and values.dtype.kind in "iuf" and values.size:
        values = _bytes(values)
    check_frames(values)
    pictures: UInt8[np.ndarray, "frames height width 3"] = np.ascontiguousarray(values)
    return pictures


def _bytes(values: Shaped[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("frames: got NaN or infinity; expected finite values from 0 to 1, or 0 to 255")
    deep = values.dtype == np.uint16 and high > 255
    top = 65535 if deep else 1 if values.dtype.kind == "f" and high <= 1 else 255
    if low < 0 or high > top:
        raise ValueError(f"frames: got values from {low:g} to {high:g}; expected 0 to 1, or 0 to 255")
    scaled: UInt8[np.ndarray, "*shape"] = np.rint(values.astype(np.float64) * (255 / top)).astype(np.uint8)
    return scaled


def pixel_values(
    frames: UInt8[np.ndarray, "frames height width 3"],
    size: int,
    mean: Sequence[float],
    std: Sequence[float],
    resample: Resample = "bicubic",
) -> Float[Tensor, "frames 3 {size} {size}"]:
    """Resize frames to a square of `size` pixels and normalise: (pixel - mean) / std, in units of 0 to 255.

    Each frame is squeezed to the square, not cropped: its aspect ratio is lost, as in LLaVA-OneVision's video
    frames. Resizing filters against aliasing and rounds to whole pixel values, as Pillow does, with which the
    networks' training images were made. The result is float32 on the CPU.
    """
    # A copy, because torch takes neither negative strides nor, without a warning, read-only memory.
    pixels = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2)
    pixels = functional.interpolate(pixels, size=(size, size), mode=resample, antialias=True)
    return (pixels.float() - _per_channel(mean)) / _per_channel(std)


def _per_channel(values: Sequence[float]) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(values, dtype=torch.float32, device="cpu").view(3, 1, 1)
