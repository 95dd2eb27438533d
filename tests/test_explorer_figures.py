"""What BudgetExplorer draws are the numbers of the trace, and only what changes is sent."""

import json
import re
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.config import StaticPrior
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import RATIOS, configurations
from tests.explorer import PANELS, drawn, explorer, tokens


@pytest.mark.parametrize("seed", range(4))
def test_the_panels_show_the_numbers_of_the_trace(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    clip = tokens(12 + seed, 9, 6, seed)
    shown = BudgetExplorer(clip)
    for ratio in RATIOS[1::2]:
        config = configurations(generator, ratio)
        shown.set(**config.to_dict())
        trace = compress(clip, config).trace
        lengths = (trace.segments[:, 1] - trace.segments[:, 0]).numpy()
        ours, theirs = trace.budget.numpy() / lengths, trace.length_budget.numpy() / lengths
        assert drawn(shown, "similarity") == tuple(trace.transition.tolist())
        assert drawn(shown, "uniqueness") == tuple(trace.uniqueness.tolist())
        assert drawn(shown, "richness") == tuple(trace.richness.tolist())
        assert drawn(shown, "weight") == tuple((trace.weight.numpy() / lengths).tolist())
        assert drawn(shown, "by content") == (*ours.tolist(), ours[-1])
        assert drawn(shown, "by length") == (*theirs.tolist(), theirs[-1])
        assert drawn(shown, "numbers", "text") == tuple(map(str, trace.budget.tolist()))
        gained, given_up = np.array(drawn(shown, "gained")), np.array(drawn(shown, "given up"))
        assert drawn(shown, "gained", "base") == drawn(shown, "given up", "base") == tuple(theirs.tolist())
        np.testing.assert_allclose(theirs + gained + given_up, ours, atol=1e-12)
        assert (gained >= 0).all()
        assert (given_up <= 0).all()


def test_segments_and_cuts_lie_where_the_frames_are_in_time() -> None:
    times = np.array([0.0, 1, 2, 3, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16])
    shown = explorer(timestamps=times)
    edges = np.array([-0.5, 0.5, 1.5, 2.5, 4, 6, 8, 9.5, 10.5, 11.5, 12.5, 13.5, 14.5, 15.5, 16.5])
    segments = shown.trace.segments.numpy()
    left = np.array(drawn(shown, "band", "x")) - np.array(drawn(shown, "band", "width")) / 2
    np.testing.assert_allclose(left, edges[segments[:, 0]])
    assert drawn(shown, "cuts", "x") == tuple(edges[segments[1:, 0]])
    assert drawn(shown, "similarity", "x") == tuple(edges[1:-1])
    assert tuple(shown.figure.layout.xaxis.range) == (-0.5, 16.5)
    assert shown.figure.layout.xaxis.title.text == "time (s)"
    assert explorer().figure.layout.xaxis.title.text == "frame"


def test_the_threshold_is_drawn_and_named() -> None:
    shown = explorer()
    shown.set(segment_threshold=0.25)
    assert drawn(shown, "threshold") == (0.25, 0.25)
    assert "0.25" in drawn(shown, "threshold", "text")[1]


def test_every_value_lies_inside_its_axis() -> None:
    shown = explorer()
    shown.pin()
    for temperature in (0.0, 1.2, 50.0):
        shown.set(temperature=temperature)
        for name, axis in zip(PANELS[1:], ("yaxis3", "yaxis4", "yaxis5", "yaxis6"), strict=True):
            low, high = shown.figure.layout[axis].range
            for trace in (name if name != "budget" else "by content", f"{name} pinned"):
                assert all(low <= value <= high for value in drawn(shown, trace))
        low, high = shown.figure.layout.yaxis2.range
        assert all(low <= value <= high for value in drawn(shown, "similarity"))


def test_a_clip_of_one_frame_has_no_uniqueness_to_be_seen() -> None:
    shown = BudgetExplorer(tokens(frames=1))
    (noise,) = drawn(shown, "uniqueness")
    assert abs(noise) < 1e-12
    assert shown.figure.layout.yaxis3.range[1] >= 0.01
    assert "1 frame x 16 tokens x 8 channels" in shown._panel.facts.value


def test_hovering_tells_of_the_whole_budget() -> None:
    shown = explorer()
    trace = shown.trace
    for name in ("band", "uniqueness", "richness", "weight", "touch"):
        texts = drawn(shown, name, "hovertext")
        for k, text in enumerate(texts):
            assert f"segment {k + 1}<" in text
            assert f"B = {int(trace.budget[k])} context tokens" in text
            assert f"by length {int(trace.length_budget[k])}" in text


@pytest.mark.parametrize("prior", get_args(StaticPrior))
def test_the_map_shows_the_chosen_segments_prior(prior: StaticPrior) -> None:
    shown = explorer(InfoMergeConfig(min_segments=4, segment_threshold=-1, static_ratio=0.3, static_prior=prior))
    trace = shown.trace
    scores = trace.tfd if prior == "none" else trace.measured[prior]
    lengths = (trace.segments[:, 1] - trace.segments[:, 0]).tolist()
    for segment in (k for k, length in enumerate(lengths) if length > 1):
        shown.segment = segment
        heat, marks = (shown._maps.trace(name) for name in ("map", "static"))
        np.testing.assert_array_equal(np.array(heat.z), scores[segment].reshape(4, 4).numpy())
        assert [4 * row + column for row, column in zip(marks.y, marks.x, strict=True)] == trace.static[
            segment
        ].nonzero().flatten().tolist()
        title, message = shown._maps.part("title"), shown._maps.part("message")
        assert f"segment {segment + 1}" in title.text
        assert {"adjacent": "adjacent difference", "aligned": "aligned TFD"}.get(prior, "TFD") in title.text
        assert not message.visible


def test_a_segment_of_one_frame_is_called_undefined() -> None:
    shown = explorer(InfoMergeConfig(min_segments=99))
    assert shown._maps.part("message").visible
    assert "undefined" in shown._maps.part("message").text
    assert all(value is None for row in shown._maps.trace("map").z for value in row)
    json.dumps(shown.map_figure.to_plotly_json()["data"], allow_nan=False)


def test_the_map_follows_its_frame_when_the_cuts_move() -> None:
    shown = explorer(InfoMergeConfig(min_segments=2, segment_threshold=-1))
    shown.segment = 1
    frame = shown._frame
    shown.set(min_segments=6)
    start, end = shown.trace.segments[shown.segment].tolist()
    assert start <= frame < end
    left, right = shown._times.part("chosen").x0, shown._times.part("chosen").x1
    assert (left, right) == (start - 0.5, end - 0.5)


def test_requested_is_shown_beside_kept_and_drift_is_named() -> None:
    shown = explorer()
    shown.set(rounding="paper", retention_ratio=0.3, temperature=5.0, min_segments=7)
    out = shown.compression()
    assert out.kept != out.requested
    context = int(out.is_context.sum())
    bars = shown._panel.totals.value
    assert f">requested {out.requested}<" in bars
    assert f">kept {out.kept} ({out.kept - out.requested:+})<" in bars
    assert f">{out.kept - context} salient<" in bars
    assert f">{context} context<" in bars
    longest = max(out.kept, out.requested)
    widths = [float(width) for width in re.findall(r"width: ([\d.]+)%", bars)]
    expected = [out.requested, out.kept - context, context]
    np.testing.assert_allclose(widths, [100 * count / longest for count in expected], atol=0.01)


def test_pinning_draws_both_at_the_same_ratio() -> None:
    shown = explorer()
    first = shown.config
    assert not any(drawn(shown, f"{name} pinned", "visible") for name in PANELS)
    shown.pin()
    shown.set(temperature=0.0, segment_threshold=0.0, retention_ratio=0.6)
    assert shown.pinned == replace(first, retention_ratio=0.6)
    trace = compress(tokens(), shown.pinned).trace
    lengths = (trace.segments[:, 1] - trace.segments[:, 0]).numpy()
    assert all(drawn(shown, f"{name} pinned", "visible") for name in PANELS)
    assert drawn(shown, "budget pinned")[:-1] == tuple((trace.budget.numpy() / lengths).tolist())
    assert drawn(shown, "uniqueness pinned")[:-1] == tuple(trace.uniqueness.tolist())
    assert re.findall(r">(\w) kept", shown._panel.totals.value) == ["A", "B"]
    assert "retention ratio 0.6" in shown._panel.code.value
    assert shown.python_line in shown._panel.code.value
    shown.unpin()
    assert shown.pinned is None
    assert not any(drawn(shown, f"{name} pinned", "visible") for name in PANELS)


def test_a_change_back_and_forth_draws_the_same_picture() -> None:
    changed, fresh = explorer(), explorer()
    changed.pin()
    for options in ({"temperature": 4.0}, {"min_segments": 9}, {"static_prior": "none"}, {"allocation": "length"}):
        changed.set(**options)
    changed.unpin()
    changed.set(**fresh.config.to_dict())
    for name in fresh._times.trace_names:
        if not name.endswith("pinned"):
            found, expected = changed._times.trace(name), fresh._times.trace(name)
            assert found.to_plotly_json() | {"uid": ""} == expected.to_plotly_json() | {"uid": ""}


def test_only_what_changes_is_sent() -> None:
    shown = explorer()
    sent: list[Any] = []
    for figure in (shown.figure, shown.map_figure):
        figure._send_update_msg = lambda restyle_data, relayout_data, **more: sent.append((restyle_data, relayout_data))
    shown.set(temperature=shown.config.temperature)
    assert not sent
    shown.set(temperature=3.0)
    assert len(sent) == 1
    assert set(sent[0][0]) <= {"y", "hovertext", "text", "base"}


def test_no_trace_of_a_message_is_told_nothing() -> None:
    """The widget's JavaScript stores the word "_undefined_" for a value that is left out, and draws that later."""
    shown = BudgetExplorer(tokens())
    sent: list[tuple[dict[str, Any], list[int]]] = []
    figure = shown.figure
    figure._send_update_msg = lambda restyle_data, relayout_data, trace_indexes: sent.append(
        (restyle_data, trace_indexes)
    )
    for options in ({"temperature": 3.0}, {"min_segments": 5}, {"segment_threshold": 0.2}, {"retention_ratio": 0.5}):
        shown.set(**options)
        shown.pin()
    assert len(sent) > 4
    for restyle, indexes in sent:
        for attribute, values in restyle.items():
            for index, value in zip(indexes, values, strict=True):
                assert (
                    value is None or type(value) in (bool, int, float, str, list) or attribute not in figure.data[index]
                )
