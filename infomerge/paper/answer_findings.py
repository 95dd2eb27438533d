"""What may be said of the measured answers, in sentences that are computed from their tables (see `verdicts`)."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from infomerge.measure.statistics import Comparison
from infomerge.paper.answer_tables import PAIRS, groups, ratios_of
from infomerge.paper.verdicts import listed
from infomerge.plots import AnswerGrid, Differences
from infomerge.testbed.scores import AnswerTable, Setting
from infomerge.video.questions import KINDS


def pair_findings(
    table: AnswerTable,
    ratios: Sequence[float] | None = None,
    pairs: Mapping[str, tuple[str, str]] = PAIRS,
    *,
    forms: Sequence[str] | None = None,
    checkpoints: Sequence[str] | None = None,
) -> str:
    """How often one method answers more than another, over all forms of clips, checkpoints and ratios.

    Args:
        table: of methods.
        ratios: those that are counted; all of them without.
        pairs: what is said -> the method, and what it is held against. Those that the table lacks are left out. All are
            one family of tests.
        forms: of clips that are counted; all of them without.
        checkpoints: that are counted; all of them without.
    """
    ratios = ratios_of(table) if ratios is None else list(ratios)
    known = set(table.settings)
    cells: dict[str, list[tuple[Setting, Setting]]] = {}
    for words, (one, other) in pairs.items():
        for form, checkpoint in groups(table):
            if form not in (forms or [form]) or checkpoint not in (checkpoints or [checkpoint]):
                continue
            for ratio in ratios:
                a, b = (Setting(checkpoint, form, name, "", "head", ratio) for name in (one, other))
                if a in known and b in known:
                    cells.setdefault(words, []).append((a, b))
    found = table.compare([pair for some in cells.values() for pair in some])
    return " ".join(f"{words}: {_counted([found[pair] for pair in some])}." for words, some in cells.items())


def _counted(comparisons: Sequence[Comparison]) -> str:
    counts = Counter(comparison.verdict for comparison in comparisons)
    means = [100 * comparison.difference.mean for comparison in comparisons]
    parts = [f"{way} in {counts[way]}" for way in ("higher", "lower") if counts[way]]
    said = f"{listed(parts)} of {len(means)} cases" if parts else f"decided in none of {len(means)} cases"
    return f"{said}, on average {np.mean(means):+.1f} points"


def kind_findings(panels: Sequence[AnswerGrid], rows: Sequence[str]) -> str:
    """Which kinds of questions a method answers least, and which it does not answer better than by guessing.

    Args:
        panels: of `kind_panels`.
        rows: names of methods, as in the panels.
    """
    sentences = []
    for panel in panels:
        said = []
        for name in rows:
            place = list(panel.rows).index(name)
            worst = int(np.nanargmin(panel.accuracy[place]))
            guessed = [kind for kind, weak in zip(KINDS, panel.framed[place], strict=True) if weak]
            reach = f"; not told from chance: {listed(guessed)}" if guessed else ""
            said.append(f"{name} answers least of “{KINDS[worst]}” ({panel.accuracy[place, worst]:.0f} %{reach})")
        sentences.append(f"{panel.title[0].upper()}{panel.title[1:]}: {', '.join(said)}.")
    return " ".join(sentences)


def swap_findings(panels: Sequence[Differences]) -> str:
    """How often each change may be claimed to answer more or less; the changes that never may, at the end."""
    decided: list[str] = []
    never: list[str] = []
    cases = 0
    for part in panels[0].parts:
        counts = Counter(
            "higher" if mean > 0 else "lower"
            for panel in panels
            for mean, sure in zip(panel.parts[part][0], panel.decided[part], strict=True)
            if sure
        )
        cases = sum(len(panel.decided[part]) for panel in panels)
        ways = [f"{way} in {counts[way]}" for way in ("higher", "lower") if counts[way]]
        name = " ".join(part.split())
        (decided if ways else never).append(f"{name} {' and '.join(ways)}".strip())
    sentences = [f"Decided, of {cases} cases each: {'; '.join(decided)}."] if decided else []
    if never:
        sentences.append(f"Decided in none of {cases} cases each: {'; '.join(never)}.")
    return " ".join(sentences)
