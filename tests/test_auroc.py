"""AUROC and average precision against slow loops and known answers."""

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infomerge.measure.detection import (
    auroc,
    average_precision,
)

labelled = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=25)


def arrays(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    scores, positive = zip(*pairs, strict=True)
    return np.array(scores, dtype=np.float64), np.array(positive, dtype=np.bool_)


def slow_auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    pairs = [(a, b) for a in scores[positive] for b in scores[~positive]]
    wins = sum(Fraction(1) if a > b else Fraction(1, 2) if a == b else Fraction(0) for a, b in pairs)
    return float(wins / len(pairs)) if pairs else math.nan


def slow_average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """The area under the steps of the precision-recall curve, threshold by threshold."""
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= threshold
        recall = (taken & positive).sum() / positive.sum()
        total += (recall - recall_before) * (taken & positive).sum() / taken.sum()
        recall_before = recall
    return float(total)


@given(labelled)
def test_both_measures_against_loops(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(pairs)
    assert auroc(scores, positive) == pytest.approx(slow_auroc(scores, positive), abs=1e-12, nan_ok=True)
    expected = slow_average_precision(scores, positive) if positive.any() else math.nan
    assert average_precision(scores, positive) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(labelled)
def test_negated_scores_or_labels_turn_the_curve_over(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(pairs)
    value = auroc(scores, positive)
    assert auroc(-scores, positive) == pytest.approx(1 - value, abs=1e-12, nan_ok=True)
    assert auroc(scores, ~positive) == pytest.approx(1 - value, abs=1e-12, nan_ok=True)


@given(labelled, st.randoms(use_true_random=False))
def test_only_the_order_of_the_scores_counts(pairs: list[tuple[int, bool]], random: Random) -> None:
    scores, positive = arrays(pairs)
    order = random.sample(range(len(pairs)), len(pairs))
    for changed, labels in ((np.exp(scores / 2) - 7, positive), (scores[order], positive[order])):
        assert auroc(changed, labels) == pytest.approx(auroc(scores, positive), abs=1e-12, nan_ok=True)
        ours = average_precision(changed, labels)
        assert ours == pytest.approx(average_precision(scores, positive), abs=1e-12, nan_ok=True)


def test_perfect_inverted_and_empty_scores() -> None:
    positive = np.array([True] * 3 + [False] * 5)
    rising = np.arange(8.0)
    assert auroc(-rising, positive) == 1
    assert average_precision(-rising, positive) == 1
    assert auroc(rising, positive) == 0
    assert average_precision(rising, positive) == pytest.approx((1 / 6 + 2 / 7 + 3 / 8) / 3)
    assert auroc(np.zeros(8), positive) == 0.5
    assert average_precision(np.zeros(8), positive) == 3 / 8


def test_a_curve_drawn_by_hand() -> None:
    # From the highest score down: + - + + - -. The curve rises at 0, moves right to 1/3, rises to the top.
    scores, positive = np.array([6.0, 5, 4, 3, 2, 1]), np.array([True, False, True, True, False, False])
    assert auroc(scores, positive) == pytest.approx(7 / 9)
    assert average_precision(scores, positive) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_random_scores_are_worth_chance() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.random(20000), rng.random(20000) < 0.2
    # Five standard errors of each.
    assert auroc(scores, positive) == pytest.approx(0.5, abs=5 * math.sqrt(1 / (12 * 3200)))
    assert average_precision(scores, positive) == pytest.approx(positive.mean(), abs=0.02)


def test_bad_scores() -> None:
    with pytest.raises(ValueError, match="scores: got 1 values that are NaN"):
        auroc(np.array([1.0, np.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match="positive: got 3 labels; expected one for each of the 2 scores"):
        average_precision(np.zeros(2), np.zeros(3, dtype=np.bool_))
