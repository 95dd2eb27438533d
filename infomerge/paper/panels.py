"""Panels for `infomerge.plots` from the measured tables, with intervals and with what may be claimed."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from infomerge import plots
from infomerge.measure.detection import paired_priors
from infomerge.measure.statistics import Interval, compare_family, mean_interval
from infomerge.paper.labels import (
    CURVES,
    JUDGED,
    KNOBS,
    LOGARITHMIC,
    METHOD_NAMES,
    PAPER_RATIOS,
    PARTS,
    QUANTITIES,
    RATIOS,
)
from infomerge.paper.tables import paper_tables, prior_rows, read_grid
from infomerge.video import DISTURBANCES


def prior_panels(segmentation: str, measure: str = "auroc") -> list[plots.DisturbanceCurves]:
    """The measured table of static priors (data/results/static_priors.csv) as curves with intervals and verdicts.

    Clean clips stand at strength 0 of every disturbance. A verdict is given where the 95 % interval of the paired
    difference leaves out zero and Wilcoxon's test, corrected by Holm over all conditions, agrees.

    Args:
        segmentation: "scenes" for the clips' true scenes, "dyseg" for the segments that are found.
        measure: "auroc" or "candidate_precision".
    """
    values = paired_priors(prior_rows(), segmentation, measure)
    comparisons = compare_family(values)
    winners = {"higher": "TFD", "lower": "adjacent", "undecided": ""}
    panels = []
    for name in sorted({name for name, _ in values} - {"none"}):
        conditions = [("none", 0.0), *sorted(condition for condition in values if condition[0] == name)]
        curves = {}
        for number, prior in enumerate(("TFD", "adjacent")):
            intervals = [mean_interval(values[condition][number]) for condition in conditions]
            curves[prior] = np.array([[found.mean, found.low, found.high] for found in intervals]).T
        panels.append(
            plots.DisturbanceCurves(
                name.replace("_", " "),
                DISTURBANCES[name].unit,
                np.array([strength for _, strength in conditions]),
                curves,
                [winners[comparisons[condition].verdict] for condition in conditions],
            )
        )
    return panels


def method_panels(
    measures: Sequence[str] = CURVES,
    names: Mapping[str, str] = METHOD_NAMES,
    ratios: Sequence[float] = RATIOS,
) -> list[plots.RatioCurves]:
    """Measures of methods against the ratio, on the procedural clips, with 95 % intervals.

    Args:
        measures: of `QUANTITIES`.
        names: the methods, with the names that figures give them; such as `METHOD_NAMES` or `ROW_NAMES`.
        ratios: of `RATIOS`.
    """
    grid = read_grid("ablation")
    return [
        plots.RatioCurves(
            QUANTITIES[measure].title,
            QUANTITIES[measure].better,
            np.array(ratios),
            {label: grid.curve(measure, name, ratios) for name, label in names.items()},
            log=measure == LOGARITHMIC,
        )
        for measure in measures
    ]


def part_panels(measures: Sequence[str] = JUDGED) -> list[plots.Differences]:
    """What each part adds to each measure on the procedural clips, paired by clip (the rows of Tables 4 and 5).

    The family of the tests is all that the panels show: every part, ratio and measure.
    """
    grid = read_grid("ablation")
    cells = {
        (measure, part, ratio): (measure, (with_it, ratio), (without, ratio))
        for measure in measures
        for part, (with_it, without) in PARTS.items()
        for ratio in PAPER_RATIOS
    }
    found = grid.compare(list(cells.values()))
    panels = []
    for measure in measures:
        each = {part: [found[cells[measure, part, ratio]] for ratio in PAPER_RATIOS] for part in PARTS}
        panels.append(
            plots.Differences(
                QUANTITIES[measure].title,
                QUANTITIES[measure].better,
                np.array(PAPER_RATIOS),
                {part: np.array([_ends(one.difference) for one in some]).T for part, some in each.items()},
                {part: np.array([one.verdict != "undecided" for one in some]) for part, some in each.items()},
            )
        )
    return panels


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.mean, interval.low, interval.high


def paper_part_panel() -> plots.Differences:
    """The same differences as the paper's Tables 4 and 5 print them: points of VideoMME, without intervals."""
    tables = paper_tables()
    rows = [row[3:] for row in tables["table4_components_videomme"]["rows"]]
    names = ("table4-none", "table4-tfd", "table4-tfd+uniqueness", "table4-tfd+richness", "infomerge")
    accuracy = dict(zip(names, rows, strict=True))
    fastvid, adjacent, _ = (row[1:] for row in tables["table5_redundancy_videomme"]["rows"])
    accuracy |= {"fastvid": fastvid, "infomerge-adjacent": adjacent}
    nothing = np.full(len(PAPER_RATIOS), np.nan)
    return plots.Differences(
        "VideoMME points (paper)",
        "higher",
        np.array(PAPER_RATIOS),
        {
            part: np.array([np.round(np.subtract(accuracy[with_it], accuracy[without]), 6), nothing, nothing])
            for part, (with_it, without) in PARTS.items()
        },
        {part: np.zeros(len(PAPER_RATIOS), dtype=bool) for part in PARTS},
    )


def knob_panels(
    measures: Sequence[str] = ("segment_context", "event_owned", "kl_divergence"),
) -> list[plots.KnobCurves]:
    """What each option does at 10 %, on the procedural clips, and what the paper prints for it.

    Marks are decided against the paper's choice; the family of the tests is all that the panels show.
    """
    grid = read_grid("hyper_parameters")
    settings = {option: sorted(value for name, value in grid.values[measures[0]] if name == option) for option in KNOBS}
    cells = {
        (measure, option, value): (measure, (option, value), (option, chosen))
        for measure in measures
        for option, (_, chosen) in KNOBS.items()
        for value in settings[option]
        if value != chosen
    }
    found = grid.compare(list(cells.values()))
    decided = {key: found[cell].verdict != "undecided" for key, cell in cells.items()}
    return [
        plots.KnobCurves(
            label,
            chosen,
            np.array(settings[option]),
            {QUANTITIES[measure].title: grid.curve(measure, option, settings[option]) for measure in measures},
            {
                QUANTITIES[measure].title: np.array(
                    [decided.get((measure, option, value), False) for value in settings[option]]
                )
                for measure in measures
            },
            _paper_knob(option, settings[option]),
            log=(QUANTITIES[LOGARITHMIC].title,),
        )
        for option, (label, chosen) in KNOBS.items()
    ]


def _paper_knob(option: str, values: Sequence[float]) -> Float[np.ndarray, "values"]:
    tables = paper_tables()
    printed = {
        "temperature": tables["fig5_temperature_videomme_r10"],
        "static_penalty": tables["fig6_lambda_videomme_r10"],
        "uniqueness_weight": [(alpha, accuracy) for alpha, _, accuracy in tables["table6_alpha_beta_videomme_r10"]],
    }[option]
    accuracy = {float(value): float(number) for value, number in printed}
    return np.array([accuracy[value] for value in values])
