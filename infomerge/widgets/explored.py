"""A clip under a configuration and, where one is pinned, under another: what BudgetExplorer shows, without the view."""

from dataclasses import dataclass, field, replace
from typing import Any

from infomerge import pipeline
from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import InfoMergeConfig
from infomerge.encoded_clip import EncodedClip
from infomerge.inputs import ClipTensors, clip_tensors
from infomerge.methods import make_compressor
from infomerge.pipeline import BudgetPlan
from infomerge.steps import Memo
from infomerge.widgets import exports
from infomerge.widgets.controls import GROUPS, heading, without_effect
from infomerge.widgets.explorer_data import map_data, plan_data, token_data


@dataclass
class Explored:
    """A clip and the configurations that it is looked at under; steps whose inputs stay are not taken again."""

    encoded: EncodedClip
    config: InfoMergeConfig
    """The present one, B where another is pinned."""
    pinned: InfoMergeConfig | None = None
    """A, as it was when it was pinned."""
    tensors: ClipTensors = field(init=False)
    memo: Memo = field(init=False, default_factory=Memo)

    def __post_init__(self) -> None:
        self.tensors = clip_tensors(self.encoded.tokens, self.encoded.saliency, self.encoded.frame_features)

    @property
    def pinned_now(self) -> InfoMergeConfig | None:
        """A at the present retention ratio, so that the two are compared at equal cost."""
        return self.pinned and replace(self.pinned, retention_ratio=self.config.retention_ratio)

    @property
    def plan(self) -> BudgetPlan:
        """Segments, static candidates and budgets under the present configuration."""
        return pipeline.plan_budget(self.tensors, self.config, self.memo)

    @property
    def pinned_plan(self) -> BudgetPlan | None:
        """The same under A."""
        return None if self.pinned_now is None else pipeline.plan_budget(self.tensors, self.pinned_now, self.memo)

    @property
    def trace(self) -> InfoMergeTrace:
        """The trace that `compress` would return for the present configuration."""
        plan = self.plan
        return pipeline.trace(plan, pipeline.choose_tokens(plan, self.memo))

    def compression(self, *, pinned: bool = False) -> Compression:
        """`compress` under the present configuration, or under A.

        Raises:
            ValueError: A is asked for, and nothing is pinned.
        """
        config = self.pinned_now if pinned else self.config
        if config is None:
            raise ValueError("pinned: got none; expected a pinned configuration: call pin() first")
        return pipeline.run(self.tensors, config, self.memo)

    def shown(self) -> dict[str, Any]:
        """What the panels over time, the controls and the lines of text show; the explorer's trait of that name."""
        plan, pinned, config = self.plan, self.pinned_plan, self.config
        return {
            "config": config.to_dict(),
            "line": config.to_python(),
            "without_effect": without_effect(config),
            "compared": self.compared,
            "headings": {group: heading(group, config) for group in GROUPS},
            "described_pinned": None if self.pinned_now is None else exports.described(self.pinned_now),
            "plan": plan_data(plan),
            "pinned": None if pinned is None else plan_data(pinned),
        }

    def maps(self) -> dict[str, Any]:
        """The static prior of every segment, of A too; the explorer's trait of that name."""
        pinned = self.pinned_plan
        return {"b": map_data(self.plan), "a": None if pinned is None else map_data(pinned)}

    @property
    def compared(self) -> list[dict[str, Any] | None]:
        """The options of B and A, of which `tokens` says for which they are."""
        return [None if config is None else config.to_dict() for config in (self.config, self.pinned_now)]

    def tokens(self) -> dict[str, Any]:
        """What becomes of every token; the explorer's trait of that name."""
        plans = [plan for plan in (self.plan, self.pinned_plan) if plan is not None]
        merges = [pipeline.plan_merge(plan, pipeline.choose_tokens(plan, self.memo), self.memo) for plan in plans]
        return token_data(merges[0], merges[1] if len(merges) > 1 else None) | {"of": self.compared}


def configuration(
    method: Any, config: InfoMergeConfig | None, retention_ratio: float | None, options: dict[str, Any]
) -> InfoMergeConfig:
    """The configuration of InfoMerge that arguments of the explorer name.

    Raises:
        TypeError, ValueError: they name none, or two.
    """
    if config is not None:
        if not isinstance(config, InfoMergeConfig):
            raise TypeError(f"config: got {type(config).__name__}; expected an InfoMergeConfig")
        if method is not None:
            raise ValueError("config: given beside a method; expected one of them")
        method = config
    settled = getattr(make_compressor(method, retention_ratio=retention_ratio, **options), "config", None)
    if settled is None:
        raise ValueError(f"method: got {method!r}; expected InfoMerge or a configuration of it, such as 'fastvid'")
    found: InfoMergeConfig = settled
    return found
