"""What TokenLens draws, as plain numbers, strings, pictures and arrays."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image

from infomerge.compression import Compression, InfoMergeTrace
from infomerge.encoded_clip import EncodedClip, find_grid
from infomerge.encoders.base import check_frames, rgb_frames
from infomerge.palette import group_colors
from infomerge.widgets.packing import packed

LONGEST_SIDE = 448
"""Frames are shrunk to this many pixels before they are embedded."""
BYTES_A_FRAME = 26_000
"""What a frame may weigh on average, so that 32 of them, as text, stay below 1.2 MB."""

_QUALITIES = (80, 65, 50, 35, 20)
_RANGE_PERCENTILES = (1, 99)


def clip_of_arrays(
    out: Compression,
    frames: Any,
    grid: tuple[int, int] | None,
    timestamps: Sequence[float] | Float[np.ndarray, "times"] | None,
) -> EncodedClip:
    """The clip that was compressed, of what is at hand without it; arguments and errors are those of `TokenLens`."""
    frames = None if frames is None else rgb_frames(frames)
    check_fit(out, frames, None if timestamps is None else np.asarray(timestamps, dtype=np.float64))
    return EncodedClip(
        tokens=out.trace.tokens,
        grid=find_grid(out.positions, grid),
        name="What each kept token stands for",
        frames=frames,
        timestamps=None if timestamps is None else np.asarray(timestamps, dtype=np.float64),
    )


def check_fit(
    out: Any, frames: UInt8[np.ndarray, "given height width 3"] | None, times: Float[np.ndarray, "times"] | None
) -> None:
    """Whether these are frames and times of what was compressed; errors are those of `TokenLens`."""
    if not isinstance(out, Compression):
        raise TypeError(f"out: got {type(out).__name__}; expected a Compression, as infomerge.compress returns it")
    if frames is None:
        raise ValueError("clip: got one without frames; expected one with pictures to draw on")
    check_frames(frames)
    count = len(out.assignment) // out.positions
    if len(frames) != count:
        raise ValueError(f"frames: got {len(frames)}; expected the {count} frames whose tokens were compressed")
    if times is not None and (len(times) != count or not np.isfinite(times).all()):
        found = f"{len(times)}" if len(times) != count else "NaN or infinity"
        raise ValueError(f"timestamps: got {found}; expected {count} finite numbers of seconds, one per frame")


def lens_data(clip: EncodedClip, out: Compression, title: str | None = None) -> dict[str, Any]:
    """All that TokenLens draws: numbers, strings, pictures (WebP) and arrays (`{"dtype": ..., "bytes": ...}`).

    Arguments and errors are those of `TokenLens`. Arrays are C-ordered and little-endian: `index`, `is_context`
    [kept], `assignment` [frames * positions], `colors` [kept, 3], `segments` [segments, 2], `static` and `tfd`
    [segments, positions], `saliency` [frames, positions]. Colors run between the 1st and 99th percentile: of each
    segment in `tfd_ranges` (None for a segment of one frame, where TFD is undefined), of the clip in `saliency_range`.
    `line` is Python that makes the configuration; of a method without one, for which `config` is None, that gets it.
    """
    check_fit(out, clip.frames, clip.timestamps)
    frames = clip.frames
    assert frames is not None
    rows, columns = find_grid(out.positions, clip.grid)
    height, width = frames.shape[1:3]
    if height < rows or width < columns:
        raise ValueError(
            f"frames: got {height} x {width} pixels; expected at least one pixel a patch, {rows} x {columns}"
        )
    trace = out.trace
    # Methods without candidates have none to hatch.
    static = (
        trace.static
        if isinstance(trace, InfoMergeTrace)
        else torch.zeros(len(trace.segments), out.positions, device="cpu")
    )
    assignment = out.assignment.cpu().numpy()
    return {
        "title": clip.name if title is None else title,
        "frames": len(frames),
        "rows": rows,
        "columns": columns,
        "width": width,
        "height": height,
        "timestamps": None if clip.timestamps is None else clip.timestamps.tolist(),
        "requested": out.requested,
        "kept": out.kept,
        "images": encode_frames(frames),
        "index": packed(out.index, "uint32"),
        "is_context": packed(out.is_context, "uint8"),
        "assignment": packed(out.assignment, "uint16" if out.kept <= 1 << 16 else "uint32"),
        "colors": packed(np.rint(group_colors(frames, (rows, columns), assignment, out.kept)), "uint8"),
        "segments": packed(trace.segments, "uint32"),
        "static": packed(static, "uint8"),
        "tfd": packed(trace.tfd, "float32"),
        "tfd_ranges": [color_range(row) for row in trace.tfd.cpu().numpy()],
        "saliency": packed(trace.saliency, "float32"),
        "saliency_range": color_range(trace.saliency.cpu().numpy()),
        "method": out.method,
        "config": None if out.config is None else out.config.to_dict(),
        "line": f"get_method({out.method!r})" if out.config is None else out.config.to_python(),
    }


def encode_frames(frames: UInt8[np.ndarray, "frames height width 3"]) -> list[bytes]:
    """Each frame as a WebP picture whose longer side has at most `LONGEST_SIDE` pixels.

    All are of the best quality at which they weigh at most `BYTES_A_FRAME` on average (or else of the least).
    """
    height, width = frames.shape[1:3]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    pictures = [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]
    for quality in _QUALITIES:
        encoded = [_webp(picture, quality) for picture in pictures]
        if sum(map(len, encoded)) <= BYTES_A_FRAME * len(frames):
            break
    return encoded


def _webp(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def color_range(values: Float[np.ndarray, "*shape"]) -> tuple[float, float] | None:
    """1st and 99th percentile, so that no outlier flattens a heat map; None where a value is NaN, for undefined."""
    if np.isnan(values).any():
        return None
    low, high = np.percentile(values, _RANGE_PERCENTILES)
    return float(low), float(high)
