"""Reading uniformly sampled frames from a video file, always those that a correct decoder shows."""

import os
import traceback
import warnings
from contextlib import suppress
from numbers import Integral
from pathlib import Path

import numpy as np

from infomerge.video.clip import Clip, ClipMetadata, TruncatedClipWarning, UnreadableClipError
from infomerge.video.decord_reader import DecordRefusedError, read_with_decord
from infomerge.video.pyav_reader import read_in_order
from infomerge.video.sampled import Sampled
from infomerge.video.seeking import NotSeekableError, read_by_seeking
from infomerge.video.source import shown_name
from infomerge.video.survey import Survey, survey
from infomerge.video.truth import GroundTruth

READERS = ("auto", "decord", "pyav")

# Pictures: 20 s of film.
_LONG = 500


def read_clip(path: str | os.PathLike[str], num_frames: int = 32, reader: str = "auto") -> Clip:
    """Sample frames uniformly over all frames that a file shows, as `sample_indices` says.

    The frames are those of a sequential decoder, upright, whatever the file: PyAV reads it, holding no more than the
    sampled frames in memory. It decodes in order; of a long file whose packets prove that this shows the same, only
    those groups of pictures that hold a sampled frame. Times ascend whatever the file's clock does. Of several
    streams, the one that ffmpeg would show is read. Non-square pixels are not stretched.

    What takes more than a second shows a progress bar on standard error; the environment variable TQDM_DISABLE=1
    turns it off. No thread and no open decoder is left behind.

    Args:
        path: a video file.
        num_frames: how many frames to take at most, 1 or more.
        reader: "auto" or "pyav", which are the same; or "decord", which reads with both and refuses a file on which
            decord could be wrong or shows another picture. Alone, decord conceals damage without a word.

    Warns:
        TruncatedClipWarning: the file ends early or is damaged; the frames are sampled from what can be decoded.
            A cut MPEG-TS file is not told from a whole one, because it declares no length.

    Raises:
        FileNotFoundError, PermissionError: from the file system.
        UnreadableClipError: the file holds no picture that can be decoded, its frames would take more than 4 GiB,
            or `reader="decord"` refuses it.
        TypeError, ValueError: `path`, `num_frames` or `reader` is not one of the accepted values.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise TypeError(f"path: got {path!r}; expected the name of a file, as str or Path")
    return read_named_clip(shown_name(Path(Path(path).stem)), Path(path), num_frames, reader)


def read_named_clip(
    name: str, path: Path, num_frames: int, reader: str = "auto", truth: GroundTruth | None = None
) -> Clip:
    """`read_clip`, with the name and the truth of a clip that is known."""
    check_num_frames(num_frames)
    if reader not in READERS:
        raise ValueError(f"reader must be one of {', '.join(READERS)}, got {reader!r}")
    try:
        found = survey(path)
        sampled, used = _sample(found, num_frames, reader)
    except BaseException as error:
        # An error keeps alive whatever it has passed: here decoders, whose threads a forked process would wait for.
        traceback.clear_frames(error.__traceback__)
        raise
    if sampled.damaged:
        _warn_truncated(found, sampled)
    return Clip(
        frames=sampled.frames,
        timestamps=np.array([_seconds(found, time - sampled.first_time) for time in sampled.times]),
        metadata=_metadata(name, found, sampled, used),
        truth=truth,
    )


def check_num_frames(num_frames: int) -> None:
    """Raise TypeError or ValueError unless `num_frames` is an integer of at least 1."""
    if isinstance(num_frames, bool) or not isinstance(num_frames, Integral):
        raise TypeError(f"num_frames must be an integer, got {num_frames!r}")
    if num_frames < 1:
        raise ValueError(f"num_frames must be 1 or more, got {num_frames}")


def _sample(found: Survey, num_frames: int, reader: str) -> tuple[Sampled, str]:
    """The frames and the reader that decoded them."""
    sampled = _read_with_pyav(found, num_frames)
    if reader != "decord":
        return sampled, "pyav"
    try:
        twice = read_with_decord(found, num_frames)
        # It conceals what is damaged without a word, so that only a second decoder tells.
        if sampled.damaged or not np.array_equal(twice.frames, sampled.frames):
            raise DecordRefusedError("its frames differ from PyAV's")
    except DecordRefusedError as refusal:
        message = f"decord cannot be trusted with '{shown_name(found.path)}': {refusal}; use reader='auto'"
        raise UnreadableClipError(message) from refusal
    return twice, "decord"


def _read_with_pyav(found: Survey, num_frames: int) -> Sampled:
    # Of a short clip every picture is decoded, so that damage between the sampled ones is told too.
    if len(found.packets) >= _LONG:
        with suppress(NotSeekableError):
            return read_by_seeking(found, num_frames)
    return read_in_order(found, num_frames)


def _seconds(found: Survey, ticks: int) -> float:
    return float(ticks * found.time_base)


def _warn_truncated(found: Survey, sampled: Sampled) -> None:
    expected = max(found.declared_frames, found.expected_frames)
    of = f" of {expected}" if expected > sampled.frame_count else ""
    message = f"'{shown_name(found.path)}' ends early or is damaged: {sampled.frame_count}{of} frames could be read"
    warnings.warn(message, TruncatedClipWarning, stacklevel=4)


def _metadata(name: str, found: Survey, sampled: Sampled, reader: str) -> ClipMetadata:
    height, width = sampled.frames.shape[1:3]
    shown = _seconds(found, sampled.last_time - sampled.first_time)
    last_duration = next((p.duration for p in found.packets if p.pts == sampled.last_time), 0)
    frame_rate = float(found.frame_rate or 0)
    last = _seconds(found, last_duration) or (1 / frame_rate if frame_rate else 0.0)
    return ClipMetadata(
        name=name,
        path=found.path,
        width=width,
        height=height,
        frame_count=sampled.frame_count,
        frame_rate=frame_rate,
        duration=shown + last,
        codec=found.codec,
        container=found.container,
        rotation=90 * sampled.orientation.quarter_turns,
        reader=reader,
        truncated=sampled.damaged,
        frame_indices=tuple(sampled.indices.tolist()),
        stream=found.stream,
        video_streams=found.video_streams,
    )
