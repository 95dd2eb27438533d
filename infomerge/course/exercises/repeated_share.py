"""Unit 1: how many tokens the frame before already shows."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.numerics import cosine


def repeated_share(tokens: Float[Tensor, "frames positions channels"], threshold: float) -> float:
    """Share of all tokens whose cosine with the frame before, at the same position, is at least the threshold."""
    repeated = cosine(tokens[1:], tokens[:-1]) >= threshold
    return float(repeated.sum()) / tokens[..., 0].numel()


def without_first_frame(tokens: Tensor, threshold: float) -> float:
    """A share of the tokens that have a frame before them."""
    return float((cosine(tokens[1:], tokens[:-1]) >= threshold).float().mean())


def against_first_frame(tokens: Tensor, threshold: float) -> float:
    """Every frame compared with the first."""
    repeated = cosine(tokens[1:], tokens[:1].expand_as(tokens[1:])) >= threshold
    return float(repeated.sum()) / tokens[..., 0].numel()


def new_share(tokens: Tensor, threshold: float) -> float:
    """The share that is below the threshold."""
    return 1 - repeated_share(tokens, threshold)


_ANGLES = torch.tensor([[0.0, 0.0, 0.0], [0.0, 90.0, 20.0], [0.0, 90.0, 40.0], [0.0, 0.0, 60.0]]).deg2rad()

EXERCISE = Exercise(
    name="repeated_share",
    reference=repeated_share,
    by_hand={"four frames by hand": (torch.stack([_ANGLES.cos(), _ANGLES.sin()], -1), 0.9)},
    real=lambda: (real_tokens(), 0.9),
    mistakes=(
        Mistake(
            without_first_frame,
            "your share is of the tokens that have a frame before them; it should be of all tokens, and those of the "
            "first frame repeat nothing.",
        ),
        Mistake(
            against_first_frame,
            "you compare every frame with the first one; what does the frame just before it show?",
        ),
        Mistake(new_share, "you count the tokens that are new; which side of the threshold is a repetition?"),
    ),
)
