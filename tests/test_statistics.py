"""Intervals and tests against simulations with a known answer, textbook numbers and slow enumeration."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infomerge.measure.statistics import (
    Comparison,
    Interval,
    compare,
    compare_family,
    holm,
    mean_interval,
    overlap,
)


def interval(low: float, high: float, mean: float | None = None) -> Interval:
    return Interval((low + high) / 2 if mean is None else mean, low, high, 0.95, 10, 0)


@pytest.mark.parametrize("method", ["BCa", "percentile"])
@pytest.mark.parametrize("skewed", [False, True])
def test_95_per_cent_intervals_hold_the_truth_95_times_in_a_hundred(method: str, skewed: bool) -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        # Bounded and skewed as AUROCs near 1 are: the mean of a Beta(8, 1) is 8/9.
        sample = rng.beta(8, 1, 60) - 8 / 9 if skewed else rng.normal(0, 1, 60)
        found = mean_interval(sample, resamples=500, method=method)
        held += not found.excludes(0)
    # Between four standard errors below and three above; bootstrap intervals are a little short at 60 values.
    assert 0.90 < held / 300 < 0.99


def test_the_interval_of_a_mean_is_that_of_the_normal_law_for_normal_data() -> None:
    sample = np.random.default_rng(0).normal(3, 2, 400)
    found = mean_interval(sample)
    half = 1.96 * sample.std() / 20
    assert found.mean == pytest.approx(sample.mean())
    assert found.low == pytest.approx(sample.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(sample.mean() + half, abs=0.1 * half)
    wider = mean_interval(sample, confidence=0.99)
    assert wider.low < found.low < found.high < wider.high


def test_the_percentile_interval_of_few_values_by_enumeration() -> None:
    values = np.array([0.0, 1.0, 4.0, 10.0])
    means = [np.mean(draw) for draw in itertools.product(values, repeat=4)]
    found = mean_interval(values, confidence=0.8, resamples=20000, method="percentile")
    assert (found.low, found.high) == (np.quantile(means, 0.1), np.quantile(means, 0.9))


def test_the_same_seed_gives_the_same_interval_whatever_the_size_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = np.random.default_rng(1).random(30)
    found = mean_interval(sample)
    assert found == mean_interval(sample.copy())
    assert found != mean_interval(sample, seed=1)
    monkeypatch.setattr("infomerge.measure.statistics._BLOCK_ELEMENTS", 1000)
    blocks = mean_interval(sample)
    assert (blocks.low, blocks.high) == pytest.approx((found.low, found.high), abs=1e-12)


def test_clips_without_a_value_are_left_out_and_counted() -> None:
    sample = np.random.default_rng(2).random(20)
    with_gaps = np.insert(sample, [0, 7, 20], np.nan)
    found = mean_interval(with_gaps)
    assert (found.count, found.left_out) == (20, 3)
    assert dataclasses.replace(found, left_out=0) == mean_interval(sample)


def test_constant_and_nearly_constant_values() -> None:
    found = mean_interval(np.full(12, 0.1))
    assert (found.mean, found.low, found.high) == (0.1, 0.1, 0.1)
    nearly = np.full(12, 1.0)
    nearly[3] = 0.9
    found = mean_interval(nearly)
    assert 0.9 < found.low < found.mean <= found.high <= 1


@pytest.mark.parametrize("values", [[], [np.nan], [0.5], [0.5, np.nan]])
def test_too_few_values_give_no_interval_and_no_claim(values: list[float]) -> None:
    found = mean_interval(np.array(values))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.excludes(100)
    assert overlap(found, interval(5, 6))
    assert math.isnan(found.mean) or found.mean == 0.5
    assert compare(np.array(values), np.array(values) - 1).verdict == "undecided"


def test_overlap() -> None:
    assert overlap(interval(0, 1), interval(1, 2))
    assert overlap(interval(0, 5), interval(1, 2))
    assert not overlap(interval(0, 1), interval(1.1, 2))
    assert not overlap(interval(1.1, 2), interval(0, 1))
    assert interval(1, 2).excludes(0.9)
    assert not interval(1, 2).excludes(1)


def test_a_paired_difference_that_the_clips_own_spread_hides() -> None:
    rng = np.random.default_rng(3)
    hardness = rng.uniform(0.5, 1, 40)
    a, b = hardness + 0.02 + rng.normal(0, 0.01, 40), hardness
    assert overlap(mean_interval(a), mean_interval(b))
    found = compare(a, b)
    assert found.verdict == "higher"
    assert found.difference.mean == pytest.approx(np.mean(a - b))
    mirrored = compare(b, a)
    assert mirrored.verdict == "lower"
    assert mirrored.p_value == pytest.approx(found.p_value)


def signed_rank_p(differences: list[float]) -> float:
    """Both sides, by going through all signs; no zeros and no ties."""
    order = sorted(range(len(differences)), key=lambda i: abs(differences[i]))
    ranks = {i: place + 1 for place, i in enumerate(order)}
    center = sum(ranks.values()) / 2
    ours = abs(sum(ranks[i] for i, d in enumerate(differences) if d > 0) - center)
    sums = [
        sum(rank for rank, sign in zip(ranks.values(), signs, strict=True) if sign)
        for signs in itertools.product([False, True], repeat=len(differences))
    ]
    return sum(abs(total - center) >= ours for total in sums) / len(sums)


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=3, max_size=9, unique_by=abs))
def test_the_paired_test_against_all_signs(differences: list[int]) -> None:
    values = np.array(differences, dtype=np.float64)
    ranked = sorted(values, key=abs)
    points = sum(math.copysign(place + 1, value) for place, value in enumerate(ranked))
    expected = signed_rank_p(differences) if points * values.sum() >= 0 else 1
    if values.sum() == 0:
        return
    assert compare(values, np.zeros_like(values), resamples=10).p_value == pytest.approx(expected)


def test_equal_measures_are_undecided_and_ties_cost_power() -> None:
    same = np.random.default_rng(4).random(20)
    found = compare(same, same.copy())
    assert (found.p_value, found.verdict) == (1, "undecided")
    assert (found.difference.low, found.difference.high) == (0, 0)
    few = np.zeros(40)
    few[:3] = 0.1
    assert compare(few, np.zeros(40)).verdict == "undecided"


def test_mean_and_ranks_that_disagree_decide_nothing() -> None:
    # Nearly all differences are a little above zero, two far below.
    differences = np.concatenate([np.linspace(0.01, 0.02, 38), [-3.0, -3.1]])
    found = compare(differences, np.zeros(40))
    assert found.difference.mean < 0
    assert found.p_value == 1
    assert found.verdict == "undecided"


def test_no_difference_is_claimed_in_one_of_twenty_cases_at_most() -> None:
    rng = np.random.default_rng(5)
    claims = sum(
        compare(rng.normal(0, 1, 30), rng.normal(0, 1, 30), resamples=300).verdict != "undecided" for _ in range(300)
    )
    # Three standard errors above 5 %.
    assert claims / 300 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_a_verdict_needs_both_interval_and_test() -> None:
    assert Comparison(interval(0.1, 0.2), 0.01).verdict == "higher"
    assert Comparison(interval(-0.2, -0.1), 0.01).verdict == "lower"
    assert Comparison(interval(0.1, 0.2), 0.051).verdict == "undecided"
    assert Comparison(interval(-0.1, 0.2), 0.001).verdict == "undecided"


def test_holm_on_a_textbook_family() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1, 1]
    with pytest.raises(ValueError, match="p_values: got"):
        holm([0.2, 1.2])
    with pytest.raises(ValueError, match="p_values: got"):
        holm([math.nan])


@given(st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=1, max_size=8), st.integers(1, 99))
def test_holm_rejects_step_by_step(p_values: list[float], percent: int) -> None:
    level = (percent - 0.5) / 100 / 7  # never equal to a corrected value
    rejected = [False] * len(p_values)
    for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[i] > level / (len(p_values) - step):
            break
        rejected[i] = True
    assert [value <= level for value in holm(p_values)] == rejected


def test_a_family_corrects_tests_and_leaves_intervals() -> None:
    rng = np.random.default_rng(6)
    base = rng.random(25)
    pairs = {f"shift {shift}": (base + shift * rng.random(25), base) for shift in (0.5, 0.1)}
    pairs["noise"] = (base + rng.normal(0, 1, 25), base)
    found = compare_family(pairs)
    single = {key: compare(*pair) for key, pair in pairs.items()}
    assert list(found) == list(pairs)
    assert {key: c.difference for key, c in found.items()} == {key: c.difference for key, c in single.items()}
    assert [c.p_value for c in found.values()] == holm([c.p_value for c in single.values()])
    assert found["shift 0.5"].verdict == "higher"
    assert compare_family({}) == {}


def test_bad_arguments() -> None:
    values = np.array([0.1, 0.2, np.inf])
    with pytest.raises(ValueError, match="values: got 1 infinite"):
        mean_interval(values)
    with pytest.raises(ValueError, match="b: got 1 infinite"):
        compare(np.zeros(3), values)
    with pytest.raises(ValueError, match="confidence: got 95"):
        mean_interval(np.zeros(3), confidence=95)
    with pytest.raises(ValueError, match="resamples: got 0"):
        mean_interval(np.zeros(3), resamples=0)
    with pytest.raises(ValueError, match="b: got 2 clips; expected those of a, 3"):
        compare(np.zeros(3), np.zeros(2))
