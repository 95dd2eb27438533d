"""Unit 2: the positions that count as standing still."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.redundancy import static_candidates, temporal_fingerprint_difference


def candidates(scores: Float[Tensor, "positions"], static_ratio: float) -> Bool[Tensor, "positions"]:
    """`infomerge.redundancy.static_candidates` of one segment."""
    return static_candidates(scores[None], static_ratio)[0]


def largest(scores: Tensor, static_ratio: float) -> Bool[Tensor, "positions"]:
    """The positions that change most."""
    return candidates(-scores, static_ratio)


def rounded_up(scores: Tensor, static_ratio: float) -> Bool[Tensor, "positions"]:
    """One candidate too many."""
    return candidates(scores, math.ceil(static_ratio * len(scores)) / len(scores))


def numbers(scores: Tensor, static_ratio: float) -> Int[Tensor, "chosen"]:
    """Which positions, in place of a mask."""
    return scores.argsort()[: int(static_ratio * len(scores))]


EXERCISE = Exercise(
    name="candidates",
    reference=candidates,
    by_hand={"six positions by hand": (torch.tensor([0.5, 0.1, 0.4, 0.2, 0.9, 0.3]), 0.45)},
    real=lambda: (temporal_fingerprint_difference(real_tokens()), 0.09),
    mistakes=(
        Mistake(largest, "you mark the positions that change most; static ones have a small TFD."),
        Mistake(rounded_up, "you mark one position too many: rho N is rounded down."),
        Mistake(
            numbers,
            "you give the numbers of the positions; a mask is asked for, True or False for every position.",
        ),
    ),
)
