"""Figures of what methods leave of the testbed's answers, each with the sentences that its table allows."""

from functools import cache

from infomerge import plots
from infomerge.paper.answer_findings import kind_findings, pair_findings, swap_findings
from infomerge.paper.answer_tables import (
    RATIO,
    curve_panels,
    kind_panels,
    read_answers,
    robust_panels,
    swap_panels,
    title_of,
)
from infomerge.paper.recipes import Drawn, Request, figure
from infomerge.plots.style import choose_panels

_MODELS = "two small Video-LLMs that ship (data/testbed), one trained on subsets of tokens, one on merged tokens too"


def _clips(name: str) -> str:
    return f"procedural clips that nothing was chosen on, saliency of the pooling head; data/results/{name}.csv"


# Thousands of resampled means each, which a second drawing need not wait for.
@cache
def _curves() -> tuple[list[plots.AnswerCurves], str]:
    table = read_answers()
    return curve_panels(table), pair_findings(table)


@cache
def _disturbances() -> tuple[list[plots.AnswerGrid], str]:
    table = read_answers("answers_robust")
    return robust_panels(table), pair_findings(table)


@figure(
    "answers_kept",
    "How much of the accuracy with all tokens is left, against the share of tokens that is kept: questions about "
    f"clips, answered by {_MODELS}. Accuracies of such models say which method keeps what these questions need, "
    "and are not those of a large model on real benchmarks.",
    _clips("answers"),
)
def accuracy_by_ratio(request: Request) -> Drawn:
    """Share of the full accuracy against the retention ratio, by form of clips and model."""
    look = request.look(panels=True)
    found, findings = _curves()
    panels = {panel.clips: panel for panel in found}
    chosen = choose_panels(list(panels), look.pop("panels"))
    return Drawn(plots.answer_curves([panels[name] for name in chosen], **look), findings)


@figure(
    "answers_by_kind",
    f"Accuracy in % by kind of question at {100 * RATIO:g} % of the tokens, on clean clips, methods from the best mean "
    "down. A cell is the bluer the farther it lies above chance, the last row: one over the number of choices.",
    _clips("answers"),
)
def accuracy_by_kind(request: Request) -> Drawn:
    """Accuracy of each method for each kind of question, beside all tokens and chance."""
    panels = kind_panels(read_answers())
    words = "accuracy in %; framed: the 95 % interval over clips reaches chance"
    rows = [title_of(name) for name in ("infomerge", "farthest")]
    return Drawn(plots.answer_grid(panels, words=words, **request.look()), kind_findings(panels, rows))


@figure(
    "where_answers_are_lost",
    "What a change of one part of InfoMerge does to its answers: points of accuracy against InfoMerge as it is, paired "
    "by clip. Filled marks may be claimed: the 95 % interval leaves out zero and Wilcoxon's test, corrected by Holm "
    "over all marks of the figure, agrees; a hollow mark is no claim.",
    _clips("answers_swaps"),
)
def accuracy_by_change(request: Request) -> Drawn:
    """Differences in accuracy between InfoMerge with one part changed and as it is."""
    panels = swap_panels(read_answers("answers_swaps"))
    return Drawn(plots.part_differences(panels, **request.look()), swap_findings(panels))


@figure(
    "answers_under_disturbance",
    "Accuracy in % under one disturbance of the frames at a time, most of which training never saw. The first column "
    "is what all tokens answer. Framed numbers are told from InfoMerge, by interval and test, paired by clip and "
    "corrected by Holm over the figure.",
    _clips("answers_robust"),
)
def accuracy_by_disturbance(request: Request) -> Drawn:
    """Accuracy of several methods under each disturbance, at two ratios."""
    panels, findings = _disturbances()
    words = "accuracy in %; framed: told from InfoMerge, by interval and Holm-corrected test"
    return Drawn(plots.answer_grid(panels, words=words, **request.look()), findings)
