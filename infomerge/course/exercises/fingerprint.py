"""Unit 2: the fingerprint matrix of one position (eq. 1)."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.course.clips import real_tokens
from infomerge.course.exercise import Exercise, Mistake
from infomerge.numerics import unit
from infomerge.redundancy import fingerprints


def fingerprint(tokens: Float[Tensor, "frames channels"]) -> Float[Tensor, "frames frames"]:
    """`infomerge.redundancy.fingerprints` of one position."""
    return fingerprints(tokens[:, None])[0]


def raw_products(tokens: Tensor) -> Tensor:
    """Tokens that are not normalised."""
    return tokens @ tokens.mT


def normalised_over_frames(tokens: Tensor) -> Tensor:
    """Lengths taken along the wrong axis."""
    columns = unit(tokens.mT).mT
    return columns @ columns.mT


def distances(tokens: Tensor) -> Tensor:
    """One minus the cosine."""
    return 1 - fingerprint(tokens)


_ANGLES = torch.tensor([0.0, 0.0, 90.0, 30.0]).deg2rad()

EXERCISE = Exercise(
    name="fingerprint",
    reference=fingerprint,
    by_hand={
        "four frames by hand": (
            torch.stack([_ANGLES.cos(), _ANGLES.sin()], -1) * torch.tensor([1.0, 2.0, 1.0, 3.0])[:, None],
        ),
    },
    real=lambda: (real_tokens()[:, 9],),
    mistakes=(
        Mistake(raw_products, "your fingerprint differs on the diagonal: did you normalise the tokens?"),
        Mistake(
            normalised_over_frames,
            "your fingerprint differs on the diagonal although something was normalised: a token is a row, [channels]; "
            "along which axis did you take the lengths?",
        ),
        Mistake(
            distances,
            "your diagonal is 0, so yours is a matrix of differences; the fingerprint says how alike two frames are.",
        ),
    ),
)
