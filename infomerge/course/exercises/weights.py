"""Unit 3: from uniqueness and richness to a segment's weight (eq. 8)."""

import torch
from torch import Tensor

from infomerge.budget import content_weight, standardize
from infomerge.course.exercise import Exercise, Inputs, Mistake


def not_standardised(u: Tensor, e: Tensor, lengths: Tensor, alpha: float, beta: float, tau: float) -> Tensor:
    """Without z-scores."""
    return torch.sigmoid(tau * (alpha * u + beta * e)) * lengths


def without_length(u: Tensor, e: Tensor, lengths: Tensor, alpha: float, beta: float, tau: float) -> Tensor:
    """The sigmoid alone."""
    return content_weight(u, e, torch.ones_like(lengths), alpha, beta, tau)


def sample_deviation(u: Tensor, e: Tensor, lengths: Tensor, alpha: float, beta: float, tau: float) -> Tensor:
    """Divided by the deviation of a sample, n - 1, which is what torch gives unasked."""
    mixed = alpha * (u - u.mean()) / u.std() + beta * (e - e.mean()) / e.std()
    return torch.sigmoid(tau * mixed) * lengths


def mixture_standardised(u: Tensor, e: Tensor, lengths: Tensor, alpha: float, beta: float, tau: float) -> Tensor:
    """One z-score, of the mixture."""
    return torch.sigmoid(tau * standardize(alpha * u + beta * e)) * lengths


def _paper_case() -> Inputs:
    """What Figure 8 of the paper prints: uniqueness, and entropy in nats, over log R of LLaVA-OneVision."""
    lengths = torch.tensor([7, 12, 13])
    rank = (lengths * 196).clamp(max=3584)
    return torch.tensor([0.019, 0.136, 0.121]), torch.tensor([5.21, 6.65, 3.77]) / rank.log(), lengths, 0.9, 0.1, 1.2


EXERCISE = Exercise(
    name="weights",
    reference=content_weight,
    by_hand={
        "three segments by hand": (
            torch.tensor([0.1, 0.2, 0.6]),
            torch.tensor([0.5, 0.4, 0.6]),
            torch.tensor([4, 2, 1]),
            0.9,
            0.1,
            1.2,
        ),
    },
    real=_paper_case,
    real_name="the case of the paper's Figure 8",
    mistakes=(
        Mistake(not_standardised, "your weights hardly differ; are uniqueness and richness on one scale, by z-scores?"),
        Mistake(without_length, "your weights forget how long a segment is; what is left of 10 frames beside 1?"),
        Mistake(
            sample_deviation,
            "your z-scores are a little too small: torch divides by n - 1 unless it is told otherwise; the method "
            "takes the deviation over all segments, by n.",
        ),
        Mistake(
            mixture_standardised,
            "you standardised the mixture; uniqueness and richness are standardised each by itself, before mixing.",
        ),
    ),
)
