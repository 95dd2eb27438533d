"""Every control of BudgetExplorer does what it says."""

import json
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ipywidgets import Widget
from traitlets import TraitError

from infomerge import InfoMergeConfig, compress
from infomerge.config import Allocation, Anchors, MergeScope, Rounding, SalientSplit, Segmentation, StaticPrior
from infomerge.video import sample_names
from infomerge.widgets import controls, presets
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import RATIOS, configurations
from tests.explorer import explorer, failed, picture, said, tell, tokens, turn


def test_there_is_a_control_for_every_option_and_a_tooltip_from_its_docstring() -> None:
    named = [control.option for group in controls.GROUPS.values() for control in group]
    options = [field.name for field in fields(InfoMergeConfig)]
    assert sorted(named) == sorted(options)
    assert set(controls.tooltips()) == set(options)
    assert controls.tooltips()["temperature"].startswith("tau: how strongly content moves the budgets")


def test_choices_offer_every_value() -> None:
    accepted = {
        "static_prior": StaticPrior,
        "segmentation": Segmentation,
        "allocation": Allocation,
        "rounding": Rounding,
        "merge_scope": MergeScope,
        "salient_split": SalientSplit,
        "anchors": Anchors,
    }
    for group in controls.GROUPS.values():
        for control in group:
            values = [value for _, value in control.choices]
            assert values == list(get_args(accepted[control.option])) if control.option in accepted else not values


def test_both_ends_of_every_slider_are_accepted() -> None:
    for group in controls.GROUPS.values():
        for control in group:
            if not control.choices:
                for value in (control.low, control.high):
                    assert getattr(InfoMergeConfig(**{control.option: value}), control.option) == value


@pytest.mark.parametrize(
    ("option", "value"),
    [("temperature", 3.0), ("retention_ratio", 0.25), ("min_segments", 6), ("static_prior", "adjacent")],
)
def test_a_turned_knob_changes_config_and_picture(option: str, value: Any) -> None:
    shown, expected = explorer(), explorer()
    turn(shown, option, value)
    assert getattr(shown.config, option) == value
    expected.set(**{option: value})
    assert picture(shown) == picture(expected)
    assert shown.shown["headings"] != explorer().shown["headings"]


def test_a_knob_that_is_refused_says_why_and_changes_nothing() -> None:
    shown = explorer()
    before = picture(shown)
    turn(shown, "temperature", -1)
    assert failed(shown)
    assert "temperature" in said(shown)
    assert picture(shown) == before
    turn(shown, "temperature", 2.0)
    assert not failed(shown)
    assert said(shown) == ""


KNOWN = st.fixed_dictionaries(
    {
        "retention_ratio": st.sampled_from((0.1, 0.4, 1.0)),
        "context_fraction": st.sampled_from((0.0, 0.4)),
        "rounding": st.sampled_from(get_args(Rounding)),
        "allocation": st.sampled_from(get_args(Allocation)),
        "temperature": st.sampled_from((0.0, 2.0)),
        "uniqueness_weight": st.sampled_from((0.0, 0.9)),
        "richness_weight": st.sampled_from((0.0, 0.3)),
        "static_prior": st.sampled_from(get_args(StaticPrior)),
        "static_ratio": st.sampled_from((0.0, 0.3)),
    }
)
OTHERS: dict[str, tuple[Any, ...]] = {
    "allocation": get_args(Allocation),
    "rounding": get_args(Rounding),
    "static_prior": get_args(StaticPrior),
    "merge_scope": get_args(MergeScope),
    "temperature": (0.0, 7.0),
    "uniqueness_weight": (0.0, 1.7),
    "richness_weight": (0.0, 1.7),
    "static_ratio": (0.0, 0.6),
    "static_penalty": (0.0, 3.0),
    "anchor_interval": (1, 9),
    "merge_weight": (0.0, 1.0),
    "neighbors": (1, 9),
    "anchors": get_args(Anchors),
}


@given(KNOWN)
@settings(max_examples=30, deadline=None)
def test_a_knob_that_is_grey_has_no_effect(options: dict[str, Any]) -> None:
    clip, config = tokens(8, 9), InfoMergeConfig(min_segments=3, **options)
    expected = compress(clip, config)
    for option, why in controls.without_effect(config).items():
        assert why
        for value in OTHERS[option]:
            found = compress(clip, replace(config, **{option: value}))
            assert torch.equal(found.index, expected.index), option
            assert torch.equal(found.assignment, expected.assignment), option


@pytest.mark.parametrize(
    ("options", "grey"),
    [
        ({}, set()),
        ({"allocation": "length"}, {"temperature", "uniqueness_weight", "richness_weight"}),
        ({"static_prior": "none"}, {"static_ratio", "static_penalty"}),
        ({"temperature": 0.0}, {"uniqueness_weight", "richness_weight"}),
        ({"anchors": "farthest"}, {"neighbors", "anchor_interval"}),
    ],
)
def test_the_knobs_that_a_setting_switches_off_are_grey(options: dict[str, Any], grey: set[str]) -> None:
    shown = explorer()
    shown.set(**options)
    assert set(shown.shown["without_effect"]) == grey


def test_set_refuses_what_the_config_refuses_and_changes_nothing() -> None:
    shown = explorer()
    before, drawn = shown.config, picture(shown)
    with pytest.raises(ValueError, match=r"retention_ratio: .* \(got 2\)"):
        shown.set(retention_ratio=2)
    with pytest.raises(ValueError, match="did you mean 'temperature'"):
        shown.set(temprature=2)
    assert shown.config == before
    assert picture(shown) == drawn


def test_it_begins_with_any_configuration_of_infomerge() -> None:
    assert BudgetExplorer(tokens()).config == InfoMergeConfig()
    assert BudgetExplorer(tokens(), retention_ratio=0.05).config == InfoMergeConfig.paper(0.05)
    assert BudgetExplorer(tokens(), "fastvid", retention_ratio=0.15).config == InfoMergeConfig.fastvid(0.15)
    assert BudgetExplorer(tokens(), temperature=3.0).config == InfoMergeConfig(temperature=3.0)
    config = InfoMergeConfig(retention_ratio=0.4, min_segments=4)
    for way in ({"method": config}, {"config": config}):
        shown = BudgetExplorer(tokens(), **way, temperature=0.5)
        assert shown.config == replace(config, temperature=0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "tome"}, "method: got 'tome'; expected InfoMerge or a configuration of it"),
        ({"method": "best"}, "method: got 'best'"),
        ({"method": "fastvid", "config": InfoMergeConfig()}, "config: given beside a method"),
        ({"temprature": 2}, "temprature"),
    ],
)
def test_what_is_no_configuration_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        BudgetExplorer(tokens(), **given)


def test_presets_are_the_papers_configurations() -> None:
    shown = explorer()
    for ratio, percent in ((0.05, 5), (0.10, 10), (0.15, 15)):
        tell(shown, "preset", name=f"InfoMerge, {percent} % (Table 7)")
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
    assert set(rows) | {"FastVID"} < set(presets.PRESETS)
    shown.set(retention_ratio=0.12)
    shown.preset("Table 4: TFD")
    assert "no values for a retention ratio of 0.12" in said(shown)
    with pytest.raises(ValueError, match="preset: got 'best'"):
        shown.preset("best")


def test_the_python_line_evaluates_to_the_configuration() -> None:
    generator = torch.Generator().manual_seed(1)
    for ratio in RATIOS:
        config = configurations(generator, ratio)
        line = config.to_python()
        assert eval(line, {"InfoMergeConfig": InfoMergeConfig}) == config
        assert all(f"{name}=" in line for name in config.changes())
        assert line.count("=") == len(config.changes())
    assert InfoMergeConfig().to_python() == "InfoMergeConfig()"


def test_a_page_or_python_chooses_the_segment() -> None:
    shown = explorer()
    start, end = shown.plan.bounds[2]
    shown.set_state({"frame": end - 1})  # as a page sets it
    assert shown.segment == 2
    shown.segment = 1
    assert shown.plan.bounds[1][0] <= shown.frame < start
    with pytest.raises(ValueError, match="segment: got 99; expected 0 to"):
        shown.segment = 99
    with pytest.raises(TraitError, match="frame: got 14; expected 0 to 13"):
        shown.frame = 14


def test_an_explorer_that_cannot_be_made_leaves_no_widget_behind() -> None:
    before = len(Widget.widgets)
    with pytest.raises(ValueError, match="segment: got 99; expected 0 to"):
        explorer(segment=99)
    assert len(Widget.widgets) == before


def test_a_page_is_told_of_every_control_sample_preset_and_export() -> None:
    setup = explorer().setup
    assert [knob["option"] for group in setup["groups"] for knob in group["controls"]] == [
        control.option for control in controls.controls()
    ]
    assert setup["samples"] == sample_names()
    assert setup["presets"] == list(presets.PRESETS)
    json.dumps(setup)


def test_the_result_and_the_trace_are_those_of_compress() -> None:
    shown = explorer()
    shown.set(temperature=2.5, static_penalty=0.5)
    out, expected = shown.compression(), compress(tokens(), shown.config)
    assert torch.equal(out.tokens, expected.tokens)
    assert torch.equal(shown.trace.density_scores.nan_to_num(), expected.trace.density_scores.nan_to_num())
    assert shown.plan.kept == out.kept
