"""What BudgetExplorer can be given to show, and how it becomes an encoded clip."""

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr
from typing import Any

import numpy as np
from torch import Tensor

from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import EfficientNetEncoder, Encoder
from infomerge.video import Clip, SceneClip, sample_names

Source = str | os.PathLike[str] | EncodedClip | Clip | SceneClip | Tensor | np.ndarray
"""A sample clip's name, a video file, a clip with or without its encoding, or tokens, NumPy or torch."""


def encode(source: Source, beside: Mapping[str, Any], encoder: Encoder | None, num_frames: int) -> EncodedClip:
    """The clip, encoded; arguments and errors are those of `BudgetExplorer`."""
    given = {name: value for name, value in beside.items() if value is not None}
    if isinstance(source, Tensor | np.ndarray):
        return EncodedClip.from_arrays(source, **given)
    if given:
        raise ValueError(f"{', '.join(given)}: accepted only where the source is an array or a tensor of tokens")
    if isinstance(source, EncodedClip):
        return source
    if not isinstance(source, str | os.PathLike | Clip | SceneClip):
        accepted = "a sample's name, a path, a Clip, an EncodedClip or tokens [frames, positions, channels]"
        raise TypeError(f"source: got {type(source).__name__}; expected {accepted}")
    # The encoder's progress bar would stay as a blank line; the view has a line of its own.
    with redirect_stderr(io.StringIO()):
        return EncodedClip.read(source, encoder or EfficientNetEncoder(), num_frames)


def file_of(source: Source, encoded: EncodedClip) -> str | None:
    """The sample's name or the path from which the clip's frames can be read again; None where there is none."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    facts = encoded.metadata
    if facts is None or not encoded.encoder:
        return None
    if facts.name in sample_names() and encoded.truth is not None:
        return facts.name
    return str(facts.path) if facts.path.is_file() else None


def encoder_name(encoder: Encoder | None) -> str:
    """What an encoder calls itself; the one that is taken where none is given has a name too."""
    return EfficientNetEncoder.name if encoder is None else encoder.name
