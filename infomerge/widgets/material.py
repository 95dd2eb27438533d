"""What a view of a clip needs besides its tokens: the frames, their times, and where they came from."""

import base64
import io
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from infomerge.compression import check_inputs
from infomerge.encoders.base import Encoder, check_frames
from infomerge.plots.style import frame_edges
from infomerge.video import Clip, TruncatedClipWarning, read_clip, sample_clip, sample_names

Source = str | os.PathLike[str] | Clip | Tensor
"""A sample clip's name, a video file, a clip, or tokens [frames, positions, channels]."""

PICTURE_HEIGHT = 120
"""Of the film strip's pictures in pixels, twice what they are shown at."""


@dataclass(frozen=True, eq=False)
class Material:
    """A clip's tokens with all that is drawn beside them."""

    name: str
    tokens: Float[Tensor, "frames positions channels"]
    saliency: Float[Tensor, "frames positions"] | None
    frame_features: Float[Tensor, "frames features"] | None
    grid: tuple[int, int]
    """Rows and columns of positions."""
    times: Float[np.ndarray, "frames"]
    """Seconds; without timestamps, the frames' numbers."""
    unit: str
    """Of the times: "s", or "frame"."""
    frames: UInt8[np.ndarray, "frames height width 3"] | None = None
    cut_times: tuple[float, ...] = ()
    """When the clip is known to cut."""
    cut_after: tuple[int, ...] = ()
    """The same as sampled frames after which it cuts."""
    saliency_source: str = "distance from the frame's mean"
    notes: str = ""
    """What the reader should know about how the clip was read."""

    @property
    def edges(self) -> Float[np.ndarray, "edges"]:
        """Where each frame's stretch of time begins and ends."""
        return frame_edges(self.times)

    @property
    def facts(self) -> str:
        """What there is, in one line."""
        frames, positions, channels = self.tokens.shape
        size = " x ".join((counted(frames, "frame"), counted(positions, "token"), counted(channels, "channel")))
        return f"{self.name}: {size}; saliency: {self.saliency_source}"


def material_of_clip(source: str | os.PathLike[str] | Clip, encoder: Encoder, num_frames: int = 32) -> Material:
    """Read a clip, unless it is one already, and encode it.

    Raises:
        FileNotFoundError, PermissionError: from the file system.
        ValueError: neither a sample clip nor a video; the message says what was found.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TruncatedClipWarning)
        clip = source if isinstance(source, Clip) else _read(source, num_frames)
    encoding = encoder(clip.frames)
    return Material(
        name=clip.metadata.name,
        tokens=encoding.tokens,
        saliency=encoding.saliency,
        frame_features=encoding.frame_features,
        grid=encoding.grid,
        times=clip.timestamps,
        unit="s",
        frames=clip.frames,
        cut_times=clip.truth.cut_times if clip.truth else (),
        cut_after=tuple(clip.truth.cut_after(clip.timestamps).tolist()) if clip.truth else (),
        saliency_source=encoding.saliency_source if encoding.saliency is not None else Material.saliency_source,
        notes="; ".join(str(warning.message) for warning in caught),
    )


def material_of_tokens(
    tokens: Float[Tensor, "frames positions channels"],
    *,
    saliency: Float[Tensor, "frames positions"] | None = None,
    frame_features: Float[Tensor, "frames features"] | None = None,
    frames: UInt8[np.ndarray, "pictures height width 3"] | None = None,
    timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
    grid: tuple[int, int] | None = None,
) -> Material:
    """Tokens that the caller has, with whatever else there is.

    Raises:
        TypeError, ValueError: an argument does not fit the tokens; the message says how.
    """
    check_inputs(tokens, saliency, frame_features)
    count, positions, _ = tokens.shape
    if frames is not None:
        check_frames(frames)
        if len(frames) != count:
            raise ValueError(f"frames: found {len(frames)}; accepted are as many as the tokens have, {count}")
    return Material(
        name="tokens",
        tokens=tokens,
        saliency=saliency,
        frame_features=frame_features,
        grid=_grid(positions, grid),
        times=_times(timestamps, count),
        unit="frame" if timestamps is None else "s",
        frames=frames,
        saliency_source=Material.saliency_source if saliency is None else "given",
    )


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the singular where it is one."""
    return f"{number} {noun}{'s' * (number != 1)}"


def strip_images(material: Material, count: int) -> list[str]:
    """Pictures of the clip, evenly spaced over its time, as JPEG data URIs; none where there are no frames."""
    if material.frames is None:
        return []
    edges = material.edges
    slots = np.linspace(edges[0], edges[-1], count + 1)
    shown = np.searchsorted(edges, (slots[1:] + slots[:-1]) / 2) - 1
    return [_jpeg(frame) for frame in material.frames[shown]]


def _jpeg(frame: UInt8[np.ndarray, "height width 3"]) -> str:
    height, width, _ = frame.shape
    size = (max(1, round(width * PICTURE_HEIGHT / height)), PICTURE_HEIGHT)
    data = io.BytesIO()
    Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS).save(data, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


def _read(source: str | os.PathLike[str], num_frames: int) -> Clip:
    if isinstance(source, str) and source in sample_names():
        return sample_clip(source, num_frames)
    path = Path(source).expanduser()
    if not path.exists():
        samples = ", ".join(sample_names())
        raise FileNotFoundError(f"source: found no file {str(path)!r}; accepted is a video file or a sample: {samples}")
    return read_clip(path, num_frames)


def _grid(positions: int, grid: tuple[int, int] | None) -> tuple[int, int]:
    """The grid that was given, or the square one; positions that make no square are drawn in one row."""
    if grid is None:
        side = math.isqrt(positions)
        return (side, side) if side * side == positions else (1, positions)
    rows, columns = grid
    if rows * columns != positions or rows < 1:
        raise ValueError(f"grid: found {rows} x {columns}; accepted are rows x columns = {positions} positions")
    return rows, columns


def _times(timestamps: Any, count: int) -> Float[np.ndarray, "frames"]:
    if timestamps is None:
        return np.arange(count, dtype=np.float64)
    times = np.asarray(timestamps, dtype=np.float64)
    if times.shape != (count,) or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError(f"timestamps: accepted are {count} ascending finite numbers, in seconds; found {timestamps!r}")
    return times
