"""BudgetExplorer without a browser: what is drawn are the numbers of the trace, and every control does what it says."""

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from infomerge.config import Allocation, MergeScope, Rounding, StaticPrior
from infomerge.encoders import Encoding
from infomerge.plots import save
from infomerge.video import sample_clip
from infomerge.widgets import budget_explorer, knobs
from infomerge.widgets.budget_explorer import BudgetExplorer, LatestOnly
from infomerge.widgets.material import material_of_tokens, strip_images
from tests.clips import RATIOS, configurations, random_clip

PANELS = ("similarity", "uniqueness", "richness", "weight", "budget")


def tokens(frames: int = 14, positions: int = 16, channels: int = 8, seed: int = 5) -> Tensor:
    return random_clip(torch.Generator().manual_seed(seed), frames, positions, channels).float()


def explorer(config: InfoMergeConfig | None = None, **options: Any) -> BudgetExplorer:
    return BudgetExplorer(tokens(), config=config or InfoMergeConfig(retention_ratio=0.4, min_segments=4), **options)


def drawn(shown: BudgetExplorer, trace: str, attribute: str = "y") -> Any:
    return getattr(shown._times.trace(trace), attribute)


def whole_figure(shown: BudgetExplorer) -> list[dict[str, Any]]:
    """Everything that is drawn, as it would be drawn by a browser that is told of it now."""
    return [figure.to_plotly_json() for figure in (shown.figure, shown.map_figure)]


class FakeEncoder:
    """Four tokens a frame, of its mean colours."""

    name = "fake"

    def __call__(self, frames: np.ndarray) -> Encoding:
        halves = [
            part.mean(axis=(1, 2)) for rows in np.array_split(frames, 2, 1) for part in np.array_split(rows, 2, 2)
        ]
        found = torch.from_numpy(np.stack(halves, axis=1)).float()
        return Encoding(found, found.norm(dim=-1), None, (2, 2), "brightness")


# What is drawn.


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
    assert "1 frame x 16 tokens x 8 channels" in shown._facts.value


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
    scores = trace.adjacent if prior == "adjacent" else trace.tfd
    lengths = (trace.segments[:, 1] - trace.segments[:, 0]).tolist()
    for segment in (k for k, length in enumerate(lengths) if length > 1):
        shown.segment = segment
        heat, marks = (shown._maps.trace(name) for name in ("map", "static"))
        np.testing.assert_array_equal(np.array(heat.z), scores[segment].reshape(4, 4).numpy())
        assert [4 * row + column for row, column in zip(marks.y, marks.x, strict=True)] == trace.static[
            segment
        ].nonzero().flatten().tolist()
        title, message = shown.map_figure.layout.annotations[:2]
        assert f"segment {segment + 1}" in title.text
        assert ("adjacent difference" if prior == "adjacent" else "TFD") in title.text
        assert not message.visible


def test_a_segment_of_one_frame_is_called_undefined() -> None:
    shown = explorer(InfoMergeConfig(min_segments=99))
    assert shown.map_figure.layout.annotations[1].visible
    assert "undefined" in shown.map_figure.layout.annotations[1].text
    assert all(value is None for row in shown._maps.trace("map").z for value in row)
    json.dumps(shown.map_figure.to_plotly_json()["data"], allow_nan=False)


def test_the_map_follows_its_frame_when_the_cuts_move() -> None:
    shown = explorer(InfoMergeConfig(min_segments=2, segment_threshold=-1))
    shown.segment = 1
    frame = shown._frame
    shown.set(min_segments=6)
    start, end = shown.trace.segments[shown.segment].tolist()
    assert start <= frame < end
    left, right = shown.figure.layout.shapes[0].x0, shown.figure.layout.shapes[0].x1
    assert (left, right) == (start - 0.5, end - 0.5)


def test_requested_is_shown_beside_kept_and_drift_is_named() -> None:
    shown = explorer()
    shown.set(rounding="paper", retention_ratio=0.3, temperature=5.0, min_segments=7)
    out = shown.compression()
    assert out.kept != out.requested
    context = int(out.is_context.sum())
    bars = shown._totals.value
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
    assert re.findall(r">(\w) kept", shown._totals.value) == ["A", "B"]
    assert "retention ratio 0.6" in shown._code.value
    assert shown.python_line in shown._code.value
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
    for name in fresh._times._names:
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


# Clips.


def test_a_clip_brings_film_strip_and_true_cuts() -> None:
    clip = sample_clip("bikes", 20)
    shown = BudgetExplorer(clip, encoder=FakeEncoder())
    assert clip.truth is not None
    assert drawn(shown, "true cuts", "x") == clip.truth.cut_times
    images = shown.figure.layout.images
    assert all(image.source.startswith("data:image/jpeg;base64,") for image in images)
    assert images[0].x - images[0].sizex / 2 >= shown.figure.layout.xaxis.range[0]
    assert "bikes" in shown._facts.value
    assert "brightness" in shown._facts.value
    out = compress(shown.compression().trace.tokens, saliency=FakeEncoder()(clip.frames).saliency)
    assert torch.equal(shown.trace.penalized_saliency, out.trace.penalized_saliency)


def test_tokens_without_frames_say_that_there_is_no_film_strip() -> None:
    shown = explorer()
    assert all(image.source in (None, "") for image in shown.figure.layout.images)
    assert shown.figure.layout.annotations[6].visible
    with_frames = explorer(frames=np.zeros((14, 8, 8, 3), dtype=np.uint8))
    assert not with_frames.figure.layout.annotations[6].visible


def test_the_film_strip_is_evenly_spaced() -> None:
    frames = np.repeat(np.arange(0, 200, 10, dtype=np.uint8), 8 * 8 * 3).reshape(20, 8, 8, 3)
    material = material_of_tokens(torch.ones(20, 4, 2), frames=frames)
    assert len(set(strip_images(material, 5))) == 5


def test_a_name_chooses_a_sample_and_a_path_a_file() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    assert shown._clip.value == "carphone"
    shown._clip.value = "bikes"
    assert "bikes:" in shown._facts.value
    shown._path.value = str(sample_clip("carphone", 1).metadata.path)
    assert "carphone_pristine:" in shown._facts.value
    assert shown._clip.value == "(your own)"


def test_an_upload_is_shown_under_its_name() -> None:
    shown = BudgetExplorer(tokens(), encoder=FakeEncoder())
    content = sample_clip("carphone", 1).metadata.path.read_bytes()
    sent_by_the_browser(shown, {"name": "mine.mp4", "size": len(content), "sent": True}, [memoryview(content)])
    assert "mine:" in shown._facts.value


def sent_by_the_browser(shown: BudgetExplorer, content: dict[str, Any], buffers: list[memoryview]) -> None:
    shown._upload._handle_custom_msg(content, buffers)


def test_an_upload_that_is_too_large_is_named_with_its_size_and_another_way() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = whole_figure(shown)
    sent_by_the_browser(shown, {"name": "<b>big.mp4", "size": 19_412_345, "sent": False}, [])
    assert "found &lt;b&gt;big.mp4, of 19.4 MB; accepted are up to 10 MB" in shown._message.value
    assert "path of a larger file under “or file”. Still showing carphone" in shown._message.value
    assert "failed" in shown._message.value
    assert whole_figure(shown) == before


def test_to_choose_your_own_clip_tells_how_and_the_list_keeps_naming_what_is_shown() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    shown._clip.value = "(your own)"
    assert "its path under “or file”, or upload one of up to 10 MB. Still showing carphone" in shown._message.value
    assert shown._clip.value == "carphone"
    shown._clip.value = "bikes"
    assert "bikes:" in shown._facts.value
    assert "(your own)" not in shown._message.value
    assert "or file" not in shown._message.value


@pytest.mark.parametrize("path", ["/no/such/<clip>.mp4", str(Path(__file__)), str(Path(__file__).parent)])
def test_what_cannot_be_read_is_named_and_the_clip_stays(path: str) -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = whole_figure(shown)
    shown._path.value = path
    assert "failed" in shown._message.value
    assert "Still showing carphone" in shown._message.value
    assert "<clip>" not in shown._message.value
    assert shown._clip.value == "carphone"
    assert whole_figure(shown) == before


def test_a_broken_upload_is_named_and_the_clip_stays() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    sent_by_the_browser(shown, {"name": "../notes.mp4", "size": 8, "sent": True}, [memoryview(b"no video")])
    assert "notes.mp4" in shown._message.value
    assert "Still showing carphone" in shown._message.value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": np.zeros((3, 8, 8, 3), dtype=np.uint8)}, "frames: found 3; accepted are as many as"),
        ({"timestamps": [0.0, 1.0]}, "timestamps: accepted are 14 ascending"),
        ({"timestamps": [1.0] * 14}, "timestamps: accepted are 14 ascending"),
        ({"grid": (3, 5)}, "grid: found 3 x 5; accepted are rows x columns = 16"),
    ],
)
def test_what_does_not_fit_the_tokens_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_what_belongs_to_tokens_is_refused_with_a_clip() -> None:
    with pytest.raises(ValueError, match="timestamps: accepted only where the source is a tensor"):
        BudgetExplorer("bikes", timestamps=[0.0, 1.0], encoder=FakeEncoder())


# Controls.


def test_there_is_a_control_for_every_option_and_a_tooltip_from_its_docstring() -> None:
    named = [knob.option for group in knobs.GROUPS.values() for knob in group]
    options = [field.name for field in fields(InfoMergeConfig)]
    assert sorted(named) == sorted(options)
    assert set(knobs.tooltips()) == set(options)
    assert knobs.tooltips()["temperature"].startswith("tau: how strongly content moves the budgets")


def test_choices_offer_every_value() -> None:
    accepted = {
        "static_prior": StaticPrior,
        "allocation": Allocation,
        "rounding": Rounding,
        "merge_scope": MergeScope,
    }
    for group in knobs.GROUPS.values():
        for knob in group:
            values = [value for _, value in knob.choices]
            assert values == list(get_args(accepted[knob.option])) if knob.option in accepted else not values


def test_both_ends_of_every_slider_are_accepted() -> None:
    for group in knobs.GROUPS.values():
        for knob in group:
            if not knob.choices:
                for value in (knob.low, knob.high):
                    assert getattr(InfoMergeConfig(**{knob.option: value}), knob.option) == value


@pytest.mark.parametrize(
    ("option", "value"),
    [("temperature", 3.0), ("retention_ratio", 0.25), ("min_segments", 6), ("static_prior", "adjacent")],
)
def test_a_turned_control_changes_config_and_picture(option: str, value: Any) -> None:
    shown, expected = explorer(), explorer()
    shown._controls[option].value = value
    assert getattr(shown.config, option) == value
    expected.set(**{option: value})
    assert drawn(shown, "by content") == drawn(expected, "by content")
    assert shown._groups.titles == expected._groups.titles


def test_a_slider_leaves_no_last_bits_in_the_config() -> None:
    shown = explorer()
    shown._controls["retention_ratio"].value = 0.01 + 18 * 0.005  # 0.09999999999999999
    assert shown.config.retention_ratio == 0.1


def test_values_off_a_sliders_range_and_steps_stay_as_they_are() -> None:
    shown = explorer()
    shown.set(temperature=123.456, retention_ratio=1 / 3, segment_threshold=-0.5)
    for option in ("temperature", "retention_ratio", "segment_threshold"):
        widget, value = shown._controls[option], getattr(shown.config, option)
        assert widget.value == value
        assert widget.min <= value <= widget.max
        # A browser repeats the value, rounded to the slider's step.
        widget.value = widget.min + round((value - widget.min) / widget.step) * widget.step
        assert getattr(shown.config, option) == value
    shown.set(temperature=1.2)
    assert shown._controls["temperature"].max == 10
    assert shown._controls["temperature"].step == 0.1


def test_set_refuses_what_the_config_refuses_and_changes_nothing() -> None:
    shown = explorer()
    before, picture = shown.config, whole_figure(shown)
    with pytest.raises(ValueError, match=r"retention_ratio: .* \(found 2\)"):
        shown.set(retention_ratio=2)
    with pytest.raises(ValueError, match="did you mean 'temperature'"):
        shown.set(temprature=2)
    assert shown.config == before
    assert whole_figure(shown) == picture


def test_presets_are_the_papers_configurations() -> None:
    shown = explorer()
    for ratio, percent in ((0.05, 5), (0.10, 10), (0.15, 15)):
        shown._preset.value = f"InfoMerge, {percent} % (Table 7)"
        assert shown.config == InfoMergeConfig.paper(ratio)
    shown.preset("FastVID")
    assert shown.config == InfoMergeConfig.fastvid(0.15)
    rows = {
        "Table 4: baseline": {"static_prior": "none", "allocation": "length"},
        "Table 4: TFD": {"allocation": "length"},
        "Table 4: TFD + uniqueness": {"richness_weight": 0.0},
        "Table 4: TFD + richness": {"uniqueness_weight": 0.0},
        "Table 4: all (InfoMerge)": {},
        "Table 5: Adjacent + CABA": {"static_prior": "adjacent"},
    }
    for name, options in rows.items():
        shown.preset(name)
        assert shown.config == InfoMergeConfig.paper(0.15, **options)
    assert set(rows) | {"FastVID"} < set(knobs.PRESETS)
    shown.set(retention_ratio=0.12)
    shown.preset("Table 4: TFD")
    assert "no values for a retention ratio of 0.12" in shown._message.value
    with pytest.raises(ValueError, match="preset: found 'best'"):
        shown.preset("best")


def test_the_python_line_evaluates_to_the_configuration() -> None:
    generator = torch.Generator().manual_seed(1)
    for ratio in RATIOS:
        config = configurations(generator, ratio)
        line = knobs.python_line(config)
        assert eval(line, {"InfoMergeConfig": InfoMergeConfig}) == config
        assert all(f"{name}=" in line for name in config.changes())
        assert line.count("=") == len(config.changes())
    assert knobs.python_line(InfoMergeConfig()) == "InfoMergeConfig()"


def test_a_click_or_the_list_chooses_the_segment() -> None:
    shown = explorer()
    shown._segment.value = 2
    assert shown.segment == 2
    trace = shown._times.trace("weight")
    trace._click_callbacks[0](trace, type("Points", (), {"point_inds": [1]}), None)
    assert shown.segment == 1
    assert shown._segment.value == 1
    with pytest.raises(ValueError, match="segment: found 99; accepted is 0 to"):
        shown.segment = 99


def test_the_result_and_the_trace_are_those_of_compress() -> None:
    shown = explorer()
    shown.set(temperature=2.5, static_penalty=0.5)
    out, expected = shown.compression(), compress(tokens(), shown.config)
    assert torch.equal(out.tokens, expected.tokens)
    assert torch.equal(shown.trace.density_scores.nan_to_num(), expected.trace.density_scores.nan_to_num())
    assert shown.plan.kept == out.kept


# Export.


def test_exports_never_overwrite(tmp_path: Path) -> None:
    shown = explorer(frames=np.full((14, 12, 16, 3), 90, dtype=np.uint8))
    first = shown.export_chart(tmp_path / "new")
    contents = [path.read_bytes() for path in first]
    assert [path.name for path in first] == ["budget-tokens.pdf", "budget-tokens.png"]
    assert contents[0].startswith(b"%PDF")
    assert contents[1].startswith(b"\x89PNG")
    shown.set(temperature=9.0)
    (tmp_path / "new" / "budget-tokens-2.png").write_bytes(b"mine")
    assert [path.name for path in shown.export_chart(tmp_path / "new")] == [
        "budget-tokens-3.pdf",
        "budget-tokens-3.png",
    ]
    assert [path.read_bytes() for path in first] == contents
    configs = [shown.export_config(tmp_path / "new") for _ in range(3)]
    assert [path.name for path in configs] == ["config-tokens.json", "config-tokens-2.json", "config-tokens-3.json"]
    assert all(InfoMergeConfig(**json.loads(path.read_text())) == shown.config for path in configs)
    assert len(list((tmp_path / "new").iterdir())) == 8


def test_the_buttons_tell_what_they_wrote_or_why_not(tmp_path: Path) -> None:
    shown = explorer()
    shown._folder.value = str(tmp_path)
    shown._save_config.click()
    assert str(tmp_path / "config-tokens.json") in shown._message.value
    shown._save_chart.click()
    assert "budget-tokens.pdf" in shown._message.value
    (tmp_path / "file").write_text("")
    shown._folder.value = str(tmp_path / "file")
    shown._save_chart.click()
    assert "Nothing was written" in shown._message.value
    assert "failed" in shown._message.value


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The charts that are exported from now on."""
    found: list[Figure] = []
    monkeypatch.setattr(budget_explorer, "save", lambda chart, path: found.append(chart) or save(chart, path))
    return found


def test_an_exported_chart_has_a_and_b_where_a_is_pinned(charts: list[Figure], tmp_path: Path) -> None:
    shown = explorer()
    shown.export_chart(tmp_path)
    shown.pin()
    shown.set(temperature=9.0, min_segments=6, retention_ratio=0.5)
    shown.export_chart(tmp_path)
    alone, both = charts
    assert not any(patch.get_linestyle() == "-." for axes in alone.axes for patch in axes.patches)
    pinned = compress(tokens(), shown.pinned).trace
    lengths = (pinned.segments[:, 1] - pinned.segments[:, 0]).numpy()
    for axes, values in zip(
        both.axes[2:],
        (pinned.uniqueness, pinned.richness, pinned.weight.numpy() / lengths, pinned.budget.numpy() / lengths),
        strict=True,
    ):
        (line,) = (patch for patch in axes.patches if patch.get_linestyle() == "-.")
        np.testing.assert_allclose(line.get_data().values, values)
    title = both.texts[0].get_text()
    assert re.search(r"^B: .*temperature 9$", title, re.MULTILINE)
    assert re.search(r"^A: retention ratio 0.5, min segments 4$", title, re.MULTILINE)


@pytest.mark.parametrize(("folder", "said"), [(".", "Written"), ("file", "Nothing was written")])
def test_what_an_export_said_goes_with_the_next_change(folder: str, said: str, tmp_path: Path) -> None:
    shown = explorer()
    (tmp_path / "file").write_text("")
    shown._folder.value = str(tmp_path / folder)
    changes: list[Callable[[], Any]] = [
        lambda: setattr(shown._controls["temperature"], "value", 2.0),
        lambda: shown.set(min_segments=6),
        shown.pin,
        shown.unpin,
    ]
    for change in changes:
        shown._save_config.click()
        assert said in shown._message.value
        change()
        assert shown._message.value == ""


def test_what_there_is_to_know_about_the_clip_stays() -> None:
    shown = explorer()
    shown._material = replace(shown._material, notes="the clip is cut short")
    for change in (lambda: shown.set(temperature=3.0), shown.pin, lambda: shown.preset("FastVID")):
        change()
        assert "cut short" in shown._message.value


# Coalescing.


def run(steps: Callable[[], Any]) -> None:
    asyncio.run(steps())


def test_without_a_loop_it_is_done_at_once() -> None:
    done: list[int] = []
    latest = LatestOnly(lambda: done.append(1), lambda: False)
    latest.ask()
    latest.ask()
    assert len(done) == 2


def test_many_asks_are_done_once_and_with_the_newest_value() -> None:
    seen: list[float] = []
    shown = explorer()
    draw = shown._draw
    shown._drawing._act = lambda: (seen.append(shown.config.temperature), draw())

    async def drag() -> None:
        for step in range(50):
            shown._controls["temperature"].value = 0.1 * step
        assert shown.config.temperature == pytest.approx(4.9)
        assert not seen
        await asyncio.sleep(0.1)

    run(drag)
    assert seen == pytest.approx([4.9])


def test_nothing_is_sent_while_the_browser_draws() -> None:
    done, busy = Counter(), [True]
    latest = LatestOnly(lambda: done.update(["draw"]), lambda: busy[0], delay=0.001, patience=math.inf)

    async def steps() -> None:
        latest._acted = 0.0
        for _ in range(5):
            latest.ask()
            await asyncio.sleep(0.005)
        assert not done
        busy[0] = False
        await asyncio.sleep(0.05)
        assert done["draw"] == 1

    run(steps)


def test_a_browser_that_never_answers_is_not_waited_for() -> None:
    done: list[int] = []
    latest = LatestOnly(lambda: done.append(1), lambda: True, delay=0.001, patience=0.01)

    async def steps() -> None:
        for _ in range(2):
            latest.ask()
            await asyncio.sleep(0.1)

    run(steps)
    assert len(done) == 2


def test_reading_the_figure_brings_it_up_to_date() -> None:
    shown = explorer()

    async def steps() -> None:
        before = drawn(shown, "weight")
        shown._controls["temperature"].value = 5.0
        assert drawn(shown, "weight") == before
        assert shown.figure is shown._times.widget
        assert drawn(shown, "weight") != before

    run(steps)
