"""Unit 4: what a context token becomes when others are merged into it (eq. 34)."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.merging import MergePlan


def merged(
    anchor: Float[Tensor, "channels"], assigned: Float[Tensor, "assigned channels"]
) -> Float[Tensor, "channels"]:
    """`MergePlan.combine` of one anchor: mu a + (1 - mu) mean(assigned), mu = max(0.6, 1 / (n + 1))."""
    features = torch.cat([anchor[None], assigned])
    others = torch.arange(1, len(features))
    plan = MergePlan(
        index=torch.tensor([0]),
        is_context=torch.tensor([True]),
        assignment=torch.zeros(len(features), dtype=torch.long),
        positions=len(features),
        source=others,
        target=torch.zeros_like(others),
        merge_weight=0.6,
    )
    return plan.combine(features[None])[0]


def plain_mean(anchor: Tensor, assigned: Tensor) -> Tensor:
    """All tokens alike."""
    return torch.cat([anchor[None], assigned]).mean(0)


def swapped(anchor: Tensor, assigned: Tensor) -> Tensor:
    """The anchor's weight given to the others."""
    if not len(assigned):
        return anchor
    return 0.4 * anchor + 0.6 * assigned.mean(0)


def summed(anchor: Tensor, assigned: Tensor) -> Tensor:
    """The sum of the others, not their mean."""
    return anchor if not len(assigned) else 0.6 * anchor + 0.4 * assigned.sum(0)


def nothing_assigned(anchor: Tensor, assigned: Tensor) -> Tensor:
    """The mean of no tokens, which is NaN."""
    return 0.6 * anchor + 0.4 * assigned.mean(0)


EXERCISE = Exercise(
    name="merged",
    reference=merged,
    by_hand={
        "two tokens into one": (torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0], [0.0, 3.0]])),
        "nothing to merge": (torch.tensor([1.0, 2.0]), torch.zeros(0, 2)),
    },
    real=lambda: (real_tokens()[0, 0], real_tokens()[1, :12]),
    mistakes=(
        Mistake(
            plain_mean,
            "yours is the plain mean; the anchor keeps a weight of its own, however many tokens are merged into it.",
        ),
        Mistake(swapped, "you gave the larger weight to the tokens that are merged in; it is the anchor's."),
        Mistake(summed, "your merged token grows with the number of tokens; it takes their mean."),
        Mistake(
            nothing_assigned,
            "where nothing is merged in, yours is NaN: a mean over no tokens. What should the anchor be then?",
        ),
    ),
)
