"""What figures and tables call the rows, parts, options and measures of the tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from infomerge.config import InfoMergeConfig
from infomerge.methods import METHODS


class Quantity(NamedTuple):
    """A measure of a compression, one number a clip."""

    title: str
    unit: str
    better: Literal["higher", "lower", ""]
    """Empty where neither is better by itself."""


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "event_owned": Quantity(
            "event recall", "share of the flash's cells that a token of the flash stands for", "higher"
        ),
        "event_kept": Quantity("event cells kept", "share of the flash's cells kept as tokens of their own", "higher"),
        "segment_frames": Quantity("event's share of frames", "share of the clip's frames in the event's segment", ""),
        "segment_context": Quantity("event's budget share", "share of the context tokens in the event's segment", ""),
        "scene_kept": Quantity("event's scene share", "share of the kept tokens in the event's scene", ""),
        "static_duplicates": Quantity("duplicates", "share of the kept tokens that repeat a still cell", "lower"),
        "coverage_mean": Quantity("coverage", "mean cosine of the tokens to their owners", "higher"),
        "coverage_worst": Quantity("worst coverage", "the same, over the worst 1 % of the tokens", "higher"),
        "top1_agreement": Quantity("top-1 agreement", "share of frames whose class stays", "higher"),
        "kl_divergence": Quantity("KL divergence (nats)", "of the head's answers from those for all tokens", "lower"),
    }
)
"""The measures of the grids, by the names of their columns."""

RATIOS = (0.05, 0.10, 0.15, 0.25, 0.50)
PAPER_RATIOS = (0.05, 0.10, 0.15)

COMPARED = (
    "infomerge",
    "fastvid",
    "tome",
    "dycoke",
    "visionzip",
    "top-saliency",
    "uniform-frames",
    "uniform-positions",
    "random",
)
"""The methods that are compared: InfoMerge, and what is no variant of it. In this order they are drawn and listed."""

METHOD_NAMES: Mapping[str, str] = MappingProxyType({name: METHODS[name].title for name in COMPARED})
"""The methods that are compared, as figures name them."""

ROW_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "infomerge": "TFD + CABA",
        "table4-none": "neither",
        "table4-tfd": "TFD alone",
        "table4-tfd+uniqueness": "TFD + uniqueness",
        "table4-tfd+richness": "TFD + richness",
        "infomerge-adjacent": "adjacent + CABA",
        "fastvid": "FastVID",
    }
)
"""The rows of Tables 4 and 5."""

FIFTEEN = tuple(name for name in METHODS if name in (*COMPARED, *ROW_NAMES, "table4-full"))
"""The methods that notebook 09 and its figure show side by side: those compared, and the rows of Tables 4 and 5."""

PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "TFD\n(over none)": ("table4-tfd", "table4-none"),
        "uniqueness\n(over TFD)": ("table4-tfd+uniqueness", "table4-tfd"),
        "richness\n(over TFD)": ("table4-tfd+richness", "table4-tfd"),
        "CABA: both\n(over TFD)": ("infomerge", "table4-tfd"),
        "TFD in place\nof adjacent": ("infomerge", "infomerge-adjacent"),
        "all\n(over none)": ("infomerge", "table4-none"),
        "all (over\nFastVID)": ("infomerge", "fastvid"),
    }
)
"""What each part adds: the row with it, and the row without it."""

JUDGED = ("segment_context", "event_owned", "coverage_worst", "kl_divergence", "static_duplicates")
"""The measures by which parts are judged: what budgets are for, what is kept, what is lost, what is said twice."""
ROW_MEASURES = JUDGED[:3]
CURVES = ("event_owned", "coverage_worst", "kl_divergence")
LOGARITHMIC = "kl_divergence"

PRIOR_TABLES = MappingProxyType(
    {
        "EfficientNet-Lite0, 6 x 6": "static_priors",
        "patch pixels, 6 x 6": "patch_priors",
        "patch pixels, 14 x 14": "patch_priors_14x14",
    }
)
"""Tables of static priors by the tokens that they were measured with."""

PRIOR_MEASURES = ("auroc", "average_precision", "candidate_precision")

ALLOCATIONS: Mapping[str, str] = MappingProxyType(
    {
        "table4-tfd": "by length",
        "table4-tfd+uniqueness": "by uniqueness",
        "table4-tfd+richness": "by richness",
        "infomerge": "by both (CABA)",
    }
)
"""The rows of Table 4 that differ in their budgets alone."""

_CHOICE = InfoMergeConfig.paper(0.10)

KNOBS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "temperature": (r"temperature $\tau$", _CHOICE.temperature),
        "static_penalty": (r"penalty $\lambda$", _CHOICE.static_penalty),
        "uniqueness_weight": (r"uniqueness $\alpha$ (richness $\beta=1-\alpha$)", _CHOICE.uniqueness_weight),
    }
)
"""The options of Figure 5, Figure 6 and Table 6, as figures name them, with the paper's choice at 10 %."""

SUMMARISED = ("event_owned", "coverage_worst", "kl_divergence", "top1_agreement", "static_duplicates")
SUMMARY_NAMES: Mapping[str, str] = MappingProxyType(
    {name: METHODS[name].title for name in (*COMPARED, "infomerge-adjacent", "table4-tfd")}
)
"""The methods of the table in docs/results.md."""

REAL_NAMES = ("infomerge", "table4-tfd", "fastvid", "tome", "uniform-positions", "random")
