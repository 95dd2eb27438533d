"""The controls of InfoMergeConfig's options: which there are, their labels, and which have no effect at the moment."""

# ruff: noqa: RUF001 - Greek letters are meant

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from infomerge.config import InfoMergeConfig


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

    def to_dict(self) -> dict[str, Any]:
        """The control as the page builds it."""
        return {
            "option": self.option,
            "label": self.label,
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "choices": [list(choice) for choice in self.choices],
            "tooltip": tooltips()[self.option],
        }


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


BY_CONTENT = ("temperature", "uniqueness_weight", "richness_weight")
"""Options of eq. 8, which budgets by content follow."""


STILL_SHOWN = (
    "retention_ratio",
    "segmentation",
    "min_segments",
    "segment_threshold",
    "context_fraction",
    "salient_split",
)
"""Options that change segments or which tokens are called salient, even where every token is kept."""


def without_effect(config: InfoMergeConfig) -> dict[str, str]:
    """The options that change nothing under a configuration, and why, in words that follow "no effect: "."""
    found: dict[str, str] = {}
    if config.retention_ratio == 1:
        return {control.option: "every token is kept" for control in controls() if control.option not in STILL_SHOWN}
    if config.allocation == "length":
        found |= dict.fromkeys(BY_CONTENT, "budgets are by length")
    elif config.temperature == 0:
        found |= dict.fromkeys(("uniqueness_weight", "richness_weight"), "at τ = 0 every frame weighs the same")
    elif config.uniqueness_weight == config.richness_weight == 0:
        found["temperature"] = "neither uniqueness nor richness counts"
    if config.anchors == "farthest":
        found |= dict.fromkeys(("neighbors", "anchor_interval"), "farthest points need no density and no anchor frames")
    if config.static_prior == "none":
        found |= dict.fromkeys(("static_ratio", "static_penalty"), "there is no static prior")
    elif config.static_ratio == 0:
        found["static_penalty"] = "no position counts as static"
    return found


def controls() -> Iterator[Control]:
    """The controls of all groups, in their order."""
    return chain.from_iterable(GROUPS.values())


def heading(group: str, config: InfoMergeConfig) -> str:
    """The values of a group's options, in one short line."""
    parts = []
    for control in GROUPS[group]:
        value = getattr(config, control.option)
        parts.append(f"{control.symbol} {value:g}" if control.symbol else str(value).replace("_", " "))
    return ", ".join(parts)


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
