"""A variant of InfoMerge in one file: a configuration of its pipeline, to be copied as method_template.py is."""

from typing import Any

from infomerge.config import InfoMergeConfig
from infomerge.methods.infomerge import OPTIONS
from infomerge.methods.method import Method
from infomerge.methods.registry import register_method


def configure(retention_ratio: float, **options: Any) -> InfoMergeConfig:
    """InfoMerge whose whole budget is context tokens; options that are given come before the variant's own."""
    return InfoMergeConfig(retention_ratio=retention_ratio, **({"context_fraction": 1.0} | options))


METHOD = register_method(
    Method(
        name="context-only",
        title="InfoMerge, context tokens alone",
        summary="InfoMerge without salient tokens: the whole budget goes to context tokens",
        source="Liu et al., InfoMerge, arXiv 2606.02161",
        group="infomerge",
        departures=("The paper keeps d = 0.4 of the budget for context tokens.",),
        options=OPTIONS,
        configure=configure,
    )
)
