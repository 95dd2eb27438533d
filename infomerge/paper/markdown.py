"""The measured tables in Markdown, for the README and the notebooks."""

from collections.abc import Sequence

from infomerge.measure.statistics import Comparison, Interval, compare_family, mean_interval
from infomerge.paper.labels import ALLOCATIONS, PAPER_RATIOS, QUANTITIES, RATIOS, REAL_NAMES, SUMMARISED, SUMMARY_NAMES
from infomerge.paper.tables import read_grid


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
    return markdown_table(lines)


def summary_table(ratio: float = 0.10) -> str:
    """The table of docs/results.md, in Markdown: methods by measures, each mean with its 95 % interval.

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
    return markdown_table(lines)


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
    return markdown_table(lines)


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a table in Markdown; the second row is the rule under the head."""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sign(comparison: Comparison, better: str) -> str:
    if comparison.verdict == "undecided":
        return " ="
    return " +" if comparison.verdict == better else " -"


def _cell(interval: Interval) -> str:
    digits = 2 if interval.mean >= 0.1 else 3
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
