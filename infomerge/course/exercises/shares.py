"""Unit 3: whole tokens from weights, adding up exactly (eq. 9)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.budget import allocate
from infomerge.course.exercise import Exercise, Inputs, Mistake


def shares(weight: Float[Tensor, "segments"], total: int) -> Int[Tensor, "segments"]:
    """`infomerge.budget.allocate` where there is room for everything."""
    return allocate(weight, total, torch.full((len(weight),), 10 * total), "exact")


def each_alone(weight: Tensor, total: int) -> Int[Tensor, "segments"]:
    """Every share rounded by itself, eq. 21."""
    return (total * weight / weight.sum()).round().clamp(min=1).long()


def rounded_down(weight: Tensor, total: int) -> Int[Tensor, "segments"]:
    """What is left over goes to nobody."""
    return (total * weight / weight.sum()).floor().clamp(min=1).long()


def rest_to_first(weight: Tensor, total: int) -> Int[Tensor, "segments"]:
    """What is left over goes to the first segments."""
    given = rounded_down(weight, total)
    given[: max(0, total - int(given.sum()))] += 1
    return given


def _tour() -> Inputs:
    # Weights of the twelve segments of the sample clip "tour" at 15 percent, as unit 3 prints them.
    weight = [1.70, 0.23, 0.62, 0.71, 0.48, 0.44, 0.82, 1.82, 1.52, 4.28, 1.68, 0.50]
    return torch.tensor(weight), 397


EXERCISE = Exercise(
    name="shares",
    reference=shares,
    by_hand={"four segments by hand": (torch.tensor([1.45, 2.35, 3.4, 2.8]), 10)},
    real=_tour,
    real_name="the twelve segments of the tour",
    mistakes=(
        Mistake(
            each_alone,
            "your budgets do not add up to the total: rounding each alone gains or loses tokens on the way.",
        ),
        Mistake(rounded_down, "you give away too few: everything was rounded down, and who gets the rest?"),
        Mistake(
            rest_to_first,
            "your total is right, but the tokens that are left over go to the first segments; they should go where "
            "most was cut off.",
        ),
    ),
)
