"""Two compressions of one clip, token by token: what each keeps that the other does not, and whose owner changed."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from infomerge.compression import Compression
from infomerge.merging import MergePlan


@dataclass(frozen=True, eq=False)
class TokenDifference:
    """Masks over all tokens of the clip, frame by frame."""

    only_a: Bool[Tensor, "tokens"]
    """Kept by A alone."""
    only_b: Bool[Tensor, "tokens"]
    """Kept by B alone."""
    both: Bool[Tensor, "tokens"]
    """Kept by both, be it as a salient token or as a context token."""
    moved: Bool[Tensor, "tokens"]
    """Kept by neither, and merged into another token by A than by B."""


def token_difference(a: Compression | MergePlan, b: Compression | MergePlan) -> TokenDifference:
    """Compare what two compressions of the same clip do to each of its tokens.

    Raises:
        ValueError: they are of clips of different sizes.
    """
    if len(a.assignment) != len(b.assignment) or a.positions != b.positions:
        found, expected = (f"{len(out.assignment) // out.positions} x {out.positions}" for out in (b, a))
        raise ValueError(f"b: got a clip of {found} tokens; expected {expected}, as a has")
    kept_a, kept_b = _kept(a), _kept(b)
    owner_a, owner_b = _owner(a), _owner(b)
    return TokenDifference(
        only_a=kept_a & ~kept_b,
        only_b=kept_b & ~kept_a,
        both=kept_a & kept_b,
        moved=~kept_a & ~kept_b & (owner_a != owner_b),
    )


def _kept(out: Compression | MergePlan) -> Bool[Tensor, "tokens"]:
    kept = torch.zeros(len(out.assignment), dtype=torch.bool, device="cpu")
    kept[out.index.cpu()] = True
    return kept


def _owner(out: Compression | MergePlan) -> Int[Tensor, "tokens"]:
    """The flat index of the kept token that each token of the clip is merged into."""
    return out.index.cpu()[out.assignment.cpu().long()]
