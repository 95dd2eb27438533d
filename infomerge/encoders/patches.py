"""Patches of pixels as tokens: an encoder without a network, whose tokens see nothing but their own patch."""

import numpy as np
from jaxtyping import UInt8

from infomerge.encoders.base import Encoding, check_frames, pixel_values


class PatchPixelEncoder:
    """Each patch's own pixels, less their mean, as a token: what stands still in the picture stands still in the token.

    A network's token sees far beyond its patch, so motion nearby reaches into it. Here nothing does. Pixels are never
    negative, so that as they are any two patches would look alike; less their mean they do if their patterns do. A
    patch of one grey is the zero token, whose cosine with any token, itself included, is 0.

    There is no saliency and there are no frame features.

    Args:
        image_size: side of the square that frames are resized to, in pixels, a multiple of `patch_size`.
        patch_size: side of a patch, in pixels; a token has 3 * patch_size^2 channels, colour by colour.

    Raises:
        ValueError: a size is below 1, or they do not divide.
    """

    name = "patch pixels"

    def __init__(self, *, image_size: int = 224, patch_size: int = 16) -> None:
        if patch_size < 1:
            raise ValueError(f"patch_size: got {patch_size}; expected integers from 1")
        if image_size < 1 or image_size % patch_size:
            raise ValueError(f"image_size: got {image_size}; expected positive multiples of {patch_size}")
        self.image_size, self.patch_size = image_size, patch_size

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of positions."""
        side = self.image_size // self.patch_size
        return side, side

    def __call__(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Encoding:
        """Encode RGB frames of any size; tokens are float32, in units of 255 grey levels.

        Raises:
            TypeError: `frames` is not a uint8 array.
            ValueError: `frames` has the wrong shape or is empty.
        """
        check_frames(frames)
        pixels = pixel_values(frames, self.image_size, mean=(0.0,) * 3, std=(255.0,) * 3)
        rows, columns = self.grid
        cells = pixels.unflatten(2, (rows, self.patch_size)).unflatten(4, (columns, self.patch_size))
        # [frames, colours, rows, y, columns, x] -> [frames, rows * columns, colours * y * x]
        patches = cells.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        tokens = (patches - patches.mean(dim=2, keepdim=True)).contiguous()
        return Encoding(tokens, saliency=None, frame_features=None, grid=self.grid, saliency_source="none")
