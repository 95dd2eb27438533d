"""The numbers on the slides, taken from the committed tables and from sample clips when the deck is built."""

import csv
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from infomerge.budget import BudgetSplit, split_budget
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.course.exercises import EXERCISES
from infomerge.course.pictures import bars, curves
from infomerge.encoded_clip import EncodedClip
from infomerge.paper.answer_tables import read_answers, title_of
from infomerge.paper.tables import prior_comparisons
from infomerge.plots import budget_chart
from infomerge.resources import data_file
from infomerge.testbed.scores import Setting

CLIPS = ("carphone", "bigbuckbunny", "bikes")
THRESHOLD = 0.9
METHODS = ("infomerge", "farthest", "tome", "random")
RATIOS = (0.01, 0.02, 0.05, 0.10, 0.15)


def kept(ratio: float, frames: int = 32, positions: int = 196) -> BudgetSplit:
    """Requested, salient and context tokens of a clip (A.4)."""
    return split_budget(frames, positions, InfoMergeConfig.paper(ratio))


def answers(method: str, ratio: float, checkpoint: str = "subsets") -> str:
    """Accuracy on clean clips as a share of that with all tokens, in %."""
    return f"{100 * read_answers().relative(_setting(method, ratio, checkpoint)).mean:.0f}"


def asked(checkpoint: str = "subsets") -> dict[str, int]:
    """How many clips and questions the answers are of."""
    full = _setting("infomerge", 0.1, checkpoint).full
    table = read_answers()
    return {"clips": table.clips(full), "questions": table.questions(full)}


def difference(method: str, other: str, ratio: float, checkpoint: str = "subsets") -> str:
    """Points of accuracy between two methods, paired by clip, with the 95 % interval."""
    pair = (_setting(method, ratio, checkpoint), _setting(other, ratio, checkpoint))
    found = read_answers().compare([pair])[pair].difference
    mean, low, high = (
        f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in (found.mean, found.low, found.high)
    )
    return f"{mean} points ({low} to {high})"


def priors(tokens: str) -> dict[str, int]:
    """In how many conditions TFD is better, the adjacent difference is, and neither may be claimed to be."""
    verdicts = Counter(comparison.verdict for comparison in _priors()[tokens].values())
    return {"tfd": verdicts["higher"], "adjacent": verdicts["lower"], "undecided": verdicts["undecided"]}


@cache
def _priors() -> dict[str, Any]:
    return prior_comparisons()


def milliseconds(column: str, ratio: float, model: str = "LLaVA-OneVision-7B") -> str:
    """A time of a Video-LLM's first token with fast compression, in ms.

    Args:
        column: of data/results/first_token.csv, such as "first_token_ms".
        ratio: 1 for all tokens.
        model: whose.
    """
    with data_file("results/first_token.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["model"] == model]
    # With all tokens nothing is compressed, in either arithmetic.
    row = next(row for row in rows if float(row["retention_ratio"]) == ratio and row["arithmetic"] != "exact")
    return f"{float(row[column]):.0f}"


@cache
def repeated(name: str) -> float:
    """The share of a sample clip's tokens that the frame before shows (unit 1)."""
    return float(EXERCISES["repeated_share"].reference(EncodedClip.read(name).tokens, THRESHOLD))


def percent(share: float) -> str:
    """A share in whole %."""
    return f"{100 * share:.0f}"


@cache
def _tour() -> tuple[EncodedClip, Compression]:
    clip = EncodedClip.read("tour")
    return clip, clip.compress(retention_ratio=0.15)


def segments_chart() -> Figure:
    """Where the tour is cut, with the similarity that decides it."""
    return budget_chart(*_tour(), panels=("film", "similarity"), width=7)


def budgets_chart() -> Figure:
    """What decides the tour's budgets, and what comes of it."""
    return budget_chart(*_tour(), panels=("film", "uniqueness", "richness", "budget"), width=8)


def repeated_bars() -> Figure:
    """Unit 1: how much of three clips is repeated."""
    shares = np.array([100 * repeated(name) for name in CLIPS])
    figure = bars(CLIPS, {"repeated": shares}, "tokens repeated (%)", form="%.0f", width=4.2)
    figure.set_size_inches(4.2, 3)
    return figure


def answer_curves() -> Figure:
    """Unit 4: right answers over the ratio, for four methods."""
    table = read_answers()
    lines = {title_of(name): [100 * table.relative(_setting(name, ratio)).mean for ratio in RATIOS] for name in METHODS}
    ratios = [100 * ratio for ratio in RATIOS]
    figure = curves(ratios, lines, "tokens kept (%)", "% of the answers with all tokens", width=4.6)
    figure.set_size_inches(4.6, 3.4)
    return figure


NUMBERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (kept, answers, asked, difference, priors, milliseconds, repeated, percent)
}
"""What a slide may call between {{ and }}."""
PICTURES: dict[str, Callable[[], Figure]] = {
    "segments": segments_chart,
    "budgets": budgets_chart,
    "repeated": repeated_bars,
    "answers": answer_curves,
}
"""Pictures that are drawn with the deck: `drawn:NAME` in the place of a file."""


def _setting(method: str, ratio: float, checkpoint: str = "subsets") -> Setting:
    return Setting(checkpoint, "clean", method, ratio=ratio)
