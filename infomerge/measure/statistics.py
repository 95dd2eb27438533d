"""Intervals and paired tests over clips, and when they allow a claim.

Clips are what is drawn at random, so they are what is resampled: all numbers of one clip belong in one value first.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from infomerge.extras import needs

BootstrapMethod = Literal["BCa", "percentile"]
Verdict = Literal["higher", "lower", "undecided"]

# Bounds the memory of resampling; what is drawn does not depend on it.
_BLOCK_ELEMENTS = 1 << 22
# Differences that are equal but for their last bits count as tied in ranks.
_DECIMALS = 12

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Interval:
    """A mean over clips with its confidence interval.

    `low` and `high` are NaN where fewer than two clips have a value, and the mean is NaN where none has.
    """

    mean: float
    low: float
    high: float
    confidence: float
    """How sure, as in 0.95."""
    count: int
    """Clips that have a value."""
    left_out: int
    """Clips left out because their value is NaN."""

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside; False where there is no interval."""
        return self.low > value or self.high < value


def mean_interval(
    values: Float[np.ndarray, "clips"],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    method: BootstrapMethod = "BCa",
) -> Interval:
    """Bootstrap confidence interval of a mean over clips.

    The same values and seed give the same interval. Where all values are equal the interval is that value.

    Args:
        values: one per clip; NaN where a clip has none, which leaves it out.
        confidence: chance that the interval holds the true mean, in (0, 1).
        resamples: how many samples are drawn.
        seed: draws them.
        method: "BCa" corrects for bias and skew, which means of bounded measures near 1 have; "percentile" does not.

    Raises:
        ValueError: a value is infinite, or the confidence or the number of resamples is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: got {confidence}; expected a number between 0 and 1")
    if resamples < 1:
        raise ValueError(f"resamples: got {resamples}; expected whole numbers from 1")
    known = ~_undefined("values", values)
    sample = values[known].astype(np.float64)
    count, left_out = len(sample), int((~known).sum())
    mean = float(sample.mean()) if count else math.nan
    if count < 2:
        low = high = math.nan
    elif np.ptp(sample) == 0:
        mean = low = high = float(sample[0])
    else:
        with needs("sweep"):
            from scipy.stats import bootstrap
        result = bootstrap(
            (sample,),
            np.mean,
            confidence_level=confidence,
            n_resamples=resamples,
            batch=max(1, _BLOCK_ELEMENTS // count),
            method=method,
            rng=np.random.default_rng(seed),
        )
        low, high = (float(end) for end in result.confidence_interval)
    return Interval(mean, low, high, confidence, count, left_out)


def _undefined(name: str, values: Float[np.ndarray, "clips"]) -> Bool[np.ndarray, "clips"]:
    if np.isinf(values).any():
        raise ValueError(f"{name}: got {int(np.isinf(values).sum())} infinite values; expected numbers and NaN")
    return np.isnan(values)


def overlap(a: Interval, b: Interval) -> bool:
    """Whether two intervals have a value in common; True where one of them is unknown.

    Of two means from different clips, nothing is claimed where this is so. For means from the same clips it is far
    too strict, since what makes one clip harder than another moves both: there `compare` looks at the differences.
    """
    return not (a.low > b.high or a.high < b.low)


@dataclass(frozen=True)
class Comparison:
    """Two measures of the same clips: the mean of a - b, with its interval, and the paired test."""

    difference: Interval
    p_value: float
    """Wilcoxon's signed-rank test; corrected where it comes from a family."""

    @property
    def verdict(self) -> Verdict:
        """What may be claimed of a against b.

        "undecided" unless the interval of the mean difference leaves out zero and the test agrees at the interval's
        level.
        """
        if not self.difference.excludes(0) or not self.p_value < 1 - self.difference.confidence:
            return "undecided"
        return "higher" if self.difference.mean > 0 else "lower"


def compare(
    a: Float[np.ndarray, "clips"],
    b: Float[np.ndarray, "partners"],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    method: BootstrapMethod = "BCa",
) -> Comparison:
    """Two measures of the same clips, in the same order, by their differences; see `mean_interval`.

    The test is Wilcoxon's signed-rank test on both sides (ties by Pratt's method), in the direction of the mean: where
    the ranks point the other way the p-value is 1.

    Raises:
        ValueError: as `mean_interval`, or the numbers of clips differ.
    """
    if len(a) != len(b):
        raise ValueError(f"b: got {len(b)} clips; expected those of a, {len(a)}")
    _undefined("a", a)
    _undefined("b", b)
    differences = np.round(a.astype(np.float64) - b, _DECIMALS)
    difference = mean_interval(differences, confidence=confidence, resamples=resamples, seed=seed, method=method)
    return Comparison(difference, _signed_rank(differences[~np.isnan(differences)]))


def _signed_rank(differences: Float[np.ndarray, "clips"]) -> float:
    if not differences.any():
        return 1.0
    with needs("sweep"):
        from scipy.stats import wilcoxon
    side = "greater" if differences.mean() > 0 else "less"
    return min(1.0, 2 * float(wilcoxon(differences, zero_method="pratt", alternative=side).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family of tests, corrected by Holm's method, in the order given.

    Rejecting where they are below a level keeps the chance of any false claim in the family below it.

    Raises:
        ValueError: a p-value lies outside 0 to 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p_values: got {list(p_values)}; expected numbers from 0 to 1")
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


def compare_family(
    pairs: Mapping[Key, tuple[Float[np.ndarray, "_"], Float[np.ndarray, "_"]]],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    method: BootstrapMethod = "BCa",
) -> dict[Key, Comparison]:
    """Several comparisons that one statement rests on, with p-values corrected for their number by `holm`.

    Args:
        pairs: for each comparison the two measures, as `compare` takes them.
        confidence: of each interval alone.
        resamples: as in `mean_interval`.
        seed: as in `mean_interval`; the same for each comparison.
        method: as in `mean_interval`.
    """
    single = {
        key: compare(a, b, confidence=confidence, resamples=resamples, seed=seed, method=method)
        for key, (a, b) in pairs.items()
    }
    corrected = holm([comparison.p_value for comparison in single.values()])
    return {
        key: replace(comparison, p_value=p_value)
        for (key, comparison), p_value in zip(single.items(), corrected, strict=True)
    }
