"""Density peaks among the tokens of one frame (section 3.4): which of them may speak for the others."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from infomerge.config import Anchors
from infomerge.numerics import ranks, rounded

SHORTLIST_FROM = 64
"""Tokens of a frame from which on a CPU takes exact distances of the shortlisted pairs alone."""

SPARE = 4
"""Pairs shortlisted beyond those that are needed, so that the shortlist's float noise can be seen not to matter."""


def density_scores(
    tokens: Float[Tensor, "frames free channels"], neighbors: int, anchors: Anchors = "density"
) -> Float[Tensor, "frames free"]:
    """Logarithm of each token's density score within its frame: dense, and far from anything denser (eq. 31 to 33).

    The logarithm has the order of the score itself, which underflows for tokens of large norm. Rounded, as compared.
    With anchors by "distance" that of delta alone: far from anything denser, however dense.
    """
    frames, free, _ = tokens.shape
    if free == 0:
        return tokens.new_zeros(frames, 0)
    neighbors = min(neighbors, free)
    if tokens.device.type != "cpu" or free < SHORTLIST_FROM:
        return _scores_of_all_pairs(tokens, neighbors, anchors)
    return torch.stack([_scores_of_few_pairs(frame, neighbors, anchors) for frame in tokens])


def is_denser(spread: Float[Tensor, "frames free"]) -> Bool[Tensor, "frames free free"]:
    """Whether the second token is denser than the first, by their mean squared neighbor distance (eq. 31).

    Compared after rounding; of equal ones the lower index is the denser.
    """
    rank = ranks(rounded(spread))
    return rank[:, None, :] < rank[:, :, None]


def log_score(
    spread: Float[Tensor, "*shape"], delta: Float[Tensor, "*shape"], anchors: Anchors
) -> Float[Tensor, "*shape"]:
    """log(rho delta) of eq. 33, from the mean squared neighbor distance and the distance to what is denser.

    With anchors by "distance", log(delta).
    """
    log_delta = delta.clamp(min=1e-12).log()
    return rounded(log_delta if anchors == "distance" else log_delta - spread)


def _scores_of_all_pairs(
    tokens: Float[Tensor, "frames free channels"], neighbors: int, anchors: Anchors
) -> Float[Tensor, "frames free"]:
    distance = _distances(tokens, tokens)
    spread = distance.topk(neighbors, dim=-1, largest=False).values.square().mean(-1)
    farthest = distance.amax(dim=(1, 2))[:, None, None]
    return log_score(spread, torch.where(is_denser(spread), distance, farthest).amin(-1), anchors)


def _scores_of_few_pairs(
    tokens: Float[Tensor, "free channels"], neighbors: int, anchors: Anchors
) -> Float[Tensor, "free"]:
    """The same for one frame and bit for bit, from the pairs that can matter; from all where that is not certain.

    The product form of the distance shortlists pairs; what it is off by is bounded, so that whatever lies beyond the
    shortlist by more than that cannot belong into it. What is computed with are the exact differences.
    """
    shortlist = _Shortlist.of(tokens)
    nearest, certain = shortlist.smallest(shortlist.squared, neighbors)
    spread = nearest.square().mean(-1)
    denser = is_denser(spread[None])[0]
    delta, certain_delta = shortlist.smallest(torch.where(denser, shortlist.squared, torch.inf), 1)
    farthest, certain_farthest = shortlist.largest()
    if not (certain and certain_delta and certain_farthest):
        return _scores_of_all_pairs(tokens[None], neighbors, anchors)[0]
    return log_score(spread, torch.where(denser.any(-1), delta[:, 0], farthest), anchors)


class _Shortlist(NamedTuple):
    tokens: Float[Tensor, "free channels"]
    squared: Float[Tensor, "free free"]
    """Squared distances by the product form."""
    slack: float
    """No squared distance is off by more than this, neither by the product form nor by differences."""

    @classmethod
    def of(cls, tokens: Float[Tensor, "free channels"]) -> "_Shortlist":
        product = tokens @ tokens.mT
        energy = product.diagonal()
        squared = energy[:, None] + energy[None, :] - 2 * product
        # A dot product of n terms is off by at most n eps/2 times the norms' product. Four of them make the form, and
        # the sum of squared differences is at most four times the largest energy; twice that to be safe.
        slack = 8 * (tokens.shape[1] + 4) * torch.finfo(tokens.dtype).eps * float(energy.max())
        return cls(tokens, squared, slack)

    def smallest(self, squared: Float[Tensor, "free free"], count: int) -> tuple[Float[Tensor, "free count"], bool]:
        """The `count` smallest exact distances of each token, ascending, and whether they are certain to be these."""
        shortlisted = squared.topk(min(count + SPARE, len(squared)), dim=-1, largest=False)
        distance = _distances(self.tokens[:, None], self.tokens[shortlisted.indices])[:, 0]
        distance = torch.where(shortlisted.values.isinf(), torch.inf, distance)
        found = distance.topk(count, dim=-1, largest=False).values
        if shortlisted.values.shape[1] == len(squared):
            return found, True
        channels = self.tokens.shape[1]
        beyond = shortlisted.values[:, -1]
        certain = (found[:, -1].square() * channels <= beyond - self.slack) | beyond.isinf()
        return found, bool(certain.all())

    def largest(self) -> tuple[Float[Tensor, ""], bool]:
        """The largest exact distance between any two tokens, and whether it is certain to be that."""
        shortlisted = self.squared.flatten().topk(min(2 * SPARE, self.squared.numel()))
        row, column = shortlisted.indices // len(self.tokens), shortlisted.indices % len(self.tokens)
        found = _distances(self.tokens[row][:, None], self.tokens[column][:, None]).amax()
        return found, bool(found.square() * self.tokens.shape[1] >= shortlisted.values[-1] + self.slack)


def _distances(
    a: Float[Tensor, "batch n channels"], b: Float[Tensor, "batch m channels"]
) -> Float[Tensor, "batch n m"]:
    """Euclidean distance over the square root of the channels.

    By exact differences: the product form is off by 1e-8 between equal tokens, and eq. 33 takes the logarithm.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist") / a.shape[-1] ** 0.5
