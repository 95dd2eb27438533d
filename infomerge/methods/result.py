"""From 'which token stands for which' to a `Compression`, for the methods that are not a configuration of InfoMerge."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.compression import Compression, Trace
from infomerge.config import InfoMergeConfig
from infomerge.numerics import BLOCK_ELEMENTS, rounded, unit


class Ownership(NamedTuple):
    """What a method decides about every token of a clip."""

    owner: Int[Tensor, "tokens"]
    """Flat index of the kept token that stands for each token; a kept token's own."""
    merged: Bool[Tensor, "tokens"]
    """Kept tokens that become the mean of all tokens that they stand for."""
    segments: Int[Tensor, "segments 2"] | None = None
    """First frame and frame after the last of the runs of frames that it works on; None for the whole clip."""


class MethodTrace(Trace):
    """The part of InfoMerge's trace that every method has: the tokens, their saliency, and the segments.

    What `Trace` computes from the tokens (`tfd`, `adjacent`, `uniqueness`, `richness`, `segment_of_frame`) is there
    too. The stages that the method does not have (`budget`, `weight`, `anchor_frames`, ...) raise AttributeError.
    """

    def __init__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        segments: Int[Tensor, "segments 2"],
        saliency: Float[Tensor, "frames positions"],
    ) -> None:
        static = torch.zeros(len(segments), tokens.shape[1], dtype=torch.bool, device=tokens.device)
        vars(self).update(tokens=tokens, segments=segments, saliency=saliency, static=static)

    def __repr__(self) -> str:
        return f"MethodTrace(segments={self.segments.tolist()})"


@dataclass(frozen=True, eq=False)
class MethodCompression(Compression):
    """What a method without InfoMerge's stages returns. It has no `config`: reading that raises AttributeError."""

    config: InfoMergeConfig = field(init=False, repr=False)
    trace: MethodTrace

    def carry(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """Other features of the same tokens, merged as the tokens were: context tokens are means, others are kept."""
        return _owner_values(features, self.index, self.is_context, self.assignment)


def assemble(
    tokens: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    ownership: Ownership,
    requested: int,
) -> MethodCompression:
    """The compression that an ownership describes; tokens that are not `merged` keep their features bit for bit."""
    frames, positions, _ = tokens.shape
    owner = ownership.owner
    kept = owner == torch.arange(len(owner), device=owner.device)
    index = kept.nonzero().squeeze(1)
    assignment = (kept.cumsum(0) - 1)[owner]
    is_context = ownership.merged[index]
    segments = ownership.segments
    if segments is None:
        segments = torch.tensor([[0, frames]], device=tokens.device)
    return MethodCompression(
        tokens=_owner_values(tokens, index, is_context, assignment).detach(),
        index=index,
        is_context=is_context,
        assignment=assignment,
        requested=requested,
        positions=positions,
        trace=MethodTrace(tokens.detach(), segments, saliency),
    )


def _owner_values(
    features: Float[Tensor, "frames positions features"],
    index: Int[Tensor, "kept"],
    is_context: Bool[Tensor, "kept"],
    assignment: Int[Tensor, "tokens"],
) -> Float[Tensor, "kept features"]:
    flat = features.flatten(0, 1)
    values = flat[index]
    if is_context.any():
        means = group_means(flat.double(), assignment, len(index))
        values = torch.where(is_context[:, None], means.to(features.dtype), values)
    return values


def group_means(
    values: Float[Tensor, "tokens channels"], group: Int[Tensor, "tokens"], groups: int
) -> Float[Tensor, "groups channels"]:
    """Mean of each group's values; every group from 0 to `groups` - 1 has members.

    Summed in the order of the tokens: a scattered sum would depend on the order of a GPU's threads.
    """
    order = torch.argsort(group, stable=True)
    sizes = torch.bincount(group, minlength=groups)
    return torch.segment_reduce(values[order], "mean", lengths=sizes, axis=0)


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
) -> Int[Tensor, "tokens"]:
    """Flat index of the kept token that stands for each token: the most similar one of its frame.

    In frames that keep none it is the most similar one of the clip. `owners` are the kept tokens that may stand for
    others; without them, all of them.
    """
    frames, positions, _ = features.shape
    owners = kept if owners is None else owners
    directions = unit(features).flatten(0, 1)
    index = torch.arange(frames * positions, device=features.device).view(frames, positions)
    owner = index.clone()
    empty = ~owners.any(dim=1)
    for frame in (~empty).nonzero().squeeze(1).tolist():
        free = index[frame][~kept[frame]]
        owner[frame, ~kept[frame]] = most_similar(directions, free, index[frame][owners[frame]])[1]
    if empty.any():
        owner[empty] = most_similar(directions, index[empty].flatten(), index[owners])[1].view(-1, positions)
    return owner.flatten()
