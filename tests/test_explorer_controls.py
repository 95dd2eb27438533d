"""Every control of BudgetExplorer does what it says."""

from dataclasses import fields, replace
from typing import Any, get_args

import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.config import Allocation, Anchors, MergeScope, Rounding, SalientSplit, Segmentation, StaticPrior
from infomerge.widgets import controls, presets
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.clips import RATIOS, configurations
from tests.explorer import drawn, explorer, tokens, whole_figure


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
def test_a_turned_control_changes_config_and_picture(option: str, value: Any) -> None:
    shown, expected = explorer(), explorer()
    shown._panel.options[option].value = value
    assert getattr(shown.config, option) == value
    expected.set(**{option: value})
    assert drawn(shown, "by content") == drawn(expected, "by content")
    assert shown._panel.groups.titles == expected._panel.groups.titles


def test_a_slider_leaves_no_last_bits_in_the_config() -> None:
    shown = explorer()
    shown._panel.options["retention_ratio"].value = 0.01 + 18 * 0.005  # 0.09999999999999999
    assert shown.config.retention_ratio == 0.1


def test_values_off_a_sliders_range_and_steps_stay_as_they_are() -> None:
    shown = explorer()
    shown.set(temperature=123.456, retention_ratio=1 / 3, segment_threshold=-0.5)
    for option in ("temperature", "retention_ratio", "segment_threshold"):
        widget, value = shown._panel.options[option], getattr(shown.config, option)
        assert widget.value == value
        assert widget.min <= value <= widget.max
        # A browser repeats the value, rounded to the slider's step.
        widget.value = widget.min + round((value - widget.min) / widget.step) * widget.step
        assert getattr(shown.config, option) == value
    shown.set(temperature=1.2)
    assert shown._panel.options["temperature"].max == 10
    assert shown._panel.options["temperature"].step == 0.1


def test_set_refuses_what_the_config_refuses_and_changes_nothing() -> None:
    shown = explorer()
    before, picture = shown.config, whole_figure(shown)
    with pytest.raises(ValueError, match=r"retention_ratio: .* \(got 2\)"):
        shown.set(retention_ratio=2)
    with pytest.raises(ValueError, match="did you mean 'temperature'"):
        shown.set(temprature=2)
    assert shown.config == before
    assert whole_figure(shown) == picture


def test_it_begins_with_any_configuration_of_infomerge() -> None:
    assert BudgetExplorer(tokens()).config == InfoMergeConfig()
    assert BudgetExplorer(tokens(), retention_ratio=0.05).config == InfoMergeConfig.paper(0.05)
    assert BudgetExplorer(tokens(), "fastvid", retention_ratio=0.15).config == InfoMergeConfig.fastvid(0.15)
    assert BudgetExplorer(tokens(), temperature=3.0).config == InfoMergeConfig(temperature=3.0)
    config = InfoMergeConfig(retention_ratio=0.4, min_segments=4)
    for given in ({"method": config}, {"config": config}):
        shown = BudgetExplorer(tokens(), **given, temperature=0.5)
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
        shown._panel.preset.value = f"InfoMerge, {percent} % (Table 7)"
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
    assert "no values for a retention ratio of 0.12" in shown._panel.message.value
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


def test_a_click_or_the_list_chooses_the_segment() -> None:
    shown = explorer()
    shown._panel.segment.value = 2
    assert shown.segment == 2
    trace = shown._times.trace("weight")
    trace._click_callbacks[0](trace, type("Points", (), {"point_inds": [1]}), None)
    assert shown.segment == 1
    assert shown._panel.segment.value == 1
    with pytest.raises(ValueError, match="segment: got 99; expected 0 to"):
        shown.segment = 99


def test_the_result_and_the_trace_are_those_of_compress() -> None:
    shown = explorer()
    shown.set(temperature=2.5, static_penalty=0.5)
    out, expected = shown.compression(), compress(tokens(), shown.config)
    assert torch.equal(out.tokens, expected.tokens)
    assert torch.equal(shown.trace.density_scores.nan_to_num(), expected.trace.density_scores.nan_to_num())
    assert shown.plan.kept == out.kept
