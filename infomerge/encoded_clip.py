"""A clip with its visual tokens: what a reader plus an encoder give, and what is compressed, drawn and measured."""

import math
import operator
import os
import reprlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infomerge.compression import Compression
from infomerge.encoders import EfficientNetEncoder, Encoder, Encoding
from infomerge.encoders.base import rgb_frames
from infomerge.inputs import check_inputs, check_layers, check_unmasked
from infomerge.methods import compress
from infomerge.numerics import check_dense
from infomerge.video import CellTruth, Clip, SceneClip, TruncatedClipWarning
from infomerge.video.clip import ClipMetadata
from infomerge.video.truth import GroundTruth

DISTINCTNESS = "distance from the frame's mean"
"""What saliency is where none is given: `infomerge.selection.frame_distinctness`."""


@dataclass(frozen=True, eq=False)
class EncodedClip:
    """Visual tokens of a clip, with the pictures that they came from and all that is known about them.

    Made by `read` from a file or a sample, by `from_clip` from frames that were read, and by `from_arrays` from tokens
    of one's own.
    """

    tokens: Float[Tensor, "frames positions channels"]
    """Positions run row by row over `grid`."""
    grid: tuple[int, int]
    """Rows and columns of positions."""
    name: str = "tokens"
    """The sample's name, the file's without its ending, or what the caller calls it."""
    frames: UInt8[np.ndarray, "frames height width 3"] | None = None
    """RGB pictures; None where there are tokens only."""
    timestamps: Float[np.ndarray, "frames"] | None = None
    """When each frame is first shown, in seconds; None where that is not known."""
    saliency: Float[Tensor, "frames positions"] | None = None
    """A_l of eq. 10, or None for each token's distance from its frame's mean."""
    frame_features: Float[Tensor, "frames features"] | None = None
    """g_l of eq. 22, or None for the mean of each frame's tokens."""
    saliency_source: str = DISTINCTNESS
    """Where the saliency comes from, in words for a legend."""
    encoder: str = ""
    """The name of what made the tokens; empty where that is not known."""
    source: Clip | SceneClip | None = None
    """The clip that was read or rendered; None where there are tokens only."""
    truth: GroundTruth | None = None
    """True cuts, shots and still regions, known for the sample clips and the procedural ones."""
    notes: tuple[str, ...] = field(default=())
    """What the reader of the file found wrong with it."""
    layers: Float[Tensor, "layers frames positions hidden"] | None = None
    """Hidden states of the encoder's layers, as `compress` takes them; None where the encoder gave none."""

    @classmethod
    def read(
        cls, source: "str | os.PathLike[str] | Clip | SceneClip", encoder: Encoder | None = None, num_frames: int = 32
    ) -> "EncodedClip":
        """Read a clip and encode its frames.

        Args:
            source: a sample's name, such as "tour", a video file, or a clip that was read already.
            encoder: what turns frames into tokens; EfficientNet-Lite0, which needs no download, if none is given.
            num_frames: how many frames to sample; of a clip that was read already, all are taken.

        Raises:
            FileNotFoundError, PermissionError: from the file system.
            ValueError: neither a sample nor a video; the message says what was found.
        """
        from infomerge.video import open_clip  # The video readers are an extra; tokens of one's own need none.

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TruncatedClipWarning)
            clip = source if isinstance(source, Clip | SceneClip) else open_clip(source, num_frames)
        notes = tuple(str(note.message) for note in caught if issubclass(note.category, TruncatedClipWarning))
        return cls.from_clip(clip, encoder, notes=notes)

    @classmethod
    def from_clip(
        cls,
        clip: Clip | SceneClip,
        encoded: Encoder | Encoding | None = None,
        *,
        encoder: str = "",
        notes: Sequence[str] = (),
    ) -> "EncodedClip":
        """A clip that was read, with its encoding.

        Args:
            clip: frames, times and truth, read or rendered.
            encoded: an encoder to be run on the frames, or what one gave for them; EfficientNet-Lite0 if none is given.
            encoder: the name of what gave an `Encoding`.
            notes: what the reader of the file found wrong with it.

        Raises:
            ValueError: the encoding has another number of frames than the clip.
        """
        if encoded is None:
            encoded = EfficientNetEncoder()
        encoding = encoded if isinstance(encoded, Encoding) else encoded(clip.frames)
        found, accepted = len(encoding.tokens), len(clip.frames)
        if found != accepted:
            raise ValueError(f"encoded: got {found} frames; expected the clip's {accepted}")
        return cls(
            tokens=encoding.tokens,
            grid=encoding.grid,
            name=clip.metadata.name if isinstance(clip, Clip) else f"scene:{clip.script.seed}",
            frames=clip.frames,
            timestamps=clip.timestamps,
            saliency=encoding.saliency,
            frame_features=encoding.frame_features,
            saliency_source=DISTINCTNESS if encoding.saliency is None else encoding.saliency_source,
            encoder=encoder if isinstance(encoded, Encoding) else encoded.name,
            source=clip,
            truth=clip.truth,
            notes=tuple(notes),
            layers=encoding.layers,
        )

    @classmethod
    def from_arrays(
        cls,
        tokens: Any,
        *,
        grid: tuple[int, int] | None = None,
        frames: Any = None,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        saliency: Any = None,
        frame_features: Any = None,
        name: str = "tokens",
        layers: Any = None,
    ) -> "EncodedClip":
        """Tokens of one's own, with whatever else there is.

        Args:
            tokens: [frames, positions, channels], or [frames, rows, columns, channels], which tells the grid; a NumPy
                array or a torch tensor of any float dtype.
            grid: rows and columns of positions; needed where positions make no square.
            frames: the RGB pictures, one for each frame of the tokens, as `infomerge.encoders.base.rgb_frames` takes
                them: NumPy or torch, integers or floats.
            timestamps: of the frames in seconds, ascending.
            saliency: [frames, positions], higher is more.
            frame_features: [frames, features].
            name: what titles and files call the clip.
            layers: [layers, frames, positions, hidden], hidden states of the encoder as `compress` takes them.

        Raises:
            TypeError, ValueError: an argument does not fit the tokens; the message says how.
        """
        tokens, saliency = _tensor("tokens", tokens), _tensor("saliency", saliency)
        frame_features, layers = _tensor("frame_features", frame_features), _tensor("layers", layers)
        if isinstance(tokens, Tensor) and tokens.ndim == 4:
            check_dense("tokens", tokens, "[frames, rows, columns, channels]")
            grid = (tokens.shape[1], tokens.shape[2]) if grid is None else grid
            tokens = tokens.flatten(1, 2)
        check_inputs(tokens, saliency, frame_features)
        if layers is not None:
            check_layers(layers, tokens)
        count, positions, _ = tokens.shape
        if frames is not None:
            frames = rgb_frames(frames)
            if len(frames) != count:
                raise ValueError(f"frames: got {len(frames)}; expected as many as the tokens have, {count}")
        return cls(
            tokens=tokens,
            grid=find_grid(positions, grid),
            name=name,
            frames=frames,
            timestamps=None if timestamps is None else _ascending(timestamps, count),
            saliency=saliency,
            frame_features=frame_features,
            saliency_source=DISTINCTNESS if saliency is None else "given",
            layers=layers,
        )

    def compress(self, method: Any = None, *, retention_ratio: float | None = None, **options: Any) -> Compression:
        """`infomerge.compress` of the clip's tokens, with its saliency, frame features and layers."""
        return compress(
            self.tokens,
            method,
            retention_ratio=retention_ratio,
            saliency=self.saliency,
            frame_features=self.frame_features,
            layers=self.layers,
            **options,
        )

    @property
    def times(self) -> Float[np.ndarray, "frames"]:
        """What frames are drawn over: their timestamps, or else their numbers; see `unit`."""
        return np.arange(len(self.tokens), dtype=np.float64) if self.timestamps is None else self.timestamps

    @property
    def unit(self) -> str:
        """Of the times: "s", or "frame" where there are no timestamps."""
        return "frame" if self.timestamps is None else "s"

    @property
    def encoding(self) -> Encoding:
        """The tokens as an encoder gives them, without the clip."""
        source = "none" if self.saliency is None else self.saliency_source
        return Encoding(self.tokens, self.saliency, self.frame_features, self.grid, source, self.layers)

    @property
    def metadata(self) -> ClipMetadata | None:
        """Facts about the file; None where the tokens come from none."""
        return self.source.metadata if isinstance(self.source, Clip) else None

    @cached_property
    def cells(self) -> CellTruth | None:
        """What is true of each token's cell; known for procedural clips only."""
        return self.source.cells(self.grid) if isinstance(self.source, SceneClip) else None

    @property
    def duration(self) -> float:
        """Seconds that the clip lasts: the file's own, or else up to the last frame and one usual distance more."""
        if self.metadata is not None:
            return self.metadata.duration
        times = self.times
        return float(times[-1] + (np.diff(times).mean() if len(times) > 1 else 1.0))

    @property
    def cut_times(self) -> tuple[float, ...]:
        """When the clip is known to cut, in seconds."""
        return self.truth.cut_times if self.truth else ()

    @cached_property
    def true_cuts(self) -> tuple[int, ...]:
        """The sampled frames after which the clip is known to cut."""
        return tuple(self.truth.cut_after(self.times).tolist()) if self.truth and self.timestamps is not None else ()

    @property
    def facts(self) -> str:
        """What there is, in one line."""
        frames, positions, channels = self.tokens.shape
        size = " x ".join((_counted(frames, "frame"), _counted(positions, "token"), _counted(channels, "channel")))
        return f"{self.name}: {size}; saliency: {self.saliency_source}"

    def __repr__(self) -> str:
        return f"EncodedClip({self.facts})"


def find_grid(positions: int, grid: tuple[int, int] | None = None) -> tuple[int, int]:
    """Rows and columns of a frame's positions: those given if they make as many, or the square grid.

    Raises:
        TypeError: they are not two whole numbers.
        ValueError: they make another number, or there are none and no square.
    """
    if grid is None:
        side = math.isqrt(positions)
        if side * side != positions:
            raise ValueError(
                f"grid: got none, and {positions} positions make no square; expected (rows, columns) with "
                f"rows * columns = {positions}"
            )
        return side, side
    try:
        rows, columns = map(operator.index, grid)
    except (TypeError, ValueError, RuntimeError) as error:
        found = reprlib.repr(grid) if isinstance(grid, tuple | list | str) else type(grid).__name__
        raise TypeError(f"grid: got {found}; expected (rows, columns), two whole numbers") from error
    if rows < 1 or columns < 1 or rows * columns != positions:
        raise ValueError(f"grid: got {rows} x {columns}; expected rows x columns = {positions} positions")
    return rows, columns


def _tensor(name: str, values: Any) -> Any:
    """NumPy arrays as tensors that share no memory with them; all else as it is, to be checked."""
    if not isinstance(values, np.ndarray):
        return values
    check_unmasked(name, values)
    if values.dtype.kind not in "biufc":
        raise TypeError(f"{name}: got an array of dtype {values.dtype}; expected floats")
    return torch.from_numpy(np.array(values))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _ascending(timestamps: Any, count: int) -> Float[np.ndarray, "frames"]:
    if isinstance(timestamps, Tensor):
        check_dense("timestamps", timestamps, "[frames]")
    check_unmasked("timestamps", timestamps)
    accepted = f"expected {count} ascending numbers, in seconds"
    try:
        given = np.asarray(timestamps)
        times = given.astype(np.float64, casting="unsafe" if given.dtype.kind in "OSU" else "same_kind")
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise TypeError(f"timestamps: got {type(timestamps).__name__} ({error}); {accepted}") from error
    if times.shape != (count,):
        raise ValueError(f"timestamps: got shape {list(times.shape)}; {accepted}")
    if not np.isfinite(times).all():
        raise ValueError(f"timestamps: got NaN or infinity; {accepted}")
    if len(wrong := np.flatnonzero(np.diff(times) <= 0)):
        before, after = times[wrong[0] : wrong[0] + 2]
        raise ValueError(f"timestamps: got {after:g} after {before:g}; {accepted}")
    return times
