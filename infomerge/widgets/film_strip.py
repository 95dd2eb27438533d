"""The pictures of a film strip, small enough to be sent to a page."""

import base64
import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

PICTURE_HEIGHT = 120
"""Of the pictures in pixels, twice what they are shown at."""


def strip_images(
    frames: UInt8[np.ndarray, "frames height width 3"], edges: Float[np.ndarray, "edges"], count: int
) -> list[str]:
    """Pictures of a clip, evenly spaced over its time, as JPEG data URIs.

    Args:
        frames: the clip's frames.
        edges: where each frame's stretch of time begins and ends, one more than there are frames.
        count: how many pictures.
    """
    slots = np.linspace(edges[0], edges[-1], count + 1)
    shown = np.searchsorted(edges, (slots[1:] + slots[:-1]) / 2) - 1
    return [_jpeg(frame) for frame in frames[shown]]


def _jpeg(frame: UInt8[np.ndarray, "height width 3"]) -> str:
    height, width, _ = frame.shape
    size = (max(1, round(width * PICTURE_HEIGHT / height)), PICTURE_HEIGHT)
    data = io.BytesIO()
    Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS).save(data, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
