"""The steps of InfoMerge one by one, each taken again only when something that it depends on has changed.

`compress` takes every step every time. A reader who drags a slider changes one option, on which few steps depend; and a
segment that the cuts leave alone keeps its redundancy and its richness.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import budget as budgets
from infomerge import merging, redundancy, segmentation, selection
from infomerge.compression import Trace, check_inputs
from infomerge.config import InfoMergeConfig, StaticPrior
from infomerge.numerics import floor_count, positions_of

REMEMBERED = 32
"""Results of each step that are kept, the most recently used ones."""

REMEMBERED_SEGMENTS = 1024
"""The same for what is known of single segments; a clip of 32 frames has 528 different ones."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Plan:
    """How a configuration shares out a clip's tokens; all of `Trace` that is known before single tokens are chosen."""

    config: InfoMergeConfig
    segments: Int[Tensor, "segments 2"]
    """First frame and frame after the last (section 3.1)."""
    transition: Float[Tensor, "transitions"]
    """t_l (eq. 22)."""
    scores: Float[Tensor, "segments positions"]
    """TFD_k(p) (eq. 2), or the adjacent-frame difference where that is the static prior; NaN where undefined."""
    static: Bool[Tensor, "segments positions"]
    """S_k, the static candidates (section 3.2)."""
    uniqueness: Float[Tensor, "segments"]
    """u_k (eq. 5)."""
    richness: Float[Tensor, "segments"]
    """e_k (eq. 7)."""
    weight: Float[Tensor, "segments"]
    """w_k (eq. 8), or |V_k| where the allocation is by length."""
    budget: Int[Tensor, "segments"]
    """B_k (eq. 9)."""
    length_budget: Int[Tensor, "segments"]
    """What B_k would be by the segments' lengths alone."""
    requested: int
    """Tokens that the retention ratio asks for."""
    salient: int
    """Salient tokens of the whole clip: L T_s."""

    @property
    def context(self) -> int:
        """Context tokens of the whole clip."""
        return int(self.budget.sum())

    @property
    def kept(self) -> int:
        """Tokens that `compress` keeps."""
        return self.salient + self.context

    @property
    def lengths(self) -> Int[Tensor, "segments"]:
        """|V_k|, frames of each segment."""
        return self.segments[:, 1] - self.segments[:, 0]


class Stages:
    """The steps of `compress` for one clip and any number of configurations.

    `plan` and `trace` give what `compress` gives, bit for bit. Each step's result is kept under exactly the inputs that
    it depends on, so that a changed option costs the steps after it and no others. Nothing here depends on
    `merge_weight` and `merge_scope`, which only concern how features are merged.

    Args:
        tokens, saliency, frame_features: as `compress` takes them.

    Raises:
        TypeError, ValueError: as `compress` does.
    """

    def __init__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        *,
        saliency: Float[Tensor, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | None = None,
    ) -> None:
        check_inputs(tokens, saliency, frame_features)
        self.tokens = tokens.detach()
        self._features = self.tokens.double()
        self._saliency = saliency
        self._frame_features = frame_features
        self._memory: dict[str, OrderedDict[Hashable, object]] = {}

    @torch.no_grad()
    def plan(self, config: InfoMergeConfig) -> Plan:
        """Segments, static candidates and budgets of a configuration."""
        segments = self._segments(config)
        split = self._split(config)
        prior: StaticPrior = "adjacent" if config.static_prior == "adjacent" else "tfd"
        return Plan(
            config=config,
            segments=segments,
            transition=self._transition,
            scores=self._scores(segments, prior),
            static=self._static(segments, config),
            uniqueness=self._uniqueness(segments),
            richness=self._richness(segments),
            weight=self._weight(segments, config),
            budget=self._budget(segments, self._weight(segments, config), split, config),
            length_budget=self._budget(segments, _lengths(segments).double(), split, config),
            requested=split.requested,
            salient=len(self.tokens) * split.salient_per_frame,
        )

    @torch.no_grad()
    def trace(self, config: InfoMergeConfig) -> Trace:
        """The trace that `compress` would return with this configuration."""
        plan = self.plan(config)
        split = self._split(config)
        free = self.tokens.shape[1] - split.salient_per_frame
        chosen = self._selection(plan.segments, plan.static, split.salient_per_frame, config.static_penalty)
        anchor_frames = merging.find_anchor_frames(plan.segments, plan.budget, config.anchor_interval, free)
        known = {"uniqueness": plan.uniqueness, "richness": plan.richness}
        known["adjacent" if config.static_prior == "adjacent" else "tfd"] = plan.scores
        return Trace(
            tokens=self.tokens,
            segments=plan.segments,
            transition=plan.transition,
            static=plan.static,
            weight=plan.weight,
            budget=plan.budget,
            length_budget=plan.length_budget,
            saliency=self._given_saliency,
            penalised_saliency=chosen.penalised,
            salient=positions_of(chosen.salient, split.salient_per_frame),
            replaced=chosen.replaced,
            anchor_frames=anchor_frames.frame,
            anchor_quota=anchor_frames.quota,
            density_scores=self._density(plan.segments, chosen, anchor_frames.frame, free, config.neighbours),
            known=known,
        )

    def _split(self, config: InfoMergeConfig) -> budgets.BudgetSplit:
        frames, positions, _ = self.tokens.shape
        return budgets.split_budget(frames, positions, config)

    @cached_property
    def _transition(self) -> Float[Tensor, "transitions"]:
        features = self._features.mean(dim=1) if self._frame_features is None else self._frame_features
        return segmentation.transition_similarity(features.double())

    @cached_property
    def _given_saliency(self) -> Float[Tensor, "frames positions"]:
        given = selection.frame_distinctness(self._features) if self._saliency is None else self._saliency
        return given.double()

    def _segments(self, config: InfoMergeConfig) -> Int[Tensor, "segments 2"]:
        inputs = config.min_segments, config.segment_threshold
        return self._recall("segments", inputs, lambda: segmentation.find_segments(self._transition, *inputs))

    def _scores(self, segments: Int[Tensor, "segments 2"], prior: StaticPrior) -> Float[Tensor, "segments positions"]:
        def of_segment(segment: Int[Tensor, "1 2"]) -> Float[Tensor, "1 positions"]:
            return redundancy.static_scores(self._features, segment, prior)

        return self._segment_by_segment(prior, segments, of_segment)

    def _static(
        self, segments: Int[Tensor, "segments 2"], config: InfoMergeConfig
    ) -> Bool[Tensor, "segments positions"]:
        ratio = 0.0 if config.retention_ratio == 1 else config.static_ratio
        if config.static_prior == "none":
            return torch.zeros(len(segments), self.tokens.shape[1], dtype=torch.bool, device=self.tokens.device)
        scores = self._scores(segments, config.static_prior)
        key = _key(segments), config.static_prior, floor_count(ratio * self.tokens.shape[1])
        return self._recall("static", key, lambda: redundancy.static_candidates(scores, ratio))

    def _uniqueness(self, segments: Int[Tensor, "segments 2"]) -> Float[Tensor, "segments"]:
        return self._recall("uniqueness", _key(segments), lambda: budgets.uniqueness(self._features, segments))

    def _richness(self, segments: Int[Tensor, "segments 2"]) -> Float[Tensor, "segments"]:
        def of_segment(segment: Int[Tensor, "1 2"]) -> Float[Tensor, "1"]:
            return budgets.richness(self._features, segment)

        return self._segment_by_segment("richness", segments, of_segment)

    def _weight(self, segments: Int[Tensor, "segments 2"], config: InfoMergeConfig) -> Float[Tensor, "segments"]:
        if config.allocation == "length":
            return _lengths(segments).double()
        uniqueness, richness = self._uniqueness(segments), self._richness(segments)
        key = _key(segments), config.uniqueness_weight, config.richness_weight, config.temperature
        return self._recall("weight", key, lambda: budgets.content_weight(uniqueness, richness, segments, config))

    def _budget(
        self,
        segments: Int[Tensor, "segments 2"],
        weight: Float[Tensor, "segments"],
        split: budgets.BudgetSplit,
        config: InfoMergeConfig,
    ) -> Int[Tensor, "segments"]:
        room = _lengths(segments) * (self.tokens.shape[1] - split.salient_per_frame)
        if config.retention_ratio == 1:
            return room
        key = _key(weight), _key(room), split.context, config.rounding
        return self._recall("budget", key, lambda: budgets.allocate(weight, split.context, room, config.rounding))

    def _selection(
        self,
        segments: Int[Tensor, "segments 2"],
        static: Bool[Tensor, "segments positions"],
        count: int,
        penalty: float,
    ) -> selection.Selection:
        return self._recall(
            "selection",
            (_key(segments), _key(static), count, penalty),
            lambda: selection.select_salient(self._given_saliency, static, segments, count, penalty),
        )

    def _density(
        self,
        segments: Int[Tensor, "segments 2"],
        chosen: selection.Selection,
        frames: Int[Tensor, "anchor_frames"],
        free: int,
        neighbours: int,
    ) -> Float[Tensor, "anchor_frames positions"]:
        def compute() -> Float[Tensor, "anchor_frames positions"]:
            features = selection.replace_static(self._features, chosen.replaced, segments)
            candidates = positions_of(~chosen.salient[frames], free)
            scores = merging.density_scores(features[frames[:, None], candidates], neighbours)
            everywhere = scores.new_full((len(frames), self.tokens.shape[1]), torch.nan)
            return everywhere.scatter_(1, candidates, scores)

        key = _key(segments), _key(chosen.replaced), _key(chosen.salient), _key(frames), neighbours
        return self._recall("density", key, compute)

    def _segment_by_segment(
        self, step: str, segments: Int[Tensor, "segments 2"], of_segment: Callable[[Tensor], Tensor]
    ) -> Tensor:
        parts = [
            self._recall(step, _key(row), partial(of_segment, row), REMEMBERED_SEGMENTS) for row in segments.split(1)
        ]
        return torch.cat(parts)

    def _recall(self, step: str, key: Hashable, compute: Callable[[], Result], size: int | None = None) -> Result:
        """The result of a step for these inputs, computed if it is not among the last used ones."""
        known = self._memory.setdefault(step, OrderedDict())
        if key not in known:
            known[key] = compute()
        known.move_to_end(key)
        if len(known) > (size or REMEMBERED):
            known.popitem(last=False)
        return known[key]  # type: ignore[return-value]


def _lengths(segments: Int[Tensor, "segments 2"]) -> Int[Tensor, "segments"]:
    return segments[:, 1] - segments[:, 0]


def _key(values: Tensor) -> bytes:
    """A tensor's content, to look results up by."""
    return values.cpu().numpy().tobytes()
