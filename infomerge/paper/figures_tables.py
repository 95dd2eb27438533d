"""Figures of the measured tables, each with the sentences that its table allows."""

from infomerge import plots
from infomerge.paper.costs import first_token_bars, first_token_findings
from infomerge.paper.labels import CURVES, PAPER_RATIOS, RATIOS, ROW_MEASURES, ROW_NAMES
from infomerge.paper.panels import knob_panels, method_panels, paper_part_panel, part_panels, prior_panels
from infomerge.paper.recipes import Drawn, Request, figure
from infomerge.paper.tables import prior_comparisons, read_grid
from infomerge.paper.verdicts import method_findings, option_findings, part_findings, prior_findings, token_findings

CLIPS = "60 procedural clips, EfficientNet-Lite0 at 320 pixels (10 x 10 tokens); data/results/ablation.csv"


@figure(
    "static_priors",
    "How well each static prior tells still cells from moving ones, under disturbances of growing strength, "
    "with the tokens of a network; the dotted line is chance, below which the priors take moving cells for still ones. "
    "At the foot of each panel: the prior that is better, by interval and Holm-corrected test.",
    "100 procedural clips, EfficientNet-Lite0 at 192 pixels (6 x 6 tokens); data/results/static_priors.csv",
)
def priors_by_strength(request: Request) -> Drawn:
    """AUROC of TFD and of the adjacent difference against the strength of each disturbance."""
    panels = prior_panels("scenes")
    return Drawn(plots.prior_curves(panels, measure="AUROC", chance=0.5, **request.look()), prior_findings(panels))


@figure(
    "prior_verdicts",
    "Which static prior finds still cells better: mean paired difference in AUROC under disturbances, for a "
    "network's tokens and for bare pixels. Bold on colour where interval and Holm-corrected test decide; the colour "
    "grows with the difference, to 0.3.",
    "100 procedural clips; data/results/static_priors.csv, patch_priors.csv, patch_priors_14x14.csv",
)
def priors_by_tokens(request: Request) -> Drawn:
    """TFD against the adjacent difference, condition by condition, for three kinds of tokens."""
    tables = prior_comparisons()
    return Drawn(plots.prior_verdicts(tables, measure="AUROC", **request.look(panels=True)), token_findings(tables))


@figure(
    "what_each_part_adds",
    "What each part adds, paired by clip, at three retention ratios. Filled marks may be claimed: the 95 % interval "
    "leaves out zero and Wilcoxon's test, corrected by Holm over all marks of the figure, agrees; a hollow mark is no "
    "claim, also where its bar alone leaves out zero. Grey: the paper's own numbers, another quantity.",
    CLIPS,
)
def part_effects(request: Request) -> Drawn:
    """Differences between the rows of Tables 4 and 5."""
    panels = part_panels()
    return Drawn(plots.part_differences(panels, paper=paper_part_panel(), **request.look()), part_findings(panels))


@figure(
    "ablation_rows",
    "The rows of Tables 4 and 5 against the retention ratio: how much of the budget goes to the event, how much of it "
    "is recalled, and what the worst covered tokens get. Neither: no static prior, budgets by length; CABA: budgets by "
    "uniqueness and richness. The differences between rows, paired by clip, are those of the figure before.",
    CLIPS,
)
def rows_by_ratio(request: Request) -> Drawn:
    """Three measures of each row, with intervals over clips."""
    return Drawn(plots.method_curves(method_panels(ROW_MEASURES, ROW_NAMES, PAPER_RATIOS), **request.look()))


@figure(
    "compared_methods",
    "The methods that are compared, from 5 to 50 %: how much of the event they recall, how well they cover the worst "
    "covered tokens, and how far the network's own answers move.",
    CLIPS,
)
def methods_by_ratio(request: Request) -> Drawn:
    """Three measures of each method, with intervals over clips."""
    findings = method_findings(read_grid("ablation"), CURVES, RATIOS)
    return Drawn(plots.method_curves(method_panels(), **request.look()), findings)


@figure(
    "hyper_parameters",
    "Three options at 10 %, their values at even steps; filled marks differ from the paper's choice, by interval and "
    "Holm-corrected test. Grey: the paper's own numbers, another quantity.",
    "60 procedural clips; data/results/hyper_parameters.csv",
)
def option_effects(request: Request) -> Drawn:
    """The paper's Figures 5 and 6 and Table 6, measured here and as printed."""
    panels = knob_panels()
    return Drawn(
        plots.knob_curves(panels, paper_measure="paper: VideoMME\naccuracy (%)", **request.look()),
        option_findings(panels),
    )


@figure(
    "time_to_first_token",
    "What the time to the first token is made of, medians: the vision tower, compression (by GPU kernels, or exact in "
    "float64), the language model's prefill, and what is left of the call. LLaVA-OneVision-7B with random weights, "
    "which take as long as trained ones; 32 frames, bf16, one H100.",
    "data/results/first_token.csv",
)
def time_by_part(request: Request) -> Drawn:
    """Bars of all tokens and of three ratios, compressed by GPU kernels and exactly."""
    return Drawn(plots.cost_bars(first_token_bars(), **request.look()), first_token_findings())
