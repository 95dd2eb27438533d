"""Salient farthest points: this project's own answer to what InfoMerge loses.

The frame is InfoMerge's: some tokens are kept because they are salient, some because they stand for others, and every
token has an owner. What differs is which tokens stand for others. Density peaks (eq. 31 to 33) are the middle of what
is frequent, which is background; farthest points are what nothing chosen so far is like.

Notation as in the paper: x_i is token i, A_i its saliency, l_i its frame; L frames of N positions; K tokens are kept.

    u_i = x_i / |x_i|                                                                                              (F1)
    w_i = max(max(A_i, 0) / mean_j max(A_j, 0), 1e-4)^gamma                                                        (F2)
    k(i, j) = max(u_i . u_j, 0) exp(-(l_i - l_j)^2 / (2 tau_t^2))                                                  (F3)
    D_i = 1 - max_{j chosen} k(i, j),   1 where nothing is chosen                                                  (F4)
    next token = argmax_{i not chosen} w_i max(D_i, 1e-6)                                                          (F5)
    owner of i = argmax_{j chosen} k(i, j)                                                                         (F6)
    T_s = floor((1 - d) K / L)                                                                                     (F7)
    x_i - sum_{v in V_q} (x_i . v) v   in place of x_i in F1                                                       (F8)
    k(i, j) exp(-|p_i - p_j|^2 / (2 tau_p^2))   in place of k in F4 and F6                                         (F9)

1. Each frame keeps its T_s most salient tokens (F7).
2. Tokens are added one by one (F5), and the distances brought up to date (F4), until there are exactly K.
3. Kept tokens keep features and positions. Every other one is owned by the kept token that it is most like (F6), and
   merged into it by eq. 34 where mu is below 1; into salient tokens nothing is merged.

With a tau_t, content and time are one space: after tau_t frames a token counts as new again to a part, however it
looks. Without one, which is the default, a thing is chosen once in the whole clip, whenever it comes back: on the
testbed's development clips that kept more answers (docs/a_better_method.md). What is flashed for two frames is far from
all else either way, and a texture that stands still is chosen less often where nobody looks at it.

Two options are about place, and off by default. V_q of F8 are the first q right singular directions of the positions'
mean tokens over the clip, from which their mean is taken: what they have in common whatever is shown, which is where
they are. With them, one object that moves is as far from itself as another object is. p_i of F9 is where position i
is, in shares of the frame's sides: what looks alike elsewhere is another thing.

Read so that the result does not depend on the machine: k is rounded to 6 decimals; so is the logarithm of what F5
compares. Equal ones: the lower index first; in F6 the nearer in time first. Tokens that are zero are alike among
themselves and like no other.
"""

import dataclasses
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import budget as budgets
from infomerge import fast
from infomerge.compression import Compression
from infomerge.farthest import FarthestOptions, farthest_in_segments, owners, place_decay, without_place
from infomerge.fast import farthest as by_kernels
from infomerge.methods.method import Method
from infomerge.methods.registry import register_method
from infomerge.methods.result import Ownership
from infomerge.methods.spacing import grid_of, grid_places
from infomerge.numerics import wide
from infomerge.segmentation import find_segments, segment_lengths, transition_similarity
from infomerge.selection import most_salient, salient_counts


def check_options(**options: Any) -> None:
    """Refuse values that the method cannot take, when it is asked for and not only when it runs."""
    FarthestOptions(**options)


def farthest(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    **options: Any,
) -> Ownership:
    """Salient tokens, and farthest points beside them; options as in `FarthestOptions`."""
    chosen = FarthestOptions(**options)
    frames = len(features)
    total = budgets.salient_total(frames, requested / frames, chosen.context_fraction, chosen.salient_split)
    salient = most_salient(saliency, salient_counts(saliency, total, chosen.salient_split))
    if chosen.scope == "clip":
        segments = torch.tensor([[0, frames]], device=features.device)
        budget = torch.tensor([requested - total], device=features.device)
    else:
        transition = transition_similarity(features.mean(dim=1))
        segments = find_segments(transition, chosen.min_segments, chosen.segment_threshold)
        budget = _budget(features, segments, salient, requested - total, chosen)
    content = without_place(wide(features), chosen.place_directions) if chosen.place_directions else features
    place = None
    if chosen.place_scale is not None:
        place = place_decay(grid_places(*grid_of(features.shape[1], chosen.columns)), chosen.place_scale)
    points = farthest_in_segments(
        content, saliency, salient, segments, budget, chosen.saliency_exponent, chosen.time_scale, place
    )
    return Ownership(owners(points), (points.chosen & ~salient).flatten(), segments, merge_weight=chosen.merge_weight)


def quick(
    tokens: Tensor, saliency: Tensor | None, frame_features: Tensor | None, requested: int, **options: Any
) -> Compression | str:
    """The same at precision "fast", on a GPU."""
    return by_kernels.compress(
        tokens, saliency, frame_features, requested, FarthestOptions(**options), graphs=fast.use_graphs
    )


def _budget(
    features: Float[Tensor, "frames positions channels"],
    segments: Int[Tensor, "segments 2"],
    salient: Bool[Tensor, "frames positions"],
    total: int,
    options: FarthestOptions,
) -> Int[Tensor, "segments"]:
    """B_k: how many farthest points each segment gives (eq. 8 and 9)."""
    lengths = segment_lengths(segments)
    free = torch.stack([(~salient[start:end]).sum() for start, end in segments.tolist()])
    weight = lengths.to(features)
    if options.allocation == "caba":
        weight = budgets.content_weight(
            budgets.uniqueness(features, segments),
            budgets.richness(features, segments),
            lengths,
            options.uniqueness_weight,
            options.richness_weight,
            options.temperature,
        )
    return budgets.allocate(weight, total, free, "exact")


register_method(
    Method(
        "farthest",
        "Salient farthest points",
        "salient tokens, and those that are least like anything kept so far",
        "this project, on the frame of Liu et al., InfoMerge, arXiv 2606.02161",
        "proposed",
        ('Under scope "segment" the frames\' mean tokens say where to cut, whatever frame features are given.',),
        tuple(field.name for field in dataclasses.fields(FarthestOptions)),
        choose=farthest,
        quick=quick,
        check=check_options,
    )
)
