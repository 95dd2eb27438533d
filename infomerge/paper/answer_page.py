"""The measured answers in Markdown: `python -m infomerge.paper.answer_page docs/a_better_method_numbers.md`.

It writes the page and prints the rows of README.md and docs/results.md, which the tests hold against the table.
"""

from pathlib import Path

import click

from infomerge.files import replaced
from infomerge.paper.answer_findings import pair_findings, swap_findings
from infomerge.paper.answer_tables import answer_table, groups, read_answers, swap_panels, swap_table, title_of
from infomerge.testbed.checkpoint import CHECKPOINTS
from infomerge.testbed.scores import AnswerTable, Setting

COMMAND = "python -m infomerge.paper.answer_page docs/a_better_method_numbers.md"


def answer_page() -> str:
    """All tables of answers in Markdown, with the sentences that they allow and how they are made."""
    table, swaps = read_answers(), read_answers("answers_swaps")
    lines = [
        "Of the accuracy with all tokens, in %, with 95 % intervals over clips: what each method keeps on clips that "
        "nothing was chosen on. `+` better than InfoMerge, `-` worse, `=` not told apart: paired by clip, by interval "
        "and by Wilcoxon's test, corrected by Holm over one table. Two small Video-LLMs answer: `subsets` was trained "
        "on subsets of single tokens, `merges` on merged ones too. Of another model, and of real video, they say "
        "nothing.",
        "",
    ]
    for form, checkpoint in groups(table):
        lines += [f"### {form.capitalize()} clips, `{checkpoint}`", "", _counted(table, checkpoint, form), ""]
        lines += [answer_table(table, checkpoint, form), ""]
    lines += ["### What may be said", "", *(f"- {said}." for said in pair_findings(table).rstrip(".").split(". ")), ""]
    lines += [
        "### One part of InfoMerge changed at a time",
        "",
        "Points of accuracy gained against InfoMerge as it is, corrected by Holm over all changes, ratios, forms and "
        "models.",
        "",
    ]
    for form, checkpoint in groups(swaps):
        lines += [_counted(swaps, checkpoint, form), "", swap_table(swaps, checkpoint, form), ""]
    lines += [swap_findings(swap_panels(swaps)), ""]
    lines += [
        "### How these were made",
        "",
        "The tables behind them are data/results/answers.csv and answers_swaps.csv, of "
        "`python -m benchmarks.answer_grid OUT --part methods --part swaps` and the same with "
        f"`--condense data/results`; this page is written by `{COMMAND}`.",
        "",
    ]
    return "\n".join(lines)


ROW_METHODS = ("infomerge", "fastvid", "tome", "farthest")
ROW_RATIOS = (0.15, 0.10, 0.05)


def answer_row(table: AnswerTable, checkpoint: str, form: str = "clean") -> str:
    """What is measured and what came of it, as two cells of a table: shares of the full accuracy, in %."""
    parts = []
    for method in ROW_METHODS:
        settings = [Setting(checkpoint, form, method, "", "head", ratio) for ratio in ROW_RATIOS]
        numbers = ", ".join(f"{100 * table.relative(setting).mean:.1f}" for setting in settings)
        parts.append(f"{title_of(method)} {numbers}")
    ratios = ", ".join(f"{100 * ratio:g}" for ratio in ROW_RATIOS)
    clips = table.clips(Setting(checkpoint, form, "infomerge").full)
    what = f"% of answers kept, small Video-LLM `{checkpoint}`, {clips} clips, at {ratios} %"
    return f"| {what} | {'; '.join(parts)} |"


def _counted(table: AnswerTable, checkpoint: str, form: str) -> str:
    full = Setting(checkpoint, form, "infomerge").full
    share = 100 * table.accuracy(full).mean
    return f"{table.clips(full)} clips, {table.questions(full)} questions; with all tokens {share:.1f} % are answered."


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def main(path: Path) -> None:
    """Write the page, and print the rows of other pages."""
    with replaced(path) as temporary:
        temporary.write_text(answer_page(), encoding="utf-8")
    for checkpoint in CHECKPOINTS:
        click.echo(answer_row(read_answers(), checkpoint))


if __name__ == "__main__":
    main()
