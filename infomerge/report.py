"""One run on one clip as a record: plain numbers under a versioned schema, for compression.json and for tables."""

from typing import Any

import numpy as np
from jaxtyping import Float

from infomerge.compression import Compression, infomerge_trace
from infomerge.video.clip import Clip

SCHEMA = "infomerge.compression"
SCHEMA_VERSION = 1


def segment_records(out: Compression, timestamps: Float[np.ndarray, "frames"]) -> list[dict[str, Any]]:
    """One record a segment: its place in frames and seconds, and every number that its budget came from."""
    trace = infomerge_trace(out, "segment_records")
    static, kept = (
        trace.static.sum(1).tolist(),
        trace.segment_of_frame[out.frame].bincount(minlength=len(trace.segments)),
    )
    columns = zip(
        trace.segments.tolist(),
        trace.uniqueness.tolist(),
        trace.richness.tolist(),
        trace.weight.tolist(),
        trace.budget.tolist(),
        trace.length_budget.tolist(),
        static,
        kept.tolist(),
        strict=True,
    )
    return [
        {
            "segment": number,
            "first_frame": start,
            "last_frame": end - 1,
            "first_seconds": float(timestamps[start]),
            "last_seconds": float(timestamps[end - 1]),
            "uniqueness": uniqueness,
            "richness": richness,
            "weight": weight,
            "budget": budget,
            "length_budget": length_budget,
            "static_candidates": candidates,
            "kept": kept_here,
        }
        for number, (
            (start, end), uniqueness, richness, weight, budget, length_budget, candidates, kept_here
        ) in enumerate(columns, start=1)
    ]  # fmt: skip


def compare_cuts(found: list[int], true: list[int]) -> dict[str, list[int]]:
    """Segment boundaries against known cuts, both as the frame before: which were hit, missed and added."""
    return {
        "found": [cut for cut in true if cut in found],
        "missed": [cut for cut in true if cut not in found],
        "added": [cut for cut in found if cut not in true],
    }


def record(out: Compression, clip: Clip, encoder: str, saliency: str, grid: tuple[int, int]) -> dict[str, Any]:
    """Everything about a run that a reader of its JSON needs; frames count from 0, segments from 1.

    Args:
        out: the compression.
        clip: the clip that was compressed.
        encoder: the name of what made its tokens.
        saliency: where their saliency came from.
        grid: rows and columns of tokens in a frame.
    """
    from infomerge import __version__

    frames = len(clip.frames)
    result = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "infomerge": __version__,
        "clip": {
            "name": clip.metadata.name,
            "frames": frames,
            "timestamps_seconds": clip.timestamps.tolist(),
            "source_frames": list(clip.metadata.frame_indices),
            "reader": clip.metadata.reader,
            "truncated": clip.metadata.truncated,
        },
        "encoder": {"name": encoder, "saliency": saliency, "grid": list(grid)},
        "config": out.config.to_dict() if out.config else None,
        "tokens": len(out.assignment),
        "requested": out.requested,
        "kept": out.kept,
        "salient": int((~out.is_context).sum()),
        "context": int(out.is_context.sum()),
        "segments": segment_records(out, clip.timestamps),
        "transition_similarity": infomerge_trace(out, "record").transition.tolist(),
        "kept_index": out.index.tolist(),
        "kept_is_context": out.is_context.int().tolist(),
    }
    if clip.truth is not None:
        boundaries = (out.trace.segments[1:, 0] - 1).tolist()
        result["cuts_after_frames"] = compare_cuts(boundaries, clip.truth.cut_after(clip.timestamps).tolist())
    return result
