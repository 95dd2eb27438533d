"""What BudgetExplorer draws, as plain numbers, strings, pictures and arrays: clip, plan, maps and tokens."""

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from infomerge.budget import standardize
from infomerge.compression import Compression
from infomerge.encoded_clip import EncodedClip
from infomerge.measure.difference import token_difference
from infomerge.merging import MergePlan
from infomerge.pipeline import BudgetPlan
from infomerge.plots.style import frame_edges
from infomerge.widgets.packing import packed

LONGEST_SIDE, LONGEST_SIDE_OF_MANY = 256, 128
"""Pixels of a frame's longer side as it is embedded, and where a clip has more than `MANY` frames."""
MANY = 128


def clip_data(clip: EncodedClip) -> dict[str, Any]:
    """What stays while options turn.

    `edges` are where each frame's stretch of time begins and ends, one more than there are frames; `pictures` are the
    frames as JPEG, none where the clip has none; `cut_times` are the true cuts, `unit` is that of both.
    """
    count, positions, _ = clip.tokens.shape
    # Without frames, of square patches.
    height, width = clip.grid if clip.frames is None else clip.frames.shape[1:3]
    return {
        "name": clip.name,
        "facts": clip.facts,
        "count": count,
        "positions": positions,
        "grid": list(clip.grid),
        "edges": frame_edges(clip.times).tolist(),
        "unit": clip.unit,
        "cut_times": list(clip.cut_times),
        "aspect": width / height,
        "pictures": [] if clip.frames is None else pictures(clip.frames),
    }


def pictures(frames: UInt8[np.ndarray, "frames height width 3"]) -> list[bytes]:
    """Each frame as a JPEG, small enough that a clip travels at once."""
    side = LONGEST_SIDE if len(frames) <= MANY else LONGEST_SIDE_OF_MANY
    found = []
    for frame in frames:
        picture = Image.fromarray(np.ascontiguousarray(frame))
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=78)
        found.append(written.getvalue())
    return found


def plan_data(plan: BudgetPlan) -> dict[str, Any]:
    """Every number of a plan that the panels over time show; lists run over segments but for `transition`.

    `bounds` are first frame and frame after the last; `z_uniqueness` and `z_richness` are those of eq. 8; `context` is
    the sum of `budget`.
    """
    config = plan.config
    return {
        "bounds": [list(bound) for bound in plan.bounds],
        "transition": plan.transition.tolist(),
        "threshold": config.segment_threshold,
        "uniqueness": plan.uniqueness.tolist(),
        "richness": plan.richness.tolist(),
        "z_uniqueness": standardize(plan.uniqueness).tolist(),
        "z_richness": standardize(plan.richness).tolist(),
        "weight": plan.weight.tolist(),
        "budget": plan.budget.tolist(),
        "length_budget": plan.length_budget.tolist(),
        "requested": plan.requested,
        "asked_context": plan.split.context,
        "kept": plan.kept,
        "salient": plan.salient,
        "context": plan.context,
        "allocation": config.allocation,
        "rounding": config.rounding,
        "tau": config.temperature,
        "alpha": config.uniqueness_weight,
        "beta": config.richness_weight,
    }


def map_data(plan: BudgetPlan) -> dict[str, Any]:
    """The static prior of every segment: `scores` and `static` [segments, positions], NaN where undefined.

    `prior` is that of the configuration; without a prior nothing is static and the scores are those of TFD.
    """
    return {
        "prior": plan.config.static_prior,
        "segments": len(plan.segments),
        "scores": packed(plan.scores, "float32"),
        "static": packed(plan.static, "uint8"),
    }


def token_data(merge: Compression | MergePlan, pinned: Compression | MergePlan | None) -> dict[str, Any]:
    """What becomes of every token, 0 merged, 1 salient, 2 context: `b` now, `a` pinned; `moved` to another owner."""
    return {
        "b": packed(_roles(merge), "uint8"),
        "a": None if pinned is None else packed(_roles(pinned), "uint8"),
        "moved": None if pinned is None else packed(token_difference(pinned, merge).moved, "uint8"),
    }


def _roles(merge: Compression | MergePlan) -> UInt8[np.ndarray, "tokens"]:
    roles = np.zeros(len(merge.assignment), dtype=np.uint8)
    roles[merge.index.cpu().numpy()] = 1 + merge.is_context.cpu().numpy().astype(np.uint8)
    return roles
