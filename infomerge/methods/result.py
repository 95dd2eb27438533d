"""From 'which token stands for which' to a `Compression`, for the methods that are not a configuration of InfoMerge."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.compression import ClipTrace, Compression
from infomerge.inputs import ClipTensors
from infomerge.merging import Assignment, plan_merge
from infomerge.numerics import BLOCK_ELEMENTS, rounded, unit


class Merges(NamedTuple):
    """Which tokens go into which kept ones by which weight, where that is not the plain mean of all that it owns."""

    source: Int[Tensor, "merges"]
    """Flat index of the token that goes in."""
    target: Int[Tensor, "merges"]
    """Flat index of the kept token that it goes into."""
    share: Float[Tensor, "merges"]
    """Its weight there; the kept token's own is what the shares of all that go into it leave of 1."""


class Ownership(NamedTuple):
    """What a method decides about every token of a clip."""

    owner: Int[Tensor, "tokens"]
    """Flat index of the kept token that stands for each token; a kept token's own."""
    merged: Bool[Tensor, "tokens"]
    """Kept tokens that become the mean of all tokens that they stand for: the context tokens."""
    segments: Int[Tensor, "segments 2"] | None = None
    """First frame and frame after the last of the runs of frames that it works on; None for the whole clip."""
    merges: Merges | None = None
    """Weights of the method's own; None where a `merged` token is the plain mean of all that it owns."""
    merge_weight: float = 0.0
    """Least weight of the kept token itself in that mean (mu of eq. 34); at 1 it keeps its features, bit for bit."""
    goes_in: Bool[Tensor, "tokens"] | None = None
    """Tokens that count in the mean of the merged token that stands for them; None for all."""


def assemble(clip: ClipTensors, ownership: Ownership, requested: int, method: str) -> Compression:
    """The compression that an ownership describes; tokens that are not `merged` keep their features bit for bit.

    Raises:
        ValueError: a token is owned by one that does not own itself, and so is not kept.
    """
    owner = ownership.owner
    index = torch.arange(len(owner), device=owner.device)
    astray = int((owner[owner] != owner).sum())
    if astray:
        raise ValueError(f"{method}: got {astray} tokens whose owner is not kept; expected owners that own themselves")
    if ownership.merges is None:
        going = (owner != index) & ownership.merged[owner] & (ownership.merge_weight < 1)
        source = index[going if ownership.goes_in is None else going & ownership.goes_in]
        assigned = Assignment(owner, source, owner[source])
    else:
        assigned = Assignment(owner, *ownership.merges)
    plan = plan_merge(
        assigned,
        is_context=ownership.merged,
        positions=clip.tokens.shape[1],
        merge_weight=ownership.merge_weight,
    )
    segments = ownership.segments
    if segments is None:
        segments = torch.tensor([[0, len(clip.tokens)]], device=owner.device)
    trace = ClipTrace(clip.tokens, segments, clip.saliency)
    return Compression(plan.merge(clip.tokens), plan, requested, trace, method=method)


def prune(features: Float[Tensor, "frames positions channels"], kept: Bool[Tensor, "frames positions"]) -> Ownership:
    """Kept tokens as they are; the others are owned by the most similar one of their frame, or else of the clip."""
    kept = kept.to(features.device)
    return Ownership(own_by_similarity(features, kept), torch.zeros_like(kept.flatten()))


def most_similar(
    directions: Float[Tensor, "tokens channels"], sources: Int[Tensor, "sources"], targets: Int[Tensor, "targets"]
) -> tuple[Float[Tensor, "sources"], Int[Tensor, "sources"]]:
    """Largest cosine of each source with any target, and that target; the first one among equals.

    `directions` are unit vectors. A block of sources at a time: at once the similarities would grow with frames^2.
    """
    candidates = directions[targets].T
    blocks = sources.split(max(1, BLOCK_ELEMENTS // len(targets)))
    best = [rounded(directions[block] @ candidates).max(dim=1) for block in blocks]
    return torch.cat([values for values, _ in best]), targets[torch.cat([places for _, places in best])]


def own_by_similarity(
    features: Float[Tensor, "frames positions channels"],
    kept: Bool[Tensor, "frames positions"],
    owners: Bool[Tensor, "frames positions"] | None = None,
    segments: Int[Tensor, "segments 2"] | None = None,
) -> Int[Tensor, "tokens"]:
    """Flat index of the kept token that stands for each token: the most similar one of its frame, or of its segment.

    Where that keeps none it is the most similar one of the clip. `owners` are the kept tokens that may stand for
    others; without them, all of them.
    """
    frames, positions, _ = features.shape
    owners = kept if owners is None else owners
    directions = unit(features).flatten(0, 1)
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    owner = index.clone()
    runs = [(frame, frame + 1) for frame in range(frames)] if segments is None else segments.tolist()
    astray = torch.zeros_like(kept)
    for start, end in runs:
        run = slice(start, end)
        targets = index[run][owners[run]]
        if len(targets):
            owner[run][~kept[run]] = most_similar(directions, index[run][~kept[run]], targets)[1]
        else:
            astray[run] = ~kept[run]
    if astray.any():
        owner[astray] = most_similar(directions, index[astray], index[owners])[1]
    return owner.flatten()
