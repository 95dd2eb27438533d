"""Unit 2: Temporal Fingerprint Difference of every position (eq. 2)."""

import torch
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.redundancy import fingerprints, temporal_fingerprint_difference


def signed(tokens: Tensor) -> Tensor:
    """Differences without their absolute value."""
    frames = len(tokens)
    return fingerprints(tokens).diff(dim=1).sum((1, 2)) / ((frames - 1) * frames)


def undivided(tokens: Tensor) -> Tensor:
    """The sum."""
    return fingerprints(tokens).diff(dim=1).abs().sum((1, 2))


def over_all_frames(tokens: Tensor) -> Tensor:
    """Divided by |V|^2."""
    return undivided(tokens) / len(tokens) ** 2


def neighbors_only(tokens: Tensor) -> Tensor:
    """One minus the cosine of frames that follow each other."""
    return (1 - fingerprints(tokens).diagonal(offset=1, dim1=1, dim2=2)).mean(1)


_ANGLES = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 30.0], [0.0, 90.0, 60.0], [0.0, 0.0, 90.0]]).deg2rad()

EXERCISE = Exercise(
    name="tfd",
    reference=temporal_fingerprint_difference,
    by_hand={"still, glitch and drift by hand": (torch.stack([_ANGLES.cos(), _ANGLES.sin()], -1),)},
    real=lambda: (real_tokens(),),
    mistakes=(
        Mistake(
            signed,
            "your differences cancel each other, ups against downs; a change counts whatever its sign: where is the "
            "absolute value?",
        ),
        Mistake(
            undivided,
            "your numbers grow with the length of the segment; TFD is a mean: over how many differences did you sum?",
        ),
        Mistake(
            over_all_frames,
            "your numbers are a little too small; between |V| rows there are fewer than |V| steps: how many?",
        ),
        Mistake(
            neighbors_only,
            "you compare each frame with the next one only; that is the first-order difference. TFD compares whole "
            "rows of the fingerprint matrix.",
        ),
    ),
)
