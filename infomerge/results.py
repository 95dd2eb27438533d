"""Deprecated: the measured tables are in `infomerge.paper`."""

from infomerge.deprecation import deprecated_names

_PLACES = {
    "labels": (
        "ALLOCATIONS CURVES JUDGED KNOBS LOGARITHMIC METHOD_NAMES PAPER_RATIOS PARTS PRIOR_MEASURES PRIOR_TABLES "
        "QUANTITIES RATIOS REAL_NAMES ROW_MEASURES ROW_NAMES SUMMARISED SUMMARY_NAMES Quantity"
    ),
    "tables": "Grid Setting paper_tables prior_comparisons read_grid",
    "panels": "knob_panels method_panels paper_part_panel part_panels prior_panels",
    "markdown": "budget_share_table real_table summary_table",
}

__getattr__ = deprecated_names(
    __name__,
    {name: (f"infomerge.paper.{module}", name) for module, names in _PLACES.items() for name in names.split()},
)
