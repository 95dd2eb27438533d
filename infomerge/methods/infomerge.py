"""InfoMerge (arXiv 2606.02161) and the rows of its ablations: configurations of `infomerge.pipeline`."""

import dataclasses
from typing import Any

from infomerge.config import InfoMergeConfig
from infomerge.methods.method import Method
from infomerge.methods.registry import register_method

INFOMERGE = "Liu et al., InfoMerge, arXiv 2606.02161"
COUNT = "Rounded so that the count is exact, where the source rounds each segment or frame alone."
POOL = "Tokens merge into the anchors of their whole segment, each into one."
PRESET = "Between the ratios of Table 7 the nearest row's values are taken."
OPTIONS = tuple(option.name for option in dataclasses.fields(InfoMergeConfig) if option.name != "retention_ratio")


def _row(name: str, title: str, summary: str, source: str, *departures: str, **row: Any) -> Method:
    def configure(retention_ratio: float, **options: Any) -> InfoMergeConfig:
        return InfoMergeConfig(retention_ratio=retention_ratio, **(row | options))

    return register_method(Method(name, title, summary, source, "infomerge", departures, OPTIONS, configure=configure))


_OURS = (COUNT, POOL, PRESET)
_TABLE = f"{INFOMERGE}, Table 4"

_row("infomerge", "InfoMerge", "InfoMerge as published: static prior TFD, budgets by content", INFOMERGE, *_OURS)
_row(
    "infomerge-adjacent",
    "InfoMerge, adjacent prior",
    "InfoMerge with DyCoke's first-order difference in place of the fingerprints",
    f"{INFOMERGE}, Table 5",
    *_OURS,
    "The adjacent difference is defined here (windows of 4 frames, mean of 1 - cosine); the paper names it only.",
    static_prior="adjacent",
)
_row(
    "table4-none",
    "InfoMerge, neither part",
    "neither static prior nor budgets by content: the first row of Table 4",
    _TABLE,
    COUNT,
    "The paper's row is FastVID's to the digit; here it merges as InfoMerge does, so that the rows differ in the "
    "named parts alone.",
    static_prior="none",
    allocation="length",
)
_row(
    "table4-tfd",
    "InfoMerge, budgets by length",
    "static prior TFD, budgets by length",
    _TABLE,
    *_OURS,
    allocation="length",
)
_row(
    "table4-tfd+uniqueness",
    "InfoMerge, uniqueness alone",
    "static prior TFD, budgets by uniqueness alone",
    _TABLE,
    *_OURS,
    richness_weight=0.0,
)
_row(
    "table4-tfd+richness",
    "InfoMerge, richness alone",
    "static prior TFD, budgets by richness alone",
    _TABLE,
    *_OURS,
    "The paper does not say whether beta grows where alpha is 0; here it stays.",
    uniqueness_weight=0.0,
)
_row("table4-full", "InfoMerge, both measures", "the last row of Table 4, which is infomerge", _TABLE, *_OURS)
