"""Clips: reading uniformly sampled frames from video files, and sample clips with known cuts and still regions."""

from infomerge.video.clip import Clip, ClipMetadata, TruncatedClipWarning, UnreadableClipError
from infomerge.video.reading import read_clip
from infomerge.video.sampled import sample_indices
from infomerge.video.samples import sample_clip, sample_names
from infomerge.video.truth import GroundTruth, Shot, StillRegion

__all__ = [
    "Clip",
    "ClipMetadata",
    "GroundTruth",
    "Shot",
    "StillRegion",
    "TruncatedClipWarning",
    "UnreadableClipError",
    "read_clip",
    "sample_clip",
    "sample_indices",
    "sample_names",
]
