"""The measured answers of the testbed as panels of figures and as tables in Markdown."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

import numpy as np

from infomerge.measure.statistics import Comparison, Interval
from infomerge.methods import METHODS
from infomerge.paper.markdown import markdown_table
from infomerge.plots import AnswerCurves, AnswerGrid, Differences
from infomerge.resources import data_file
from infomerge.testbed.scores import AnswerTable, Setting
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.video.questions import KINDS

HIGHLIGHTED = ("infomerge", "farthest", "gleanvid", "tome", "fastvid", "random")
"""The methods that figures draw in colour: the paper's, what keeps more, the nearest to that, and the compared ones."""

RATIO = 0.05
"""Where one ratio stands for all: at more, many methods answer everything."""

BASELINE = "infomerge"

PAIRS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Salient farthest points against InfoMerge": ("farthest", "infomerge"),
        "Salient farthest points against GleanVID": ("farthest", "gleanvid"),
        "Salient farthest points against ToMe": ("farthest", "tome"),
        "InfoMerge against FastVID": ("infomerge", "fastvid"),
        "InfoMerge against ToMe": ("infomerge", "tome"),
        "TFD against the adjacent prior": ("infomerge", "infomerge-adjacent"),
        "Budgets by CABA against by length": ("infomerge", "table4-tfd"),
        "InfoMerge against neither prior nor CABA": ("infomerge", "table4-none"),
    }
)
"""What sentences say of the tables: the first method against the second."""

_CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "salient_split=exact": "salient total not rounded by frame",
        "salient_split=clip": "salient tokens wherever they are",
        "anchors=distance": "anchors by distance alone",
        "anchors=farthest": "anchors as farthest points",
        "temperature=0": "budgets by length",
        "merge_weight=1": "context tokens kept as they are",
        "merge_weight=0": "context tokens as plain means",
        "static_prior=adjacent": "adjacent prior",
        "static_prior=aligned": "aligned TFD",
        "static_prior=none": "no static prior",
        "segmentation=adaptive": "adaptive segments",
    }
)
"""Options of InfoMerge as figures name a change of them."""


def read_answers(name: str = "answers") -> AnswerTable:
    """A table of `benchmarks.answer_grid`.

    Args:
        name: "answers", "answers_swaps" or "answers_robust".

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: it is none of answers.
    """
    return _read_answers(str(data_file(f"results/{name}.csv")))


# Small whole numbers only.
@cache
def _read_answers(path: str) -> AnswerTable:
    return AnswerTable.read(path)


def groups(table: AnswerTable) -> list[tuple[str, str]]:
    """Forms of clips with the checkpoints that were asked about them: the known forms first, the others by name."""
    known = list(FORMS)

    def place(group: tuple[str, str]) -> tuple[int, str, bool]:
        form, checkpoint = group
        return known.index(form) if form in known else len(known), form, checkpoint != "subsets"

    return sorted(((form, checkpoint) for checkpoint, form in table.asked), key=place)


def ratios_of(table: AnswerTable) -> list[float]:
    """The retention ratios, from small to large."""
    return sorted({setting.ratio for setting in table.settings})


def methods_of(table: AnswerTable) -> list[tuple[str, str]]:
    """Methods with their options, in the registry's order, without options first."""
    order = {name: number for number, name in enumerate(METHODS)}
    found = {(setting.method, setting.options) for setting in table.settings}
    return sorted(found, key=lambda pair: (order.get(pair[0], len(order)), pair[1] != "", pair[1]))


def title_of(method: str, options: str = "") -> str:
    """A method with its options, as figures name it."""
    name = METHODS[method].title if method in METHODS else method
    return f"{name}, {changes_of(options)}" if options else name


def changes_of(options: str) -> str:
    """Options, which are JSON, in words."""
    said = [f"{name}={value}" for name, value in json.loads(options or "{}").items()]
    return " + ".join(_CHANGES.get(one, one.replace("_", " ").replace("=", " ")) for one in said)


def curve_panels(table: AnswerTable) -> list[AnswerCurves]:
    """A panel for each form of clips and each checkpoint."""
    ratios = ratios_of(table)
    panels = []
    for form, checkpoint in groups(table):

        def cell(method: str, options: str, ratio: float, of: tuple[str, str] = (checkpoint, form)) -> Setting:
            return Setting(*of, method, options, "head", ratio)

        highlighted, others = {}, {}
        for method, options in methods_of(table):
            if method in HIGHLIGHTED and not options:
                found = [table.relative(cell(method, options, ratio)) for ratio in ratios]
                highlighted[method] = 100 * np.array([[one.mean, one.low, one.high] for one in found]).T
            else:
                full = np.mean(table.shares(cell(method, options, ratios[0]).full))
                means = [np.mean(table.shares(cell(method, options, ratio))) for ratio in ratios]
                others[title_of(method, options)] = 100 * np.array(means) / full
        ordered = {title_of(name): highlighted[name] for name in HIGHLIGHTED if name in highlighted}
        panels.append(AnswerCurves(f"{form} clips, model “{checkpoint}”", np.array(ratios), ordered, others))
    return panels


@cache
def chances() -> Mapping[str, float]:
    """By guessing among the choices of each kind of question, the share that is right."""
    asked = asked_about(FORMS["clean"].clip(0, "dev").script)
    return MappingProxyType({question.kind: 1 / len(question.choices) for question in asked})


def kind_panels(table: AnswerTable, ratio: float = RATIO, form: str = "clean") -> list[AnswerGrid]:
    """Accuracy by kind of question for each method, one panel a checkpoint; all tokens above, chance below."""
    checkpoints = [checkpoint for found, checkpoint in groups(table) if found == form]
    chance = np.array([chances().get(kind, np.nan) for kind in KINDS])

    def settings(checkpoint: str) -> list[Setting]:
        return [Setting(checkpoint, form, *method, "head", ratio) for method in methods_of(table)]

    # One order for all panels: by the mean over checkpoints.
    means = [
        [float(np.nanmean(table.shares(setting))) for setting in settings(checkpoint)] for checkpoint in checkpoints
    ]
    order = np.argsort(-np.mean(means, axis=0), kind="stable")
    names = [title_of(*methods_of(table)[place]) for place in order]
    panels = []
    for checkpoint in checkpoints:
        chosen = [settings(checkpoint)[place] for place in order]
        chosen.insert(0, chosen[0].full)
        found = [[table.accuracy(setting, kind) for kind in KINDS] for setting in chosen]
        accuracy = np.array([[one.mean for one in line] for line in found] + [list(chance)])
        low = np.array([[one.low for one in line] for line in found] + [list(chance)])
        rows = ["all tokens", *names, "chance"]
        title = f"model “{checkpoint}”"
        guessed = low <= chance
        guessed[-1] = False  # chance itself
        begin = np.broadcast_to(100 * chance, accuracy.shape)
        panels.append(AnswerGrid(title, rows, KINDS, 100 * accuracy, guessed, begin))
    return panels


def swap_comparisons(table: AnswerTable) -> dict[tuple[Setting, Setting], Comparison]:
    """InfoMerge with one change against InfoMerge as it is, over the whole table."""
    changed = [setting for setting in table.settings if setting.options]
    return table.compare([(setting, setting._replace(options="")) for setting in changed])


def swap_panels(table: AnswerTable, only: str = "") -> list[Differences]:
    """By how many points each change moves the accuracy, a panel for each form of clips and each checkpoint.

    Args:
        table: of InfoMerge with changes.
        only: a checkpoint, in place of all.
    """
    found = swap_comparisons(table)
    by_setting = {setting: comparison for (setting, _), comparison in found.items()}
    ratios = sorted(ratios_of(table), reverse=True)
    changes = {options for _, options in methods_of(table) if options}
    middle = min(ratios, key=lambda ratio: abs(ratio - RATIO))

    def effect(options: str) -> float:
        some = [
            one.difference.mean
            for setting, one in by_setting.items()
            if (setting.options, setting.ratio) == (options, middle)
        ]
        return -float(np.mean(some))

    panels = []
    for form, checkpoint in groups(table):
        if only not in ("", checkpoint):
            continue
        parts, decided = {}, {}
        for options in sorted(changes, key=lambda options: (effect(options), options)):
            cells = [by_setting[Setting(checkpoint, form, BASELINE, options, "head", ratio)] for ratio in ratios]
            ends = [[one.difference.mean, one.difference.low, one.difference.high] for one in cells]
            label = textwrap.fill(changes_of(options), 26)
            parts[label] = 100 * np.array(ends).T
            decided[label] = np.array([one.verdict != "undecided" for one in cells])
        measure = f"“{checkpoint}”, {form} clips (points)"
        panels.append(Differences(measure, "higher", np.array(ratios), parts, decided))
    return panels


def robust_panels(table: AnswerTable) -> list[AnswerGrid]:
    """Accuracy by disturbance and method, a panel for each ratio; framed where it is told from InfoMerge."""
    methods = methods_of(table)
    pairs = [
        (setting, setting._replace(method=BASELINE, options=""))
        for setting in table.settings
        if (setting.method, setting.options) != (BASELINE, "")
    ]
    decided = {setting for (setting, _), found in table.compare(pairs).items() if found.verdict != "undecided"}
    rows = groups(table)
    panels = []
    for ratio in ratios_of(table):
        accuracy, told = [], []
        for form, checkpoint in rows:
            line = [Setting(checkpoint, form, *method, "head", ratio) for method in methods]
            accuracy.append([float(np.mean(table.shares(setting))) for setting in [line[0].full, *line]])
            told.append([False, *(setting in decided for setting in line)])
        names = ["all tokens", *(title_of(*method) for method in methods)]
        labels = [form.replace("_", " ").replace("=", " ") for form, _ in rows]
        # A row's own full accuracy differs from that of others: one beginning for all of them.
        begin = np.full((len(rows), len(names)), 80 * min(map(min, accuracy)))
        title = f"at {100 * ratio:g} %"
        panels.append(AnswerGrid(title, labels, names, 100 * np.array(accuracy), np.array(told), begin))
    return panels


def answer_table(
    table: AnswerTable, checkpoint: str = "subsets", form: str = "clean", methods: Sequence[str] | None = None
) -> str:
    """Share of the full accuracy in %, with 95 % intervals, methods by ratios, in Markdown.

    `+` better than InfoMerge, `-` worse, `=` undecided: paired by clip, and corrected by Holm over the table.

    Args:
        table: of methods.
        checkpoint: of the testbed.
        form: of clips.
        methods: those that are listed, in their order; all of them without.
    """
    names = [method for method, options in methods_of(table) if not options] if methods is None else list(methods)
    ratios = sorted(ratios_of(table), reverse=True)
    base = [Setting(checkpoint, form, BASELINE, "", "head", ratio) for ratio in ratios]
    cells = {name: [setting._replace(method=name) for setting in base] for name in names}
    found = table.compare(
        [(one, other) for name in names if name != BASELINE for one, other in zip(cells[name], base, strict=True)]
    )
    lines = [[f"{form}, `{checkpoint}`", *(f"{100 * ratio:g} %" for ratio in ratios)], ["---"] * (1 + len(ratios))]
    if methods is None:
        names.sort(key=lambda name: -float(np.mean([np.mean(table.shares(cell)) for cell in cells[name]])))
    for name in names:
        line = [title_of(name)]
        for cell, other in zip(cells[name], base, strict=True):
            line.append(_percent(table.relative(cell)) + (_sign(found[cell, other]) if name != BASELINE else ""))
        lines.append(line)
    return markdown_table(lines)


def swap_table(table: AnswerTable, checkpoint: str = "subsets", form: str = "clean") -> str:
    """Points of accuracy that each change of InfoMerge gains, with 95 % intervals, in Markdown.

    `+`, `-` and `=` as in `answer_table`, corrected by Holm over the whole table of changes.
    """
    found = swap_comparisons(table)
    ratios = sorted(ratios_of(table), reverse=True)
    lines = [[f"{form}, `{checkpoint}`", *(f"{100 * ratio:g} %" for ratio in ratios)], ["---"] * (1 + len(ratios))]
    for _, options in methods_of(table):
        if not options:
            continue
        line = [changes_of(options)]
        for ratio in ratios:
            setting = Setting(checkpoint, form, BASELINE, options, "head", ratio)
            comparison = found[setting, setting._replace(options="")]
            ends = comparison.difference
            numbers = f"{100 * ends.mean:+.1f} [{100 * ends.low:+.1f}, {100 * ends.high:+.1f}]"
            line.append(numbers + _sign(comparison))
        lines.append(line)
    return markdown_table(lines)


def _percent(interval: Interval) -> str:
    return f"{100 * interval.mean:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _sign(comparison: Comparison) -> str:
    return {"undecided": " =", "higher": " +", "lower": " -"}[comparison.verdict]
