"""What BudgetExplorer holds for its pages are the numbers of the trace, all of them at any time."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.budget import content_weight
from infomerge.config import StaticPrior
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import RATIOS, configurations
from tests.explorer import explorer, picture, tokens, unpacked


@pytest.mark.parametrize("seed", range(4))
def test_the_panels_show_the_numbers_of_the_trace(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    clip = tokens(12 + seed, 9, 6, seed)
    shown = BudgetExplorer(clip)
    for ratio in RATIOS[1::2]:
        config = configurations(generator, ratio)
        shown.set(**config.to_dict())
        out = compress(clip, config)
        trace, plan = out.trace, shown.shown["plan"]
        assert plan["bounds"] == trace.segments.tolist()
        for name in ("transition", "uniqueness", "richness", "weight", "budget", "length_budget"):
            assert plan[name] == getattr(trace, name).tolist(), name
        assert (plan["requested"], plan["kept"]) == (out.requested, out.kept)
        assert plan["context"] == int(out.is_context.sum()) == out.kept - plan["salient"]
        assert plan["threshold"] == config.segment_threshold


def test_the_weight_follows_from_the_numbers_that_the_formula_shows() -> None:
    shown = explorer()
    shown.set(temperature=2.3, uniqueness_weight=0.7, richness_weight=0.4)
    plan = shown.shown["plan"]
    mixed = plan["alpha"] * np.array(plan["z_uniqueness"]) + plan["beta"] * np.array(plan["z_richness"])
    lengths = np.diff(np.array(plan["bounds"]), axis=1)[:, 0]
    np.testing.assert_allclose(plan["weight"], lengths / (1 + np.exp(-plan["tau"] * mixed)), rtol=1e-12)
    trace = shown.trace
    again = content_weight(trace.uniqueness, trace.richness, trace.lengths, 0.7, 0.4, 2.3)
    assert plan["weight"] == again.tolist()


def test_frames_and_cuts_lie_where_they_are_in_time() -> None:
    times = np.array([0.0, 1, 2, 3, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16])
    shown = explorer(timestamps=times)
    edges = [-0.5, 0.5, 1.5, 2.5, 4, 6, 8, 9.5, 10.5, 11.5, 12.5, 13.5, 14.5, 15.5, 16.5]
    assert shown.clip["edges"] == edges
    assert shown.clip["unit"] == "s"
    assert explorer().clip["unit"] == "frame"


def test_a_clip_of_one_frame_can_be_shown() -> None:
    shown = BudgetExplorer(tokens(frames=1))
    (noise,) = shown.shown["plan"]["uniqueness"]
    assert abs(noise) < 1e-12
    assert shown.shown["plan"]["transition"] == []
    assert "1 frame x 16 tokens x 8 channels" in shown.clip["facts"]


@pytest.mark.parametrize("prior", get_args(StaticPrior))
def test_the_maps_are_those_of_the_segments(prior: StaticPrior) -> None:
    shown = explorer(InfoMergeConfig(min_segments=4, segment_threshold=-1, static_ratio=0.3, static_prior=prior))
    trace, maps = shown.trace, shown.maps["b"]
    scores = trace.tfd if prior == "none" else trace.measured[prior]
    count = len(trace.segments)
    assert (maps["prior"], maps["segments"]) == (prior, count)
    np.testing.assert_array_equal(unpacked(maps["scores"], count, 16), scores.float().numpy())
    np.testing.assert_array_equal(unpacked(maps["static"], count, 16), trace.static.numpy())
    assert shown.maps["a"] is None


def test_the_chosen_frame_stays_when_the_cuts_move() -> None:
    shown = explorer(InfoMergeConfig(min_segments=2, segment_threshold=-1))
    shown.segment = 1
    frame = shown.frame
    shown.set(min_segments=6)
    assert shown.frame == frame
    start, end = shown.trace.segments[shown.segment].tolist()
    assert start <= frame < end


def test_tokens_are_those_of_compress_and_say_of_what_they_are() -> None:
    shown = explorer()
    shown.pin()
    shown.set(temperature=9.0, retention_ratio=0.3)
    assert shown.tokens.get("of") != shown.shown["compared"]
    shown._choose_tokens()
    assert shown.tokens["of"] == shown.shown["compared"] == [shown.config.to_dict(), shown.pinned.to_dict()]
    outs = {"b": compress(tokens(), shown.config), "a": compress(tokens(), shown.pinned)}
    owners = {}
    for name, out in outs.items():
        roles = unpacked(shown.tokens[name], -1)
        np.testing.assert_array_equal(np.flatnonzero(roles), out.index.sort().values.numpy())
        np.testing.assert_array_equal(np.flatnonzero(roles == 2), out.index[out.is_context].sort().values.numpy())
        owners[name] = out.index[out.assignment.long()].numpy()
    moved = unpacked(shown.tokens["moved"], -1).astype(bool)
    kept = np.isin(np.arange(len(moved)), np.concatenate([out.index.numpy() for out in outs.values()]))
    np.testing.assert_array_equal(moved, ~kept & (owners["a"] != owners["b"]))


def test_pinning_shows_both_at_the_same_ratio() -> None:
    shown = explorer()
    first = shown.config
    assert shown.shown["pinned"] is None
    shown.pin()
    shown.set(temperature=0.0, segment_threshold=0.0, retention_ratio=0.6)
    assert shown.pinned == replace(first, retention_ratio=0.6)
    trace = compress(tokens(), shown.pinned).trace
    for name in ("budget", "uniqueness", "transition", "weight"):
        assert shown.shown["pinned"][name] == getattr(trace, name).tolist()
    assert "retention ratio 0.6" in shown.shown["described_pinned"]
    shown.unpin()
    assert shown.pinned is None
    assert shown.shown["pinned"] is None


def test_a_change_back_and_forth_shows_what_a_fresh_one_shows() -> None:
    changed, fresh = explorer(), explorer()
    changed.pin()
    for options in ({"temperature": 4.0}, {"min_segments": 9}, {"static_prior": "none"}, {"allocation": "length"}):
        changed.set(**options)
    changed.unpin()
    changed.set(**fresh.config.to_dict())
    assert picture(changed) == picture(fresh)


def test_a_knob_sends_one_small_message_and_what_stays_is_not_sent_again() -> None:
    shown = explorer(frames=np.zeros((14, 40, 40, 3), dtype=np.uint8))
    sent: list[dict[str, object]] = []
    shown._send = lambda message, buffers=None: sent.append(message["state"])
    shown.set(temperature=shown.config.temperature)
    assert not sent
    shown.set(temperature=3.0)
    assert [set(state) for state in sent] == [{"shown"}]


def test_a_view_that_was_closed_holds_nothing_and_says_so() -> None:
    shown = explorer()
    layout = shown.layout
    shown.close()
    assert shown.closed
    assert layout.comm is None
    assert shown.clip == shown.shown == shown.maps == shown.tokens == {}
    assert repr(shown) == "<BudgetExplorer, closed>"
    assert shown._repr_mimebundle_ is None  # nothing to be displayed
    for use in (lambda: shown.plan, lambda: shown.set(temperature=1.0), shown.compression, lambda: shown.state):
        with pytest.raises(ValueError, match="explorer: got one that was closed"):
            use()
