"""The measured tables of data/results as arrays, with intervals and with what may be claimed; beside them the paper's.

The tables are part of the project's repository, not of the installed package: everything here raises FileNotFoundError
where the data folder is not beside it.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from infomerge import plots
from infomerge.measure.detection import compare_priors, paired_priors
from infomerge.measure.statistics import Comparison, Interval, compare_family, mean_interval
from infomerge.video import DISTURBANCES

DATA = Path(__file__).parent.parent / "data"

Setting = tuple[str, float]
"""What was run: a method and its retention ratio, or an option and its value."""


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


@dataclass(frozen=True, eq=False)
class Grid:
    """A condensed sweep: for each measure and each setting one number a clip, NaN where it has none."""

    clips: tuple[str, ...]
    values: Mapping[str, Mapping[Setting, Float64[np.ndarray, "clips"]]]

    def interval(self, measure: str, setting: Setting) -> Interval:
        """The mean over clips with its 95 % interval."""
        return mean_interval(self.values[measure][setting])

    def curve(self, measure: str, name: str, numbers: Sequence[float]) -> Float64[np.ndarray, "3 numbers"]:
        """Mean, lower and upper end at each ratio of a method, or at each value of an option."""
        intervals = [self.interval(measure, (name, number)) for number in numbers]
        return np.array([[found.mean, found.low, found.high] for found in intervals]).T

    def compare(self, family: Sequence[tuple[str, Setting, Setting]]) -> dict[tuple[str, Setting, Setting], Comparison]:
        """Settings against each other, paired by clip, with p-values corrected by Holm over the family.

        Args:
            family: (measure, setting, the setting that it is held against) of all comparisons of one statement.
        """
        values = self.values
        return compare_family({(of, a, b): (values[of][a], values[of][b]) for of, a, b in family})


@cache
def read_grid(name: str) -> Grid:
    """A table of `benchmarks.ablation_grid`.

    Args:
        name: "ablation", "hyper_parameters" or "ablation_real".

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: the table has not one row for every clip and setting.
    """
    path = DATA / "results" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        header, *lines = csv.reader(handle)
    clips = tuple(dict.fromkeys(line[0] for line in lines))
    rows = {((line[1], float(line[2])), line[0]): line[3:] for line in lines}
    settings = dict.fromkeys(setting for setting, _ in rows)
    if not len(lines) == len(rows) == len(settings) * len(clips):
        found = f"{len(lines)} rows for {len(settings)} settings of {len(clips)} clips"
        raise ValueError(f"{path}: found {found}; accepted is one for each setting of each clip")
    values: dict[str, dict[Setting, Float64[np.ndarray, "clips"]]] = {
        measure: {
            setting: np.array([float(rows[setting, clip][column] or "nan") for clip in clips]) for setting in settings
        }
        for column, measure in enumerate(header[3:])
    }
    return Grid(clips, values)


@cache
def paper_tables() -> dict[str, Any]:
    """What the paper prints: quantities of other models on other clips."""
    content: dict[str, Any] = json.loads((DATA / "paper_tables.json").read_text(encoding="utf-8"))
    return content


RATIOS = (0.05, 0.10, 0.15, 0.25, 0.50)
PAPER_RATIOS = (0.05, 0.10, 0.15)

METHOD_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "infomerge": "InfoMerge",
        "fastvid": "FastVID",
        "tome": "ToMe",
        "dycoke": "DyCoke",
        "visionzip": "VisionZip",
        "top-saliency": "top saliency",
        "uniform-frames": "even frames",
        "uniform-positions": "even positions",
        "random": "random",
    }
)
"""The methods that are compared, as figures name them."""

ROW_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "infomerge": "full",
        "table4-none": "none",
        "table4-tfd": "TFD",
        "table4-tfd+uniqueness": "+ uniqueness",
        "table4-tfd+richness": "+ richness",
        "infomerge-adjacent": "adjacent + CABA",
        "fastvid": "FastVID",
    }
)
"""The rows of Tables 4 and 5."""

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


def prior_panels(segmentation: str, measure: str = "auroc") -> list[plots.DisturbanceCurves]:
    """The measured table of static priors (data/results/static_priors.csv) as curves with intervals and verdicts.

    Clean clips stand at strength 0 of every disturbance. A verdict is given where the 95 % interval of the paired
    difference leaves out zero and Wilcoxon's test, corrected by Holm over all conditions, agrees.

    Args:
        segmentation: "scenes" for the clips' true scenes, "dyseg" for the segments that are found.
        measure: "auroc" or "candidate_precision".
    """
    with (DATA / "results" / "static_priors.csv").open(encoding="utf-8") as handle:
        values = paired_priors(csv.DictReader(handle), segmentation, measure)
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


PRIOR_TABLES = MappingProxyType(
    {
        "EfficientNet-Lite0, 6 x 6": "static_priors",
        "patch pixels, 6 x 6": "patch_priors",
        "patch pixels, 14 x 14": "patch_priors_14x14",
    }
)
"""Tables of static priors by the tokens that they were measured with."""


PRIOR_MEASURES = ("auroc", "average_precision", "candidate_precision")


def prior_comparisons(measure: str = "auroc") -> dict[str, dict[tuple[str, float], Comparison]]:
    """TFD against the adjacent difference on true scenes, for each kind of tokens, condition by condition.

    Args:
        measure: of `PRIOR_MEASURES`.

    Raises:
        ValueError: the measure is another.
    """
    if measure not in PRIOR_MEASURES:
        raise ValueError(f"measure: found {measure!r}; accepted are {', '.join(PRIOR_MEASURES)}")
    compared = {}
    for tokens, name in PRIOR_TABLES.items():
        with (DATA / "results" / f"{name}.csv").open(encoding="utf-8") as handle:
            compared[tokens] = compare_priors(csv.DictReader(handle), measure=measure)
    return compared


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


ALLOCATIONS: Mapping[str, str] = MappingProxyType(
    {
        "table4-tfd": "by length",
        "table4-tfd+uniqueness": "by uniqueness",
        "table4-tfd+richness": "by richness",
        "infomerge": "by both (CABA)",
    }
)
"""The rows of Table 4 that differ in their budgets alone."""


def budget_share_table() -> str:
    """The event's share of the context tokens beside its segment's share of the frames, in Markdown, with intervals.

    `+` above the share of the frames, `-` below it, `=` undecided: paired by clip, and corrected by Holm over the
    table.
    """
    values = read_grid("ablation").values
    frames, context = values["segment_frames"], values["segment_context"]
    cells = [(name, ratio) for name in ALLOCATIONS for ratio in PAPER_RATIOS]
    found = compare_family({cell: (context[cell], frames[cell]) for cell in cells})
    lines = [["the event's share of", *(f"{ratio:.0%}" for ratio in PAPER_RATIOS)], ["---"] * (1 + len(PAPER_RATIOS))]
    shares = (_cell(mean_interval(frames["infomerge", ratio])) for ratio in PAPER_RATIOS)
    lines.append(["the frames", *shares])
    for name, label in ALLOCATIONS.items():
        line = [f"the context tokens, {label}"]
        for cell in ((name, ratio) for ratio in PAPER_RATIOS):
            line.append(_cell(mean_interval(context[cell])) + _sign(found[cell], "higher"))
        lines.append(line)
    return _markdown(lines)


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


KNOBS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "temperature": (r"temperature $\tau$", 1.2),
        "static_penalty": (r"penalty $\lambda$", 12.0),
        "uniqueness_weight": (r"uniqueness $\alpha$ (richness $\beta = 1 - \alpha$)", 0.9),
    }
)
"""The options of Figure 5, Figure 6 and Table 6, as figures name them, with the paper's choice at 10 %."""


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


SUMMARISED = ("event_owned", "coverage_worst", "kl_divergence", "top1_agreement", "static_duplicates")
SUMMARY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **METHOD_NAMES,
        "infomerge-adjacent": "InfoMerge, adjacent prior",
        "table4-tfd": "InfoMerge, budgets by length",
    }
)


def summary_table(ratio: float = 0.10) -> str:
    """The README's table, in Markdown: methods by measures, each mean with its 95 % interval.

    Better and worse than InfoMerge is said where the interval of the difference, paired by clip, leaves out zero and
    Wilcoxon's test, corrected by Holm over the whole table, agrees.
    """
    grid = read_grid("ablation")
    cells = {
        (measure, name): (measure, (name, ratio), ("infomerge", ratio))
        for measure in SUMMARISED
        for name in SUMMARY_NAMES
        if name != "infomerge"
    }
    found = grid.compare(list(cells.values()))
    arrows = {"higher": "↑", "lower": "↓", "": ""}
    head = [f"{QUANTITIES[measure].title} {arrows[QUANTITIES[measure].better]}" for measure in SUMMARISED]
    lines = [["at " + format(ratio, ".0%"), *head], ["---"] * (1 + len(head))]
    for name, label in SUMMARY_NAMES.items():
        line = [label]
        for measure in SUMMARISED:
            cell = cells.get((measure, name))
            sign = _sign(found[cell], QUANTITIES[measure].better) if cell else ""
            line.append(_cell(grid.interval(measure, (name, ratio))) + sign)
        lines.append(line)
    return _markdown(lines)


REAL_NAMES = ("infomerge", "table4-tfd", "fastvid", "tome", "uniform-positions", "random")


def real_table(measure: str) -> str:
    """A measure on the real clips by ratio, in Markdown: mean over clips, and the lowest and the highest clip.

    Args:
        measure: of the columns of data/results/ablation_real.csv.
    """
    values = read_grid("ablation_real").values[measure]
    lines = [[QUANTITIES[measure].title, *(f"{ratio:.0%}" for ratio in RATIOS)], ["---"] * (1 + len(RATIOS))]
    for name in REAL_NAMES:
        numbers = [values[name, ratio] for ratio in RATIOS]
        spread = [f"{some.mean():.3f} ({some.min():.3f} to {some.max():.3f})" for some in numbers]
        lines.append([SUMMARY_NAMES[name], *spread])
    return _markdown(lines)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sign(comparison: Comparison, better: str) -> str:
    if comparison.verdict == "undecided":
        return " ="
    return " +" if comparison.verdict == better else " -"


def _cell(interval: Interval) -> str:
    digits = 2 if interval.mean >= 0.1 else 3
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
