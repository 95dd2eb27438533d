"""The steps of the pipeline in float32, for any device: those that float64 made slow have a twin here.

`run(clip, config, FLOAT32)` takes the same steps in the same order. A step without a twin is taken as it is, on float32
features. What decides the budgets stays in float64 where it is small: means of frames, z-scores, quotas.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import budget as budgets
from infomerge import density, merging, pipeline, selection
from infomerge.config import Anchors
from infomerge.fast.squarings import NEGLIGIBLE, smaller_gram, squared_spectral_entropy
from infomerge.numerics import wide
from infomerge.steps import Result, Steps


class Float32(Steps):
    """Takes a step's twin where it has one."""

    def __call__(self, step: Callable[..., Result], *inputs: Any) -> Result:
        """What the step, or its twin, makes of its inputs."""
        twin: Callable[..., Result] = TWINS.get(step, step)
        return twin(*inputs)


def uniqueness(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"]
) -> Float[Tensor, "segments"]:
    """Eq. 3 to 5 from the frames' means, in float64: all frames have as many tokens."""
    return budgets.uniqueness(wide(tokens.mean(dim=1, keepdim=True)), segments)


def richness(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"]
) -> Float[Tensor, "segments"]:
    """Eq. 6 and 7 from float32 Gram matrices: by eigenvalues on a CPU, by squarings elsewhere."""
    entropy = spectral_entropy if tokens.device.type == "cpu" else squared_spectral_entropy
    return torch.stack([entropy(tokens[start:end].flatten(0, 1)) for start, end in segments.tolist()])


def content_weight(
    uniqueness: Float[Tensor, "segments"], richness: Float[Tensor, "segments"], *options: Any
) -> Float[Tensor, "segments"]:
    """Eq. 8, in which the errors of squarings are not taken for differences between segments."""
    if richness.device.type != "cpu":
        richness = torch.where(richness.std(correction=0) < NEGLIGIBLE, richness.mean(), richness)
    return budgets.content_weight(uniqueness, richness, *options)


def spectral_entropy(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, ""]:
    """Eq. 7 by the eigenvalues of the smaller Gram matrix, in float32; the sums in float64."""
    gram = smaller_gram(tokens)
    if len(gram) == 1:
        return wide(gram.new_zeros(()))
    energy = wide(torch.linalg.eigvalsh(gram)).clamp(min=0)
    total = energy.sum()
    energy = energy / torch.where(total > 0, total, 1)
    return -torch.special.xlogy(energy, energy).sum() / math.log(len(gram))


def replace_static(
    tokens: Float[Tensor, "frames positions channels"],
    replaced: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
) -> Float[Tensor, "frames positions channels"]:
    """Eq. 29 and 30 with the means of those positions alone that are replaced somewhere."""
    out = tokens.clone()
    for start, end in segments.tolist():
        positions = replaced[start:end].any(dim=0).nonzero().squeeze(1)
        given = tokens[start:end, positions]
        out[start:end, positions] = torch.where(replaced[start:end, positions, None], given.mean(dim=0), given)
    return out


def combine(
    plan: merging.MergePlan, features: Float[Tensor, "frames positions features"]
) -> Float[Tensor, "kept features"]:
    """Eq. 34 with sums that read the members where they lie."""
    if features.device.type != "cpu":
        return plan.combine(features)
    flat = features.flatten(0, 1)
    counts = torch.bincount(plan.target, minlength=plan.kept)
    sums = torch.nn.functional.embedding_bag(plan.source, flat, counts.cumsum(0) - counts, mode="sum")
    weight = (1 / (counts + 1).to(flat.dtype)).clamp(min=plan.merge_weight)[:, None]
    own = flat[plan.index]
    merged = weight * own + (1 - weight) / counts.clamp(min=1)[:, None] * sums
    return torch.where((counts > 0)[:, None], merged, own)


def candidate_density(
    features: Float[Tensor, "frames positions channels"],
    frames: Int[Tensor, "anchor_frames"],
    candidates: Int[Tensor, "anchor_frames free"],
    neighbors: int,
    anchors: Anchors = "density",
) -> Float[Tensor, "anchor_frames free"]:
    """Eq. 31 to 33 with distances in the product form."""
    tokens = features[frames[:, None], candidates]
    count, free, channels = tokens.shape
    if free == 0:
        return tokens.new_zeros(count, 0)
    product = tokens @ tokens.mT
    energy = product.diagonal(dim1=1, dim2=2)
    squared = ((energy[:, :, None] + energy[:, None, :] - 2 * product) / channels).clamp_(min=0)
    squared.diagonal(dim1=1, dim2=2).zero_()
    spread = squared.topk(min(neighbors, free), dim=-1, largest=False, sorted=False).values.mean(-1)
    farthest = squared.amax(dim=(1, 2))[:, None, None]
    delta = torch.where(density.is_denser(spread), squared, farthest).amin(-1).sqrt()
    return density.log_score(spread, delta, anchors)


TWINS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    budgets.uniqueness: uniqueness,
    budgets.richness: richness,
    budgets.content_weight: content_weight,
    selection.replace_static: replace_static,
    pipeline.candidate_density: candidate_density,
    merging.MergePlan.combine: combine,
}
FLOAT32 = Float32()
