"""Figures: plain functions of arrays that return a matplotlib Figure, in one style, at print size."""

from infomerge.plots.allocation import (
    allocation_comparison,
    budget_bars,
    budget_share,
    budget_shift,
    method_overview,
)
from infomerge.plots.budget_chart import budget_chart, film_strip
from infomerge.plots.contact_sheet import contact_sheet, heat_sheet, ownership_sheet
from infomerge.plots.priors import DisturbanceCurves, prior_curves
from infomerge.plots.redundancy import fingerprint_matrices, prior_maps, token_grid
from infomerge.plots.spectrum import energy_spectrum
from infomerge.plots.style import DOUBLE_COLUMN, SINGLE_COLUMN, save, styled

__all__ = [
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "DisturbanceCurves",
    "allocation_comparison",
    "budget_bars",
    "budget_chart",
    "budget_share",
    "budget_shift",
    "contact_sheet",
    "energy_spectrum",
    "film_strip",
    "fingerprint_matrices",
    "heat_sheet",
    "method_overview",
    "ownership_sheet",
    "prior_curves",
    "prior_maps",
    "save",
    "styled",
    "token_grid",
]
