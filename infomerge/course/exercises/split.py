"""Unit 4: salient and context tokens of a clip (A.4)."""

import math

import torch
from jaxtyping import Int
from torch import Tensor

from infomerge.budget import split_budget
from infomerge.config import InfoMergeConfig
from infomerge.course.exercise import Exercise, Mistake
from infomerge.numerics import floor_count


def split(frames: int, positions: int, ratio: float, context_fraction: float) -> Int[Tensor, "2"]:
    """Salient and context tokens of `infomerge.budget.split_budget`."""
    config = InfoMergeConfig(retention_ratio=ratio, context_fraction=context_fraction)
    found = split_budget(frames, positions, config)
    return torch.tensor([found.salient, int(found.context)])


def context_by_fraction(frames: int, positions: int, ratio: float, context_fraction: float) -> Int[Tensor, "2"]:
    """Context tokens as d times the total, so that the two do not add up."""
    salient, _ = split(frames, positions, ratio, context_fraction).tolist()
    return torch.tensor([salient, round(context_fraction * ratio * frames * positions)])


def floor_of_clip(frames: int, positions: int, ratio: float, context_fraction: float) -> Int[Tensor, "2"]:
    """Rounded down once for the clip, not in every frame."""
    kept = int(split(frames, positions, ratio, context_fraction).sum())
    salient = floor_count((1 - context_fraction) * ratio * frames * positions)
    return torch.tensor([salient, kept - salient])


def rounded_in_frame(frames: int, positions: int, ratio: float, context_fraction: float) -> Int[Tensor, "2"]:
    """Rounded up in every frame."""
    kept = int(split(frames, positions, ratio, context_fraction).sum())
    salient = frames * math.ceil((1 - context_fraction) * ratio * positions)
    return torch.tensor([salient, kept - salient])


EXERCISE = Exercise(
    name="split",
    reference=split,
    by_hand={"four frames of 20 by hand": (4, 20, 0.2, 0.4)},
    real=lambda: (32, 196, 0.05, 0.4),
    real_name="32 frames of 196 at 5 %",
    mistakes=(
        Mistake(
            context_by_fraction,
            "your two numbers do not add up to what the ratio asks for; salient ones are counted first: what is left?",
        ),
        Mistake(
            floor_of_clip,
            "you round down once for the whole clip; every frame keeps the same whole number of salient tokens.",
        ),
        Mistake(rounded_in_frame, "you keep one salient token a frame too many: it is rounded down."),
    ),
)
