"""Clips: read from files, sampled from packages, rendered with full ground truth, and disturbed by graded noise."""

from typing import TYPE_CHECKING

from infomerge.extras import lazy_names
from infomerge.video.clip import Clip, ClipMetadata, TruncatedClipWarning, UnreadableClipError
from infomerge.video.noise import DISTURBANCES, Disturbance, disturb, disturbance_names
from infomerge.video.questions import Question, questions
from infomerge.video.sampled import sample_indices
from infomerge.video.scenes import CellTruth, SceneBatch, SceneClip, render_scenes, scene_clip
from infomerge.video.script import Script, write_script
from infomerge.video.truth import GroundTruth, Shot, StillRegion

if TYPE_CHECKING:
    from infomerge.video.h264 import save_clip
    from infomerge.video.reading import read_clip
    from infomerge.video.samples import open_clip, sample_clip, sample_names

__all__ = [
    "DISTURBANCES",
    "CellTruth",
    "Clip",
    "ClipMetadata",
    "Disturbance",
    "GroundTruth",
    "Question",
    "SceneBatch",
    "SceneClip",
    "Script",
    "Shot",
    "StillRegion",
    "TruncatedClipWarning",
    "UnreadableClipError",
    "disturb",
    "disturbance_names",
    "open_clip",
    "questions",
    "read_clip",
    "render_scenes",
    "sample_clip",
    "sample_indices",
    "sample_names",
    "save_clip",
    "scene_clip",
    "write_script",
]

# Files need the video readers. What a clip is, and clips that are drawn, do without.
__getattr__ = lazy_names(
    __name__,
    {
        "open_clip": "samples",
        "read_clip": "reading",
        "sample_clip": "samples",
        "sample_names": "samples",
        "save_clip": "h264",
    },
)
