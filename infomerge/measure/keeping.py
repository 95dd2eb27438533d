"""Whether a compression keeps what matters, on clips where it is known what does."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.compression import Compression
from infomerge.measure.detection import scene_segments, still_positions
from infomerge.segmentation import segment_of_frame
from infomerge.video.scenes import CellTruth


@dataclass(frozen=True)
class Keeping:
    """What one compression keeps of a procedural clip. All are shares, from 0 to 1; NaN where they would be 0 / 0."""

    event_kept: float
    """Of the cells that the flash touches: kept as tokens of their own."""
    event_owned: float
    """Of the same cells: kept, or owned by a kept token that the flash touches too."""
    event_area_owned: float
    """As `event_owned`, every cell weighted by how much of it the flash covers."""
    segment_frames: float
    """Of the clip's frames: those in the segments (the method's own) with the flash."""
    segment_context: float
    """Of the context tokens: those in the same segments. Above `segment_frames` where budgets favour the event."""
    scene_frames: float
    """Of the clip's frames: those in the true scene with the flash, which is the same for every method."""
    scene_kept: float
    """Of the kept tokens: those in the same scene."""
    static_kept: float
    """Of the kept tokens: those at cells that truly stand still for their whole scene."""
    static_duplicates: float
    """Of the kept tokens: those at still cells that an earlier frame of the same scene has kept already."""


def keeping(out: Compression, truth: CellTruth) -> Keeping:
    """Hold a compression against the truth about its clip.

    Raises:
        ValueError: the truth is that of a batch, or of another number of frames or cells.
    """
    frames, positions = out.trace.tokens.shape[:2]
    found, accepted = list(truth.event.flatten(-2).shape), [frames, positions]
    if found != accepted:
        raise ValueError(f"truth: got frames and cells of shape {found}; expected the tokens', {accepted}")
    kept, frame = out.index.cpu(), out.frame.cpu()
    owner = kept[out.assignment.cpu()]

    event = truth.event.flatten().cpu()
    is_kept = torch.zeros_like(event)
    is_kept[kept] = True
    owned = event[owner]

    event_frames = truth.event.flatten(1).any(dim=1).cpu()
    in_segment = _touched(out.trace.segments.cpu(), event_frames)
    scenes = scene_segments(truth).cpu()
    in_scene = _touched(scenes, event_frames)

    still = still_positions(truth, scenes).cpu()
    place = torch.stack((segment_of_frame(scenes)[frame], out.position.cpu()))
    static = place[:, still[place[0], place[1]]]
    repeated = static.shape[1] - torch.unique(static, dim=1).shape[1]
    return Keeping(
        event_kept=_share(is_kept[event]),
        event_owned=_share(owned[event]),
        event_area_owned=_share(owned, truth.event_coverage.flatten().cpu().double()),
        segment_frames=_share(in_segment),
        segment_context=_share(in_segment[frame[out.is_context.cpu()]]),
        scene_frames=_share(in_scene),
        scene_kept=_share(in_scene[frame]),
        static_kept=static.shape[1] / out.kept,
        static_duplicates=repeated / out.kept,
    )


def _touched(segments: Int[Tensor, "segments 2"], frames: Bool[Tensor, "frames"]) -> Bool[Tensor, "frames"]:
    """All frames of the segments that hold one of these frames."""
    touched = torch.stack([frames[start:end].any() for start, end in segments.tolist()])
    return touched[segment_of_frame(segments)]


def _share(chosen: Bool[Tensor, "n"], weights: Float[Tensor, "n"] | None = None) -> float:
    weights = torch.ones(len(chosen), dtype=torch.float64, device="cpu") if weights is None else weights
    total = float(weights.sum())
    return float(weights[chosen].sum()) / total if total else math.nan
