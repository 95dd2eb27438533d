"""Unit 1: how alike a position is to itself in the next frame."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.numerics import cosine


def neighbor_similarity(tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "positions"]:
    """Mean cosine of every position's token with its token in the next frame."""
    return cosine(tokens[:-1], tokens[1:]).mean(0)


def raw_products(tokens: Tensor) -> Tensor:
    """Products without normalising."""
    return (tokens[:-1] * tokens[1:]).sum(-1).mean(0)


def across_space(tokens: Tensor) -> Tensor:
    """Positions side by side in place of frames in a row."""
    return cosine(tokens[:, :-1], tokens[:, 1:]).mean(0)


def over_positions(tokens: Tensor) -> Tensor:
    """The mean over positions, not over pairs of frames."""
    return cosine(tokens[:-1], tokens[1:]).mean(1)


_ANGLES = torch.tensor([[0.0, 0.0, 0.0], [0.0, 90.0, 30.0], [0.0, 0.0, 60.0], [0.0, 0.0, 90.0]]).deg2rad()

EXERCISE = Exercise(
    name="neighbor_similarity",
    reference=neighbor_similarity,
    by_hand={
        "four frames by hand": (
            torch.stack([_ANGLES.cos(), _ANGLES.sin()], -1) * torch.tensor([1.0, 2.0, 3.0])[:, None],
        ),
    },
    real=lambda: (real_tokens(),),
    mistakes=(
        Mistake(
            raw_products,
            "your similarities go beyond 1 where tokens are long; did you divide by the lengths of both tokens?",
        ),
        Mistake(
            across_space,
            "you compare positions that lie side by side in one frame; the question is about frames that follow each "
            "other: which axis counts the frames?",
        ),
        Mistake(
            over_positions,
            "you give one number for each pair of frames; each position should have one: over which axis do you "
            "average?",
        ),
    ),
)
