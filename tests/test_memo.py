"""The pipeline with a memory, as BudgetExplorer takes it: it equals `compress`, and takes no step twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import wraps

import pytest
import torch
from torch import Tensor

from infomerge import (
    Compression,
    InfoMergeConfig,
    InfoMergeTrace,
    budget,
    compress,
    merging,
    pipeline,
    redundancy,
    segmentation,
    selection,
    steps,
)
from infomerge.inputs import clip_tensors
from infomerge.pipeline import BudgetPlan
from infomerge.steps import Memo
from tests.clips import RATIOS, configurations, random_clip, structured_clips

LAZY = ("tfd", "adjacent", "uniqueness", "richness")
STEPS = {
    segmentation: ("transition_similarity", "find_segments"),
    redundancy: ("static_scores", "static_candidates"),
    budget: ("uniqueness", "richness", "content_weight", "allocate"),
    selection: ("select_salient",),
    merging: ("find_anchor_frames", "density_scores", "choose_anchors", "assign"),
}


class Remembering:
    """One clip under any number of configurations, as the explorer looks at it."""

    def __init__(self, tokens: Tensor, *, saliency: Tensor | None = None, frame_features: Tensor | None = None) -> None:
        self.clip, self.memo = clip_tensors(tokens, saliency, frame_features), Memo()

    def plan(self, config: InfoMergeConfig) -> BudgetPlan:
        """The plan with everything that the pictures show of it, which is computed when it is first asked for."""
        plan = pipeline.plan_budget(self.clip, config, self.memo)
        _ = plan.scores, plan.uniqueness, plan.richness, plan.length_budget
        return plan

    def trace(self, config: InfoMergeConfig) -> InfoMergeTrace:
        plan = self.plan(config)
        return pipeline.trace(plan, pipeline.choose_tokens(plan, self.memo))

    def run(self, config: InfoMergeConfig) -> Compression:
        return pipeline.run(self.clip, config, self.memo)


def assert_same_bits(found: Tensor, expected: Tensor, what: str) -> None:
    assert found.dtype == expected.dtype, what
    assert found.shape == expected.shape, what
    assert found.cpu().numpy().tobytes() == expected.cpu().numpy().tobytes(), what


def assert_same_trace(found: InfoMergeTrace, expected: InfoMergeTrace) -> None:
    for name in (*(field.name for field in fields(InfoMergeTrace) if field.name != "measured"), *LAZY):
        assert_same_bits(getattr(found, name), getattr(expected, name), name)


def assert_same_compression(found: Compression, expected: Compression) -> None:
    assert_same_trace(found.trace, expected.trace)
    for name in ("tokens", "index", "is_context", "assignment"):
        assert_same_bits(getattr(found, name), getattr(expected, name), name)
    assert (found.requested, found.config) == (expected.requested, expected.config)


def small_clip(seed: int = 5) -> Tensor:
    return random_clip(torch.Generator().manual_seed(seed), 14, 16, 8)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each of the core's functions is called; those that work on segments count the segments."""
    counted: Counter[str] = Counter()

    def watch(module: object, name: str) -> None:
        original = getattr(module, name)

        @wraps(original)
        def counting(*args: object, **kwargs: object) -> object:
            counted[name] += len(args[1]) if name in ("richness", "static_scores") else 1  # type: ignore[arg-type]
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, counting)

    for module, names in STEPS.items():
        for name in names:
            watch(module, name)
    return counted


@pytest.mark.parametrize("seed", range(6))
def test_the_trace_of_random_configurations_is_that_of_compress(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    tokens = random_clip(generator, frames=5 + 4 * seed, positions=9 + seed, channels=6).float()
    saliency = torch.rand(tokens.shape[:2], generator=generator) if seed % 2 else None
    frame_features = torch.randn(len(tokens), 4, generator=generator) if seed % 3 == 0 else None
    found = Remembering(tokens, saliency=saliency, frame_features=frame_features)
    for ratio in RATIOS:
        for _ in range(4):
            config = configurations(generator, ratio)
            expected = compress(tokens, config, saliency=saliency, frame_features=frame_features)
            assert_same_compression(found.run(config), expected)
            plan = found.plan(config)
            assert (plan.kept, plan.requested) == (expected.kept, expected.requested)
            assert plan.context == int(expected.is_context.sum())


@pytest.mark.parametrize(("name", "tokens"), list(structured_clips()))
def test_degenerate_clips_give_the_trace_of_compress(name: str, tokens: Tensor) -> None:
    generator = torch.Generator().manual_seed(3)
    found = Remembering(tokens)
    for ratio in (0.1, 0.5, 1.0):
        config = configurations(generator, ratio)
        expected = compress(tokens, config)
        assert_same_trace(found.trace(config), expected.trace)
        assert_same_compression(found.run(config), expected)
        assert found.plan(config).kept == expected.kept, name


def test_a_plan_shows_the_priors_scores_and_tfd_where_there_is_no_prior() -> None:
    tokens = small_clip()
    found, trace = Remembering(tokens), compress(tokens).trace
    for prior, scores in (("tfd", trace.tfd), ("adjacent", trace.adjacent), ("none", trace.tfd)):
        assert_same_bits(found.plan(InfoMergeConfig(static_prior=prior)).scores, scores, prior)
    assert not found.plan(InfoMergeConfig(static_prior="none")).static.any()


@pytest.mark.parametrize(
    ("change", "recomputed"),
    [
        ({"temperature": 3.0}, {"content_weight": 1, "allocate": 1}),
        ({"uniqueness_weight": 0.2}, {"content_weight": 1, "allocate": 1}),
        ({"retention_ratio": 0.3}, {"allocate": 2}),
        ({"context_fraction": 0.9}, {"allocate": 2}),
        ({"static_ratio": 0.4}, {"static_candidates": 1}),
        ({"static_ratio": 0.124}, {"static_candidates": 1}),
        ({"rounding": "paper"}, {"allocate": 2}),
        ({"allocation": "length"}, {}),  # its budget is known: the one to compare with
        ({"static_penalty": 1.0}, {}),
        ({"anchor_interval": 2, "merge_weight": 0.9, "neighbors": 2, "merge_scope": "anchor_frame"}, {}),
    ],
)
def test_a_plan_recomputes_only_what_depends_on_the_change(
    calls: Counter[str], change: dict[str, object], recomputed: dict[str, int]
) -> None:
    found, config = Remembering(small_clip()), InfoMergeConfig(retention_ratio=0.4, min_segments=3)
    found.plan(config)
    calls.clear()
    found.plan(replace(config, **change))  # type: ignore[arg-type]
    assert calls == recomputed
    calls.clear()
    found.plan(config)
    assert not calls


def test_a_threshold_that_cuts_nowhere_else_recomputes_no_segment(calls: Counter[str]) -> None:
    found = Remembering(small_clip())
    lowest = InfoMergeConfig(min_segments=3, segment_threshold=-1.0)
    before = found.plan(lowest).segments
    calls.clear()
    after = found.plan(replace(lowest, segment_threshold=-0.99)).segments
    assert torch.equal(before, after)
    assert calls == {"find_segments": 1}


def test_one_more_cut_recomputes_the_two_new_segments_only(calls: Counter[str]) -> None:
    found = Remembering(small_clip())
    config = InfoMergeConfig(min_segments=3, segment_threshold=-1.0)
    assert len(found.plan(config).segments) == 3
    calls.clear()
    assert len(found.plan(replace(config, min_segments=4)).segments) == 4
    assert calls["richness"] == 2
    assert calls["static_scores"] == 2
    assert calls["transition_similarity"] == 0


def test_a_trace_recomputes_only_what_depends_on_the_change(calls: Counter[str]) -> None:
    found, config = Remembering(small_clip()), InfoMergeConfig(min_segments=3)
    found.trace(config)
    calls.clear()
    found.trace(replace(config, static_penalty=0.5))
    assert set(calls) <= {"select_salient", "find_anchor_frames", "density_scores"}
    calls.clear()
    found.trace(replace(config, static_ratio=0.124))  # still one of the 16 positions
    assert calls == {"static_candidates": 1}
    calls.clear()
    found.trace(replace(config, neighbors=2))
    assert calls == {"density_scores": 1, "choose_anchors": 1}
    calls.clear()
    found.trace(replace(config, merge_weight=0.9, merge_scope="anchor_frame"))
    assert not calls


def test_a_run_merges_anew_only_where_the_tokens_or_the_scope_changed(calls: Counter[str]) -> None:
    found, config = Remembering(small_clip()), InfoMergeConfig(min_segments=3)
    found.run(config)
    calls.clear()
    found.run(replace(config, merge_weight=0.9))
    assert not calls
    found.run(replace(config, merge_scope="anchor_frame"))
    assert calls == {"assign": 1}


def test_old_results_are_forgotten(monkeypatch: pytest.MonkeyPatch, calls: Counter[str]) -> None:
    monkeypatch.setattr(steps, "REMEMBERED", 4)
    found = Remembering(small_clip())
    for temperature in range(20):
        found.plan(InfoMergeConfig(temperature=temperature))
    assert calls["content_weight"] == 20
    kept = {step.__name__: len(results) for step, results in found.memo._results.items()}
    assert max(kept[step] for step in ("content_weight", "allocate", "find_segments")) <= 4
    found.plan(InfoMergeConfig(temperature=0))
    assert calls["content_weight"] == 21


def test_inputs_are_checked_as_compress_checks_them() -> None:
    with pytest.raises(ValueError, match="tokens: got 24 values that are NaN"):
        Remembering(torch.full((3, 4, 2), torch.nan))
    with pytest.raises(ValueError, match="saliency: got 12 values that are NaN"):
        Remembering(torch.zeros(3, 4, 2), saliency=torch.full((3, 4), torch.nan))


def test_inputs_are_not_changed() -> None:
    tokens = small_clip()
    before = tokens.clone()
    Remembering(tokens).trace(InfoMergeConfig(static_penalty=0.1))
    assert torch.equal(tokens, before)
