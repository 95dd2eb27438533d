"""The controls of InfoMergeConfig: which there are, their labels, and the configurations worth starting from."""

# ruff: noqa: RUF001 - Greek letters are meant

import ast
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import ipywidgets

from infomerge.config import InfoMergeConfig, PresetWarning

DECIMALS = 6
"""Of what a slider reports."""


@dataclass(frozen=True)
class Knob:
    """One option as a control: a slider from `low` to `high`, or a choice where `choices` name its values."""

    option: str
    label: str
    """What it is, with the paper's symbol."""
    symbol: str
    """How the heading of its group names it."""
    low: float = 0
    high: float = 0
    step: float = 0
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the option counts something."""
        return isinstance(self.step, int)


GROUPS: Mapping[str, tuple[Knob, ...]] = {
    "Ratio": (
        Knob("retention_ratio", "retention ratio r", "r", 0.005, 1.0, 0.005),
        Knob("context_fraction", "context share d", "d", 0.0, 1.0, 0.05),
        Knob("rounding", "rounding", "", choices=(("exact", "exact"), ("each segment (eq. 21)", "paper"))),
    ),
    "Segmentation": (
        Knob("min_segments", "segments c", "c", 1, 32, 1),
        Knob("segment_threshold", "threshold τ_seg", "τ_seg", 0.0, 1.0, 0.01),
    ),
    "Static prior": (
        Knob(
            "static_prior",
            "prior",
            "",
            choices=(("TFD (eq. 2)", "tfd"), ("adjacent difference", "adjacent"), ("none", "none")),
        ),
        Knob("static_ratio", "static share ρ", "ρ", 0.0, 1.0, 0.01),
    ),
    "Allocation": (
        Knob("allocation", "budgets by", "", choices=(("content (CABA)", "caba"), ("length", "length"))),
        Knob("temperature", "temperature τ", "τ", 0.0, 10.0, 0.1),
        Knob("uniqueness_weight", "uniqueness α", "α", 0.0, 2.0, 0.05),
        Knob("richness_weight", "richness β", "β", 0.0, 2.0, 0.05),
    ),
    "Selection": (Knob("static_penalty", "penalty λ", "λ", 0.0, 30.0, 0.5),),
    "Merging": (
        Knob("anchor_interval", "anchor frame every", "every", 1, 16, 1),
        Knob("merge_weight", "anchor weight μ", "μ", 0.0, 1.0, 0.05),
        Knob("neighbours", "neighbours k", "k", 1, 16, 1),
        Knob(
            "merge_scope",
            "merge within",
            "",
            choices=(("segment", "segment"), ("anchor frame (FastVID)", "anchor_frame")),
        ),
    ),
}

PRESETS: Mapping[str, Callable[[float], InfoMergeConfig]] = {
    "InfoMerge, 5 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.05),
    "InfoMerge, 10 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.10),
    "InfoMerge, 15 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.15),
    "FastVID": InfoMergeConfig.fastvid,
    "Table 4: baseline": lambda r: InfoMergeConfig.paper(r, static_prior="none", allocation="length"),
    "Table 4: TFD": lambda r: InfoMergeConfig.paper(r, allocation="length"),
    "Table 4: TFD + uniqueness": lambda r: InfoMergeConfig.paper(r, richness_weight=0.0),
    "Table 4: TFD + richness": lambda r: InfoMergeConfig.paper(r, uniqueness_weight=0.0),
    "Table 4: all (InfoMerge)": InfoMergeConfig.paper,
    "Table 5: Adjacent + CABA": lambda r: InfoMergeConfig.paper(r, static_prior="adjacent"),
}
"""Configurations by name. The first three bring their own retention ratio, the others take the present one."""


def preset(name: str, retention_ratio: float) -> tuple[InfoMergeConfig, str]:
    """A named configuration, and what its source has to say about this retention ratio ("" if nothing).

    Raises:
        ValueError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise ValueError(f"preset: found {name!r}; accepted are {', '.join(map(repr, PRESETS))}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PresetWarning)
        config = PRESETS[name](retention_ratio)
    return config, "; ".join(str(warning.message) for warning in caught)


def control(knob: Knob) -> ipywidgets.ValueWidget:
    """The slider or drop-down list of a knob, at the option's default."""
    common = {
        "value": getattr(InfoMergeConfig(), knob.option),
        "description": knob.label,
        "tooltip": tooltips()[knob.option],
        "style": {"description_width": "104px"},
        "layout": ipywidgets.Layout(width="auto", min_width="0"),
    }
    if knob.choices:
        return ipywidgets.Dropdown(options=knob.choices, **common)
    # Without a type, d3 leaves out trailing zeros, for which the readout has no room: 0.005, not 0.00500.
    slider, readout = (ipywidgets.IntSlider, "d") if knob.whole else (ipywidgets.FloatSlider, ".3")
    return slider(min=knob.low, max=knob.high, step=knob.step, readout_format=readout, **common)


def show(widget: ipywidgets.ValueWidget, knob: Knob, value: Any) -> None:
    """Put a control to a value; a slider that ends before it or steps over it is made longer or finer."""
    if not knob.choices:
        widget.min, widget.max = min(knob.low, value), max(knob.high, value)
        steps = round((value - widget.min) / knob.step, 6)
        # The browser would move the handle to the next step, and report that as the reader's doing.
        widget.step = knob.step if steps == int(steps) else 10.0**-DECIMALS
    widget.value = value


def turned(value: Any, before: Any) -> Any:
    """The value that a control reports, without the last bits that a slider's arithmetic leaves.

    It is `before` where the slider only repeats that value with fewer decimals.
    """
    if not isinstance(value, float):
        return value
    value = round(value, DECIMALS)
    return before if value == round(before, DECIMALS) else value


def heading(group: str, config: InfoMergeConfig) -> str:
    """A group's name and the values of its options, in one short line."""
    parts = []
    for knob in GROUPS[group]:
        value = getattr(config, knob.option)
        parts.append(f"{knob.symbol} {value:g}" if knob.symbol else str(value).replace("_", " "))
    return f"{group}: {', '.join(parts)}"


def python_line(config: InfoMergeConfig) -> str:
    """The configuration as Python, with nothing but what differs from the defaults."""
    return f"InfoMergeConfig({', '.join(f'{name}={value!r}' for name, value in config.changes().items())})"


@cache
def tooltips() -> dict[str, str]:
    """What the docstring of InfoMergeConfig says of each option."""
    body = ast.parse(inspect.getsource(InfoMergeConfig)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    return found
