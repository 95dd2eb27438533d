"""How much of each token of a clip is left in the kept token that stands for it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from infomerge.compression import Compression
from infomerge.numerics import cosine, unit


@dataclass(frozen=True)
class Coverage:
    """Cosine of a clip's tokens to their owners' kept tokens, between -1 and 1."""

    mean: float
    worst: float
    """Mean over the worst covered tokens alone: 1 % of them, at least one."""


def owner_similarity(out: Compression) -> Float64[Tensor, "tokens"]:
    """Cosine of each token of the clip, as it was given, to the kept token that stands for it, as it is handed on.

    In float64; 0 where either of them is zero.
    """
    frames = out.trace.tokens.double()
    owners = out.assignment.view(frames.shape[:2])
    kept = out.tokens.double()
    # A frame at a time, so that the owners of a whole clip are never held at once.
    return torch.cat([cosine(frame, kept[owner]) for frame, owner in zip(frames, owners, strict=True)])


def coverage(out: Compression, worst_share: float = 0.01) -> Coverage:
    """How well kept tokens cover the clip.

    Raises:
        ValueError: `worst_share` is not above 0 and at most 1.
    """
    if not 0 < worst_share <= 1:
        raise ValueError(f"worst_share: got {worst_share}; expected a share above 0 and at most 1")
    similarity = owner_similarity(out).sort().values
    worst = similarity[: max(1, round(worst_share * len(similarity)))]
    return Coverage(mean=float(similarity.mean()), worst=float(worst.mean()))


def nearest_similarity(out: Compression) -> Float64[Tensor, "frames positions"]:
    """Largest cosine of each token of the clip, as it was given, with any kept token, as it is handed on.

    Unlike `owner_similarity` it does not ask which of them stands for it. In float64; 0 where a token is zero.
    """
    kept = unit(out.tokens.double()).T
    # A frame at a time, so that the similarities of a whole clip are never held at once.
    return torch.stack([(unit(frame.double()) @ kept).amax(dim=1) for frame in out.trace.tokens])
