"""Sentences about the measured tables follow the tables."""

import numpy as np
import pytest

from infomerge.measure.statistics import Comparison, Interval
from infomerge.paper.labels import METHOD_NAMES
from infomerge.paper.tables import Grid
from infomerge.paper.verdicts import (
    listed,
    method_findings,
    option_findings,
    part_findings,
    prior_findings,
    token_findings,
)
from infomerge.plots import Differences, DisturbanceCurves, KnobCurves


def priors(**verdicts: list[str]) -> list[DisturbanceCurves]:
    """Panels whose verdicts are those of the clean clips and of each strength."""
    panels = []
    for name, some in verdicts.items():
        curves = dict.fromkeys(("TFD", "adjacent"), np.full((3, len(some)), 0.5))
        panels.append(DisturbanceCurves(name.replace("_", " "), "", np.arange(len(some)) * 0.1, curves, some))
    return panels


def test_priors_are_counted_and_the_clean_clips_once() -> None:
    clean = "adjacent"
    panels = priors(
        fog=[clean, "adjacent", ""], glare=[clean, "adjacent", "adjacent"], sensor_noise=[clean, "TFD", "TFD"]
    )
    assert prior_findings(panels) == (
        "The adjacent difference is better in 4 (fog and glare), TFD is better in 2 (sensor noise), and 1 are "
        "undecided, of 7 conditions."
    )
    # The other way round, and under too many disturbances to name them.
    panels = priors(fog=["TFD", "TFD"], glare=["TFD", "TFD"], shake=["TFD", "TFD"], jitter=["TFD", "TFD"])
    assert prior_findings(panels) == (
        "The adjacent difference is better in 0, TFD is better in 5, and 0 are undecided, of 5 conditions."
    )


def comparison(mean: float, decided: bool) -> Comparison:
    return Comparison(Interval(mean, mean - 0.01, mean + 0.01, 0.95, 9, 0), 0.001 if decided else 0.5)


def test_kinds_of_tokens_have_their_own_counts() -> None:
    tables = {
        "pixels": {("fog", 0.1): comparison(0.1, True), ("fog", 0.2): comparison(0.1, False)},
        "network": {("fog", 0.1): comparison(-0.1, True), ("fog", 0.2): comparison(-0.2, True)},
    }
    assert token_findings(tables) == (
        "TFD and the adjacent difference are better with pixels in 1 and 0 of 2 conditions; with network in 0 and 2 "
        "of 2 conditions."
    )


def differences(measure: str, **parts: list[tuple[float, bool]]) -> Differences:
    """A panel of each part's mean differences at 5 and 10 %, with whether they are decided."""
    return Differences(
        measure,
        "higher",
        np.array([0.05, 0.10]),
        {part: np.array([[mean, mean, mean] for mean, _ in cells]).T for part, cells in parts.items()},
        {part: np.array([decided for _, decided in cells]) for part, cells in parts.items()},
    )


def test_parts_are_named_where_every_ratio_is_decided_the_same_way() -> None:
    panels = [
        differences("duplicates", TFD=[(-0.1, True), (-0.2, True)], richness=[(0.1, True), (0.1, True)]),
        differences("recall", TFD=[(0.1, False), (0.1, False)], richness=[(0.1, False), (0.1, False)]),
        # Neither decided alike, nor undecided at every ratio: nothing can be said in a word.
        differences("KL divergence (nats)", TFD=[(0.1, True), (-0.1, True)], richness=[(0.1, True), (0.1, False)]),
    ]
    assert part_findings(panels) == (
        "Decided at 5 and 10 % alike: duplicates higher with richness, lower with TFD. No change in recall is decided."
    )
    panels[0] = differences("duplicates", TFD=[(0.1, True), (0.2, True)], richness=[(0.1, True), (0.1, False)])
    assert part_findings(panels[:1]) == "Decided at 5 and 10 % alike: duplicates higher with TFD."
    assert part_findings(panels[1:2]) == "No change in recall is decided."


def test_options_are_held_against_the_papers_choice() -> None:
    def panel(means: list[float], decided: list[bool]) -> KnobCurves:
        values = np.array([0.0, 1.0, 2.0])
        curve = np.array([means, means, means])
        return KnobCurves(
            r"penalty $\lambda$", 1.0, values, {"recall (share)": curve}, {"recall (share)": np.array(decided)}, values
        )

    assert option_findings([panel([0.1, 0.5, 0.9], [True, False, True])]) == (
        "Penalty against 1: recall lower at 0, higher at 2."
    )
    assert (
        option_findings([panel([0.9, 0.5, 0.9], [True, False, True])]) == "Penalty against 1: recall higher at 0 and 2."
    )
    assert option_findings([panel([0.1, 0.5, 0.9], [False] * 3)]) == "Penalty against 1: no difference is decided."


@pytest.mark.parametrize(
    ("measure", "title", "sign"), [("event_owned", "event recall", 1), ("kl_divergence", "KL divergence", -1)]
)
def test_methods_lead_with_those_that_are_not_told_from_the_best(measure: str, title: str, sign: int) -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(0.3, 0.6, 40)
    best, level = "tome", "random"
    values = {}
    for ratio in (0.05, 0.10):
        for name in METHOD_NAMES:
            ahead = {best: 0.2, level: 0.2}.get(name, 0.0) if ratio == 0.05 else {best: 0.2}.get(name, 0.0)
            spread = rng.normal(0, 0.01, 40)
            values[name, ratio] = hard + sign * (ahead + spread - spread.mean() + (0.001 if name == best else 0))
    grid = Grid(tuple(map(str, range(40))), {measure: values})
    assert method_findings(grid, [measure], (0.05, 0.10)) == (
        f"Best in {title}, or not told from the best: {METHOD_NAMES[best]} and {METHOD_NAMES[level]} at 5 %; "
        f"{METHOD_NAMES[best]} at 10 %."
    )


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
