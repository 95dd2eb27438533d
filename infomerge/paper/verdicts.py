"""What may be said of the measured tables, in sentences that are computed from them.

A difference is named where its interval leaves out zero and the paired test, corrected for all that its figure shows,
agrees (`infomerge.measure.statistics`); of all others nothing is said but that they are undecided.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from infomerge.measure.statistics import Comparison
from infomerge.paper.labels import METHOD_NAMES, QUANTITIES
from infomerge.paper.tables import Grid
from infomerge.plots import Differences, DisturbanceCurves, KnobCurves


def prior_findings(panels: Sequence[DisturbanceCurves]) -> str:
    """Which static prior is better how often, and under which disturbances where these are a few.

    Args:
        panels: of `prior_panels`, whose first verdicts are those of the clean clips.
    """
    disturbed = [(panel.name, verdict) for panel in panels for verdict in panel.verdicts[1:]]
    won = Counter([panels[0].verdicts[0], *(verdict for _, verdict in disturbed)])
    parts = []
    for winner, label in (("adjacent", "The adjacent difference"), ("TFD", "TFD")):
        names = list(dict.fromkeys(name for name, verdict in disturbed if verdict == winner))
        where = f" ({listed(names)})" if 0 < len(names) <= _FEW else ""
        parts.append(f"{label} is better in {won[winner]}{where}")
    return f"{', '.join(parts)}, and {won['']} are undecided, of {len(disturbed) + 1} conditions."


_FEW = 3
"""So many names can be read in a parenthesis."""


def token_findings(tables: Mapping[str, Mapping[tuple[str, float], Comparison]]) -> str:
    """For each kind of tokens how often TFD and how often the adjacent difference is better."""
    parts = []
    for tokens, found in tables.items():
        counts = Counter(comparison.verdict for comparison in found.values())
        parts.append(f"with {tokens} in {counts['higher']} and {counts['lower']} of {len(found)} conditions")
    return f"TFD and the adjacent difference are better {'; '.join(parts)}."


def part_findings(panels: Sequence[Differences]) -> str:
    """What rises and falls with which part at every ratio, and what does so with none at any."""
    changed, never = [], []
    for panel in panels:
        ways = [
            f"{way} with {listed(names)}"
            for way, sign in (("higher", 1), ("lower", -1))
            if (names := [_name(part) for part in panel.parts if _always(panel, part, sign)])
        ]
        if ways:
            changed.append(f"{_plain(panel.measure)} {', '.join(ways)}")
        elif not any(decided.any() for decided in panel.decided.values()):
            never.append(_plain(panel.measure))
    ratios = listed([f"{100 * ratio:g}" for ratio in panels[0].ratios]) if panels else ""
    sentences = [f"Decided at {ratios} % alike: {'; '.join(changed)}."] if changed else []
    sentences += [f"No change in {measure} is decided." for measure in never]
    return " ".join(sentences)


def _always(panel: Differences, part: str, sign: int) -> bool:
    return bool(panel.decided[part].all() and (np.sign(panel.parts[part][0]) == sign).all())


def _name(part: str) -> str:
    """A part's label for a line of text, such as "uniqueness (over TFD)"."""
    return " ".join(part.split())


def option_findings(panels: Sequence[KnobCurves]) -> str:
    """Which values of each option change which measure, held against the paper's choice."""
    sentences = []
    for panel in panels:
        chosen = panel.values.tolist().index(panel.chosen)
        changes = []
        for measure, curve in panel.measured.items():
            ways = [
                f"{way} at {listed([f'{value:g}' for value in panel.values[which]])}"
                for way, sign in (("lower", -1), ("higher", 1))
                if (which := panel.decided[measure] & (np.sign(curve[0] - curve[0][chosen]) == sign)).any()
            ]
            if ways:
                changes.append(f"{_plain(measure)} {', '.join(ways)}")
        said = "; ".join(changes) or "no difference is decided"
        sentences.append(f"{_plain(panel.knob).capitalize()} against {panel.chosen:g}: {said}.")
    return " ".join(sentences)


def _plain(label: str) -> str:
    """A label without its symbol or unit."""
    return re.split(r" [$(]", label)[0]


def method_findings(grid: Grid, measures: Sequence[str], ratios: Sequence[float]) -> str:
    """Which methods lead each measure at each ratio: the best mean, and those that are not told from it.

    The family of the tests is every other method against the best one, at every ratio and for every measure.
    """
    best: dict[tuple[str, float], str] = {}
    for measure in measures:
        sign = {"higher": 1, "lower": -1}[QUANTITIES[measure].better]
        for ratio in ratios:
            best[measure, ratio] = max(
                METHOD_NAMES, key=lambda name: sign * np.nanmean(grid.values[measure][name, ratio])
            )
    cells = {
        (measure, ratio, name): (measure, (name, ratio), (leader, ratio))
        for (measure, ratio), leader in best.items()
        for name in METHOD_NAMES
        if name != leader
    }
    found = grid.compare(list(cells.values()))
    sentences = []
    for measure in measures:
        leaders: dict[tuple[str, ...], list[float]] = {}
        for ratio in ratios:
            level = tuple(
                name
                for name in METHOD_NAMES
                if name == best[measure, ratio] or found[cells[measure, ratio, name]].verdict == "undecided"
            )
            leaders.setdefault(level, []).append(ratio)
        groups = [
            f"{listed([METHOD_NAMES[name] for name in level])} at {listed([f'{100 * ratio:g}' for ratio in some])} %"
            for level, some in leaders.items()
        ]
        sentences.append(
            f"Best in {_plain(QUANTITIES[measure].title)}, or not told from the best: {'; '.join(groups)}."
        )
    return " ".join(sentences)


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
