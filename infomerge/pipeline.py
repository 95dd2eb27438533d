"""InfoMerge, step by step: from a clip's tokens to the ones that are kept.

`run` takes the steps in order, `plan_budget` and `choose_tokens` stop on the way. Every step is a pure function of what
it is given, taken through `step`, so that whoever tries many options on one clip may pass a `Memo`, which takes a step
again only when one of its inputs has changed.

Taught in notebook 00 as a whole; 03 to 05 go through its steps.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import budget as budgets
from infomerge import density, farthest, merging, redundancy, segmentation, selection
from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import Anchors, InfoMergeConfig
from infomerge.inputs import ClipTensors
from infomerge.numerics import positions_of, wide
from infomerge.steps import PLAINLY, Measures, Steps


@dataclass(frozen=True, eq=False)
class BudgetPlan:
    """How a configuration shares out a clip's tokens: what is known before single tokens are chosen."""

    clip: ClipTensors
    config: InfoMergeConfig
    segments: Int[Tensor, "segments 2"]
    """First frame and frame after the last (section 3.1)."""
    transition: Float[Tensor, "transitions"]
    """t_l (eq. 22)."""
    static: Bool[Tensor, "segments positions"]
    """S_k, the static candidates (section 3.2)."""
    weight: Float[Tensor, "segments"]
    """w_k (eq. 8), or |V_k| where the allocation is by length."""
    capacity: Int[Tensor, "segments"]
    """Tokens of each segment that ATS leaves: no budget is larger."""
    budget: Int[Tensor, "segments"]
    """B_k, context tokens of each segment (eq. 9)."""
    split: budgets.BudgetSplit
    """Tokens that the retention ratio asks for, and how they are split between the two kinds (A.4)."""
    salient_counts: Int[Tensor, "frames"]
    """Salient tokens of each frame: T_s, or what the exact total gives it."""
    measures: Measures
    """The paper's measures of the segments, those that the configuration does not need too."""
    step: Steps

    @property
    def scores(self) -> Float[Tensor, "segments positions"]:
        """The static prior's value, TFD_k(p) (eq. 2) where there is none; NaN where it is undefined."""
        return self.measures["tfd" if self.config.static_prior == "none" else self.config.static_prior]

    @property
    def uniqueness(self) -> Float[Tensor, "segments"]:
        """u_k (eq. 5)."""
        return self.measures["uniqueness"]

    @property
    def richness(self) -> Float[Tensor, "segments"]:
        """e_k (eq. 7)."""
        return self.measures["richness"]

    @cached_property
    def length_budget(self) -> Int[Tensor, "segments"]:
        """What B_k would be by the segments' lengths alone."""
        return self.step(budgets.allocate, wide(self.lengths), self.split.context, self.capacity, self.config.rounding)

    @property
    def lengths(self) -> Int[Tensor, "segments"]:
        """|V_k|, frames of each segment."""
        return segmentation.segment_lengths(self.segments)

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First frame and frame after the last of each segment, as plain numbers."""
        return [(start, end) for start, end in self.segments.tolist()]

    @property
    def requested(self) -> int:
        """Tokens that the retention ratio asks for."""
        return self.split.requested

    @property
    def salient(self) -> int:
        """Salient tokens of the whole clip."""
        return self.split.salient

    @property
    def context(self) -> int:
        """Context tokens of the whole clip."""
        return int(self.budget.sum())

    @property
    def kept(self) -> int:
        """Tokens that the configuration keeps."""
        return self.salient + self.context


class Chosen(NamedTuple):
    """Which single tokens a plan keeps, and by what they were chosen."""

    selection: selection.Selection
    """The salient tokens, by ATS."""
    features: Float[Tensor, "frames positions channels"]
    """The clip's, with static positions replaced (eq. 30)."""
    anchor_frames: merging.AnchorFrames
    candidates: Int[Tensor, "anchor_frames free"]
    """Positions of each anchor frame that ATS left, ascending."""
    density: Float[Tensor, "anchor_frames free"]
    """Their density scores (eq. 33)."""
    anchors: Bool[Tensor, "frames positions"]
    """The context anchors, by DTM."""


def run(clip: ClipTensors, config: InfoMergeConfig, step: Steps = PLAINLY) -> Compression:
    """InfoMerge from end to end: share out the budget, choose the tokens, merge the others into them."""
    plan = plan_budget(clip, config, step)
    chosen = choose_tokens(plan, step)
    merge = plan_merge(plan, chosen, step)
    tokens = step(merging.MergePlan.combine, merge, chosen.features).to(clip.tokens.dtype)
    return Compression(tokens, merge, plan.requested, trace(plan, chosen), config)


def plan_budget(clip: ClipTensors, config: InfoMergeConfig, step: Steps = PLAINLY) -> BudgetPlan:
    """Segments (section 3.1), static candidates (3.2), and the budget of every segment (3.3)."""
    frames, positions, _ = clip.tokens.shape
    transition = step(segmentation.transition_similarity, clip.frame_features)
    cuts = config.min_segments, config.segment_threshold
    if config.segmentation == "adaptive":
        cuts = 1, step(segmentation.adaptive_threshold, transition, config.segment_threshold)
    segments = step(segmentation.find_segments, transition, *cuts)
    lengths = segmentation.segment_lengths(segments)

    measures = Measures(clip.features, segments, step)

    # Where everything is kept, nothing may be replaced.
    static_ratio = config.static_ratio if config.retention_ratio < 1 else 0.0
    static = step(redundancy.static_candidates, measures[config.static_prior], static_ratio)

    if config.allocation == "caba":
        weight = step(
            budgets.content_weight,
            measures["uniqueness"],
            measures["richness"],
            lengths,
            config.uniqueness_weight,
            config.richness_weight,
            config.temperature,
        )
    else:
        weight = wide(lengths)
    split = budgets.split_budget(frames, positions, config)
    counts = step(selection.salient_counts, clip.saliency, split.salient, config.salient_split)
    free = (positions - counts).cumsum(0)[segments[:, 1] - 1]
    capacity = free.diff(prepend=free.new_zeros(1))
    budget = step(budgets.allocate, weight, split.context, capacity, config.rounding)
    return BudgetPlan(
        clip, config, segments, transition, static, weight, capacity, budget, split, counts, measures, step
    )


def choose_tokens(plan: BudgetPlan, step: Steps = PLAINLY) -> Chosen:
    """Salient tokens by ATS, and context anchors by DTM under the hard mask (section 3.4)."""
    clip, config, segments = plan.clip, plan.config, plan.segments
    chosen = step(
        selection.select_salient,
        clip.saliency,
        plan.static,
        segments,
        plan.salient_counts,
        config.static_penalty,
    )
    features = step(selection.replace_static, clip.features, chosen.replaced, segments)
    if config.anchors == "farthest":
        points = step(
            farthest.farthest_in_segments, features, clip.saliency, chosen.salient, segments, plan.budget, 1.0, None
        )
        return _farthest_chosen(chosen, features, points.chosen & ~chosen.salient, segments)
    free = clip.tokens.shape[1] - plan.salient_counts
    anchor_frames = step(merging.find_anchor_frames, segments, plan.budget, config.anchor_interval, free)
    free = free[anchor_frames.frame]
    # As many columns as the frame of most free tokens needs: the others' rows end in salient ones, without a score.
    candidates = positions_of(~chosen.salient[anchor_frames.frame], int(free.max()))
    scores = torch.full(candidates.shape, -torch.inf, dtype=features.dtype, device=features.device)
    for count in free.unique().tolist():
        rows = (free == count).nonzero().squeeze(1)
        given = features, anchor_frames.frame[rows], candidates[rows, :count]
        scores[rows, :count] = step(candidate_density, *given, config.neighbors, config.anchors)
    taken = step(merging.choose_anchors, scores, candidates, anchor_frames, plan.static)
    anchors = torch.zeros_like(chosen.salient)
    anchors[anchor_frames.frame] = torch.zeros_like(anchors[anchor_frames.frame]).scatter_(1, candidates, taken)
    return Chosen(chosen, features, anchor_frames, candidates, scores, anchors)


def _farthest_chosen(
    chosen: selection.Selection,
    features: Float[Tensor, "frames positions channels"],
    anchors: Bool[Tensor, "frames positions"],
    segments: Int[Tensor, "segments 2"],
) -> Chosen:
    """Where anchors are farthest points: their frames are known afterwards, and there is no density."""
    quota = anchors.sum(dim=1)
    frame = quota.nonzero().squeeze(1)
    segment = segmentation.segment_of_frame(segments)[frame]
    rank = torch.arange(len(frame), device=frame.device) - torch.searchsorted(segment, segment)
    anchor_frames = merging.AnchorFrames(frame, segment, quota[frame], rank)
    nothing = features.new_empty(len(frame), 0)
    return Chosen(chosen, features, anchor_frames, nothing.long(), nothing, anchors)


def plan_merge(plan: BudgetPlan, chosen: Chosen, step: Steps = PLAINLY) -> merging.MergePlan:
    """Every token that was not kept goes to an anchor (section 3.4)."""
    config, salient = plan.config, chosen.selection.salient
    return merging.plan_merge(
        step(merging.assign, chosen.features, salient, chosen.anchors, plan.segments, config.merge_scope),
        is_context=chosen.anchors.flatten(),
        positions=plan.clip.tokens.shape[1],
        merge_weight=config.merge_weight,
        replaced=chosen.selection.replaced,
        segments=plan.segments,
    )


def trace(plan: BudgetPlan, chosen: Chosen) -> InfoMergeTrace:
    """What was seen on the way. Measures that the configuration did not need are left to whoever reads them."""
    clip = plan.clip
    scores = chosen.density.masked_fill(chosen.density == -torch.inf, torch.nan)
    everywhere = scores.new_full((len(scores), clip.tokens.shape[1]), torch.nan)
    most = int(plan.salient_counts.max())
    salient = positions_of(chosen.selection.salient, most)
    beyond = torch.arange(most, device=salient.device) >= plan.salient_counts[:, None]
    return InfoMergeTrace(
        tokens=clip.tokens,
        segments=plan.segments,
        saliency=clip.saliency,
        transition=plan.transition,
        static=plan.static,
        weight=plan.weight,
        budget=plan.budget,
        length_budget=plan.length_budget,
        penalized_saliency=chosen.selection.penalized,
        salient=salient.masked_fill(beyond, -1),
        replaced=chosen.selection.replaced,
        anchor_frames=chosen.anchor_frames.frame,
        anchor_quota=chosen.anchor_frames.quota,
        density_scores=everywhere.scatter_(1, chosen.candidates, scores),
        measured=dict(plan.measures),
    )


def candidate_density(
    features: Float[Tensor, "frames positions channels"],
    frames: Int[Tensor, "anchor_frames"],
    candidates: Int[Tensor, "anchor_frames free"],
    neighbors: int,
    anchors: Anchors = "density",
) -> Float[Tensor, "anchor_frames free"]:
    """Density scores of the candidates; a step of its own, since the gathered features are new at every call."""
    return density.density_scores(features[frames[:, None], candidates], neighbors, anchors)
