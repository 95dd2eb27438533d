"""Unit 3: how far a segment points away from the whole clip (eq. 3 to 5)."""

import torch
from torch import Tensor

from infomerge import budget
from infomerge.course.clips import real_segments, real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.numerics import cosine, unit


def _means(tokens: Tensor, segments: Tensor) -> Tensor:
    return torch.stack([tokens[start:end].mean((0, 1)) for start, end in segments.tolist()])


def unweighted(tokens: Tensor, segments: Tensor) -> Tensor:
    """The clip's mean as that of the segments, long or short."""
    means = _means(tokens, segments)
    return 1 - cosine(means, means.mean(0).expand_as(means))


def similarity(tokens: Tensor, segments: Tensor) -> Tensor:
    """The cosine itself."""
    return 1 - budget.uniqueness(tokens, segments)


def normalised_first(tokens: Tensor, segments: Tensor) -> Tensor:
    """Means of normalised tokens."""
    return budget.uniqueness(unit(tokens), segments)


_TOKENS = torch.tensor([[[1.0, 0.0], [2.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]], [[2.0, 0.0], [2.0, 1.0]], [[0.0, 1.0]] * 2])

EXERCISE = Exercise(
    name="uniqueness",
    reference=budget.uniqueness,
    by_hand={"two segments by hand": (_TOKENS, torch.tensor([[0, 3], [3, 4]]))},
    real=lambda: (real_tokens(), real_segments()),
    mistakes=(
        Mistake(
            unweighted,
            "your clip mean counts a short segment as much as a long one; it is the mean over all frames of the clip.",
        ),
        Mistake(similarity, "yours is large where a segment is like the clip; uniqueness is large where it is not."),
        Mistake(
            normalised_first,
            "you normalised the tokens before averaging; the means here are of the tokens as they are, so that long "
            "ones count for more.",
        ),
    ),
)
