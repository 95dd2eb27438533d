"""Figures: plain functions of arrays that return a matplotlib Figure, in one style, at print size."""

from infomerge.extras import needs

with needs("plots"):
    from infomerge.plots.ablation import (
        Differences,
        KnobCurves,
        RatioCurves,
        knob_curves,
        method_curves,
        part_differences,
    )
    from infomerge.plots.allocation import (
        allocation_comparison,
        budget_bars,
        budget_share,
        budget_shift,
    )
    from infomerge.plots.answers import AnswerCurves, AnswerGrid, answer_curves, answer_grid
    from infomerge.plots.budget_chart import budget_chart
    from infomerge.plots.contact_sheet import contact_sheet, heat_sheet, ownership_sheet
    from infomerge.plots.costs import cost_bars, step_bars
    from infomerge.plots.coverage import coverage_map, membership_map
    from infomerge.plots.differences import difference_sheet
    from infomerge.plots.methods import methods_side_by_side
    from infomerge.plots.overview import method_overview
    from infomerge.plots.prior_verdicts import prior_verdicts
    from infomerge.plots.priors import DisturbanceCurves, prior_curves
    from infomerge.plots.prompts import next_token_bars, prompt_diagram, saliency_strip
    from infomerge.plots.redundancy import fingerprint_matrices, prior_maps, static_score_maps, token_grid
    from infomerge.plots.spectrum import energy_spectrum
    from infomerge.plots.stack import film_strip
    from infomerge.plots.style import DOUBLE_COLUMN, SINGLE_COLUMN, Width, font_settings, save, styled
    from infomerge.plots.titles import kept_title

__all__ = [
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "AnswerCurves",
    "AnswerGrid",
    "Differences",
    "DisturbanceCurves",
    "KnobCurves",
    "RatioCurves",
    "Width",
    "allocation_comparison",
    "answer_curves",
    "answer_grid",
    "budget_bars",
    "budget_chart",
    "budget_share",
    "budget_shift",
    "contact_sheet",
    "cost_bars",
    "coverage_map",
    "difference_sheet",
    "energy_spectrum",
    "film_strip",
    "fingerprint_matrices",
    "font_settings",
    "heat_sheet",
    "kept_title",
    "knob_curves",
    "membership_map",
    "method_curves",
    "method_overview",
    "methods_side_by_side",
    "next_token_bars",
    "ownership_sheet",
    "part_differences",
    "prior_curves",
    "prior_maps",
    "prior_verdicts",
    "prompt_diagram",
    "saliency_strip",
    "save",
    "static_score_maps",
    "step_bars",
    "styled",
    "token_grid",
]
