"""Clips: read from files, sampled from packages, rendered with full ground truth, and disturbed by graded noise."""

from infomerge.video.clip import Clip, ClipMetadata, TruncatedClipWarning, UnreadableClipError
from infomerge.video.h264 import save_clip
from infomerge.video.noise import DISTURBANCES, Disturbance, disturb, disturbance_names
from infomerge.video.questions import Question, questions
from infomerge.video.reading import read_clip
from infomerge.video.sampled import sample_indices
from infomerge.video.samples import open_clip, sample_clip, sample_names
from infomerge.video.scenes import CellTruth, SceneBatch, SceneClip, render_scenes, scene_clip
from infomerge.video.script import Script, write_script
from infomerge.video.truth import GroundTruth, Shot, StillRegion

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
