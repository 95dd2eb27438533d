"""The controls of InfoMergeConfig's options: which there are, their labels, and how they are put to a value."""

# ruff: noqa: RUF001 - Greek letters are meant

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import ipywidgets

from infomerge.config import InfoMergeConfig

DECIMALS = 6
"""Of what a slider reports."""


@dataclass(frozen=True)
class Control:
    """One option's control: a slider from `low` to `high`, or a choice where `choices` name its values."""

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

    def widget(self) -> ipywidgets.ValueWidget:
        """A new slider or drop-down list, at the option's default."""
        common = {
            "value": getattr(InfoMergeConfig(), self.option),
            "description": self.label,
            "tooltip": tooltips()[self.option],
            "style": {"description_width": "104px"},
            "layout": ipywidgets.Layout(width="auto", min_width="0"),
        }
        if self.choices:
            return ipywidgets.Dropdown(options=self.choices, **common)
        # Without a type, d3 leaves out trailing zeros, for which the readout has no room: 0.005, not 0.00500.
        slider, readout = (ipywidgets.IntSlider, "d") if self.whole else (ipywidgets.FloatSlider, ".3")
        return slider(min=self.low, max=self.high, step=self.step, readout_format=readout, **common)

    def show(self, widget: ipywidgets.ValueWidget, value: Any) -> None:
        """Put a widget to a value; a slider that ends before it or steps over it is made longer or finer."""
        if not self.choices:
            widget.min, widget.max = min(self.low, value), max(self.high, value)
            steps = round((value - widget.min) / self.step, 6)
            # The browser would move the handle to the next step, and report that as the reader's doing.
            widget.step = self.step if steps == int(steps) else 10.0**-DECIMALS
        widget.value = value


GROUPS: Mapping[str, tuple[Control, ...]] = {
    "Ratio": (
        Control("retention_ratio", "retention ratio r", "r", 0.005, 1.0, 0.005),
        Control("context_fraction", "context share d", "d", 0.0, 1.0, 0.05),
        Control("rounding", "rounding", "", choices=(("exact", "exact"), ("each segment (eq. 21)", "paper"))),
    ),
    "Segmentation": (
        Control("min_segments", "segments c", "c", 1, 32, 1),
        Control("segment_threshold", "threshold τ_seg", "τ_seg", 0.0, 1.0, 0.01),
        Control("segmentation", "c and τ_seg", "", choices=(("as they are", "fixed"), ("of the clip", "adaptive"))),
    ),
    "Static prior": (
        Control(
            "static_prior",
            "prior",
            "",
            choices=(
                ("TFD (eq. 2)", "tfd"),
                ("adjacent difference", "adjacent"),
                ("none", "none"),
                ("aligned TFD", "aligned"),
            ),
        ),
        Control("static_ratio", "static share ρ", "ρ", 0.0, 1.0, 0.01),
    ),
    "Allocation": (
        Control("allocation", "budgets by", "", choices=(("content (CABA)", "caba"), ("length", "length"))),
        Control("temperature", "temperature τ", "τ", 0.0, 10.0, 0.1),
        Control("uniqueness_weight", "uniqueness α", "α", 0.0, 2.0, 0.05),
        Control("richness_weight", "richness β", "β", 0.0, 2.0, 0.05),
    ),
    "Selection": (
        Control("static_penalty", "penalty λ", "λ", 0.0, 30.0, 0.5),
        Control(
            "salient_split",
            "salient tokens",
            "",
            choices=(("floored in each frame", "floor"), ("the exact total", "exact"), ("over the clip", "clip")),
        ),
    ),
    "Merging": (
        Control(
            "anchors",
            "anchors by",
            "",
            choices=(("density (eq. 33)", "density"), ("distance alone", "distance"), ("farthest points", "farthest")),
        ),
        Control("anchor_interval", "anchor frame every", "every", 1, 16, 1),
        Control("merge_weight", "anchor weight μ", "μ", 0.0, 1.0, 0.05),
        Control("neighbors", "neighbours k", "k", 1, 16, 1),
        Control(
            "merge_scope",
            "merge within",
            "",
            choices=(("segment", "segment"), ("anchor frame (FastVID)", "anchor_frame")),
        ),
    ),
}


def turned(value: Any, before: Any) -> Any:
    """The value that a control reports, without the last bits that a slider's arithmetic leaves.

    It is `before` where the slider only repeats that value with fewer decimals.
    """
    if not isinstance(value, float):
        return value
    value = round(value, DECIMALS)
    return before if value == round(before, DECIMALS) else value


def controls() -> Iterator[Control]:
    """The controls of all groups, in their order."""
    return chain.from_iterable(GROUPS.values())


def heading(group: str, config: InfoMergeConfig) -> str:
    """A group's name and the values of its options, in one short line."""
    parts = []
    for control in GROUPS[group]:
        value = getattr(config, control.option)
        parts.append(f"{control.symbol} {value:g}" if control.symbol else str(value).replace("_", " "))
    return f"{group}: {', '.join(parts)}"


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
