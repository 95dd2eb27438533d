"""Which clips a sweep names: samples, files, folders and patterns of files, and numbered procedural clips."""

import glob
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from infomerge.video import sample_names

NUMBERED_CLIPS = re.compile(r"(scene|tokens):([0-9]+)(?:-([0-9]+))?")
MOST_NUMBERED = 1_000_000
"""Clips of one range at most: each is named and kept in memory before any is run."""

VIDEO_ENDINGS = frozenset(
    [
        ".3gp",
        ".avi",
        ".flv",
        ".gif",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    ]
)
"""Of files that a folder is searched for."""


def clip_kind(name: str) -> Literal["scene", "tokens", "sample", "file"]:
    """What a clip's name stands for."""
    if match := NUMBERED_CLIPS.fullmatch(name):
        return "scene" if match[1] == "scene" else "tokens"
    return "sample" if name in sample_names() else "file"


def written_out(clip: str) -> list[str]:
    """The clips of a range by name; any other clip alone.

    Raises:
        ValueError: the range runs backwards, or is too long.
    """
    match = NUMBERED_CLIPS.fullmatch(clip)
    if not match:
        return [clip]
    first, last = int(match[2]), int(match[3] or match[2])
    if first > last:
        raise ValueError(f"clips: got {clip!r}; expected ranges from the lower number to the higher")
    if last - first >= MOST_NUMBERED:
        raise ValueError(f"clips: got {clip!r}, {last - first + 1:,} clips; expected ranges of up to {MOST_NUMBERED:,}")
    return [f"{match[1]}:{number}" for number in range(first, last + 1)]


def found_clips(clips: Sequence[str], folder: Path) -> list[str]:
    """The clips with those of folders and patterns in their place, in the order of their names.

    Args:
        clips: as a sweep's file names them.
        folder: what paths start from.

    Raises:
        ValueError: a folder or a pattern has no video.
    """
    return [name for clip in clips for name in _found(clip, folder)]


def _found(clip: str, folder: Path) -> list[str]:
    path = folder / clip
    if clip_kind(clip) != "file" or path.is_file():
        return [clip]
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix.lower() in VIDEO_ENDINGS]
    elif glob.has_magic(clip):
        # Of a pattern that begins at the root, too, which `Path.glob` refuses.
        files = [Path(file) for file in glob.glob(str(path), recursive=True)]  # noqa: PTH207
    else:
        return [clip]
    names = sorted(
        str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file) for file in files if file.is_file()
    )
    if not names:
        raise ValueError(f"clips: got no video in {clip!r}; expected files of {', '.join(sorted(VIDEO_ENDINGS))}")
    return names


def file_digest(folder: Path, name: str) -> str:
    """SHA-256 of a clip's file.

    Raises:
        ValueError: there is no such file.
        OSError: it cannot be read.
    """
    path = folder / name
    # Line breaks would break the table, whose lines are its rows.
    if not path.is_file() or "\n" in name or "\r" in name:
        raise ValueError(
            f"clips: got no file {name!r} in {str(folder)!r}; expected video files, folders of them, patterns, samples "
            f"({', '.join(sample_names())}), scene:SEED, scene:FIRST-LAST, tokens:SEED and tokens:FIRST-LAST"
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
